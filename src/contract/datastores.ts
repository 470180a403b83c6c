import * as z from "zod";
import { Actor, Description, ResourceName, Tags, Time } from "./common.ts";

const Common = { description: Description.optional(), tags: Tags.optional() };

/** Credentials go to the vault at once and are never shown again. */
export const DatastoreSpec = z.discriminatedUnion("type", [
  /** The workspace's own storage; made with the workspace as `workspaceblobstore`. */
  z.strictObject({ ...Common, type: z.literal("workspace"), prefix: z.string().max(500).optional() }),
  /** A folder of the machine the home runs on. Laptop only. */
  z.strictObject({ ...Common, type: z.literal("local"), path: z.string().min(1).max(2000) }),
  z.strictObject({
    ...Common,
    type: z.literal("s3"),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
      .describe("3..63 lower-case letters, digits, `.` or `-`"),
    prefix: z.string().max(900).optional(),
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,50}$/)
      .optional(),
    endpoint: z.string().max(500).optional(),
    credentials: z
      .strictObject({ access_key_id: z.string(), secret_access_key: z.string(), session_token: z.string().optional() })
      .optional(),
  }),
  z.strictObject({
    ...Common,
    type: z.literal("http"),
    base_url: z.url({ protocol: /^https?$/ }),
    credentials: z
      .strictObject({ username: z.string().optional(), password: z.string().optional(), bearer: z.string().optional() })
      .optional(),
  }),
  z.strictObject({
    ...Common,
    type: z.literal("sftp"),
    host: z.string().min(1).max(253),
    port: z.number().int().min(1).max(65535).optional(),
    path: z.string().max(1000),
    username: z.string().max(100),
    /** `SHA256:…` as ssh-keygen -l prints it; the server's key must match. */
    host_key: z.string().max(200),
    credentials: z.strictObject({
      password: z.string().optional(),
      private_key: z.string().optional(),
      passphrase: z.string().optional(),
    }),
  }),
  /** Azure kinds are understood; a laptop or AWS home cannot reach them without credentials, and says so when they are used. */
  z.strictObject({
    ...Common,
    type: z.enum(["azure_blob", "azure_file", "azure_data_lake_gen2", "azure_data_lake_gen1", "one_lake"]),
    settings: z.record(z.string(), z.unknown()),
    credentials: z.record(z.string(), z.string()).optional(),
  }),
]);
export type DatastoreSpec = z.infer<typeof DatastoreSpec>;

export const Datastore = z.object({
  name: ResourceName,
  id: z.string(),
  type: z.string(),
  description: z.string().optional(),
  tags: Tags,
  is_default: z.boolean(),
  /** The spec without credentials. */
  settings: z.record(z.string(), z.unknown()),
  has_credentials: z.boolean(),
  created_at: Time,
  created_by: Actor,
});
export type Datastore = z.infer<typeof Datastore>;
export const DEFAULT_DATASTORE = "workspaceblobstore";
