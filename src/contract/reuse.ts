import * as z from "zod";

/** One thing a step's results follow from, and how it differs from an earlier job of the same step. */
export const KeyDifference = z.object({
  /** `command`, `code`, `environment.python`, `inputs.data`, `outputs.model`, … */
  part: z.string(),
  before: z.string().optional(),
  after: z.string().optional(),
  /** Of code: files that were added, removed or changed. */
  files: z.array(z.string()).optional(),
});

/** Whether a step ran, and why. */
export const StepReuse = z.object({
  /** Within its pipeline: `train`, `loop#3`. */
  key: z.string(),
  job: z.string(),
  type: z.string(),
  /** Nothing ran: the results are those of this job. */
  reused_from: z.string().optional(),
  /** In a sentence, where there is more to say than how it differs. */
  reason: z.string().optional(),
  /** The earlier job of the same step that differs least. */
  nearest: z.string().optional(),
  /** From that job, the first first. */
  differences: z.array(KeyDifference),
});
export type KeyDifference = z.infer<typeof KeyDifference>;
export type StepReuse = z.infer<typeof StepReuse>;
