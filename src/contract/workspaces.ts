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

export const WorkspaceSpec = z.strictObject({
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  tags: Tags.optional(),
  retention: Retention.optional(),
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
