import * as z from "zod";
import { Actor, pageOf, Time } from "./common.ts";

/** One write, as it happened. `before`/`after` hold the fields that changed, secrets left out. */
export const Activity = z.object({
  id: z.string(),
  at: Time,
  actor: Actor,
  /** `job`, `model`, `online-endpoint`, … */
  resource: z.string(),
  name: z.string(),
  /** `create`, `update`, `delete`, `status`, … */
  action: z.string(),
  summary: z.string(),
  before: z.record(z.string(), z.unknown()).optional(),
  after: z.record(z.string(), z.unknown()).optional(),
});
export type Activity = z.infer<typeof Activity>;
export const ActivityPage = pageOf(Activity);
