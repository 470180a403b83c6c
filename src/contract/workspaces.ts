import * as z from "zod";
import { Actor, Description, ResourceName, Tags, Time } from "./common.ts";

export { DEFAULT_WORKSPACE } from "./names.ts";

/** What the home does by itself every day with what is deleted. */
export const Retention = z.strictObject({
  /** Goes to the trash of gc when it has been deleted for so many days. */
  deleted_days: z.number().min(0).max(36_500),
  /** How long it can be restored from there; default 7. */
  grace_days: z.number().min(0).max(36_500).optional(),
});
export type Retention = z.infer<typeof Retention>;

/** Made for the workspace and freed with it; or, by its ARN, something there is, which stays. */
const placeOf = (service: string, form: string) =>
  z.union([
    z.literal("own"),
    z.string().regex(new RegExp(`^arn:[a-z-]+:${service}:${form}$`), `\`own\`, or the ARN of a ${service} resource`),
  ]);

/** Where a workspace keeps what it has, instead of the home's own bucket, keys and repository. Chosen when it is made; the AWS home only. */
export const StorageSpec = z
  .strictObject({
    /** Bucket of every byte of it: blobs, artifacts, outputs, logs, the default datastore. */
    bucket: placeOf("s3", "::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]").optional(),
    /** KMS key of that bucket, and of a secret of its own. */
    key: placeOf("kms", "[a-z0-9-]+:\\d{12}:key/[A-Za-z0-9-]+").optional(),
    /** Secret whose text is what the workspace's secrets are encrypted by. */
    secret: placeOf("secretsmanager", "[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+").optional(),
    /** ECR repository of the images of its environments. */
    repository: placeOf("ecr", "[a-z0-9-]+:\\d{12}:repository/[a-z0-9/_.-]+").optional(),
  })
  .refine(
    ({ bucket, key, secret }) => key === undefined || bucket !== undefined || secret === "own",
    "a key without a bucket or a secret of its own encrypts nothing",
  );
export type StorageSpec = z.infer<typeof StorageSpec>;

const Place = z.object({ arn: z.string(), is_own: z.boolean() });

export const WorkspaceSpec = z.strictObject({
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  tags: Tags.optional(),
  retention: Retention.optional(),
  /** Absent: as it is; of a new one: the home's. */
  storage: StorageSpec.optional(),
});
export const Workspace = z.object({
  name: ResourceName,
  id: z.string(),
  display_name: z.string().optional(),
  description: z.string().optional(),
  tags: Tags,
  /** `URL/w/NAME`: what MLFLOW_TRACKING_URI is set to. */
  mlflow_tracking_uri: z.string(),
  default_datastore: z.string(),
  retention: Retention.optional(),
  /** What of its storage is not the home's. */
  storage: z
    .object({
      bucket: Place.optional(),
      key: Place.optional(),
      secret: Place.optional(),
      repository: Place.optional(),
    })
    .optional(),
  created_at: Time,
  created_by: Actor,
  /** It was deleted with what is in it: until then it can be restored, and nothing in it can be reached. */
  deletes_at: Time.optional(),
});
export type Workspace = z.infer<typeof Workspace>;

/** What is in a workspace, and goes with it. */
export const WorkspaceContents = z.object({
  items: z.array(
    z.object({
      /** In words: `runs`, `registered models`. */
      what: z.string(),
      count: z.number().int(),
      /** There are more than were counted. */
      is_more: z.boolean(),
    }),
  ),
  /** What must end before it can be deleted, in words. */
  blocked_by: z.array(z.string()),
});
export type WorkspaceContents = z.infer<typeof WorkspaceContents>;
