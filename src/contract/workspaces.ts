import * as z from "zod";
import { Actor, Description, ResourceName, Tags, Time } from "./common.ts";

export { DEFAULT_WORKSPACE } from "./names.ts";

export const WorkspaceSpec = z.strictObject({
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  tags: Tags.optional(),
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
  created_at: Time,
  created_by: Actor,
});
export type Workspace = z.infer<typeof Workspace>;
