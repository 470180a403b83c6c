import * as z from "zod";
import { Time } from "./common.ts";

/** The newest model of one partition, beside what its run found. */
export const GroupedModel = z.object({
  /** `azureml:NAME:VERSION`. */
  id: z.string(),
  name: z.string(),
  version: z.string(),
  partition: z.string(),
  run_id: z.string().optional(),
  created_at: Time,
  /** Latest values of the run's metrics; NaN and infinities as text. */
  metrics: z.record(z.string(), z.union([z.number(), z.string()])),
  params: z.record(z.string(), z.string()),
});
export type GroupedModel = z.infer<typeof GroupedModel>;
