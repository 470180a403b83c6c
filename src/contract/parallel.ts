import * as z from "zod";

/** How a parallel job's entry script is run over mini-batches of one of its inputs. Source of names and defaults: Azure ML's YAML of parallel jobs. */
export const ParallelTask = z.strictObject({
  /** Path within the code. Defines `run(mini_batch)`, and may define `init()` and `shutdown()`. */
  entry_script: z.string().min(1).max(1000),
  /** With the expressions of a command. */
  program_arguments: z.string().max(100_000).optional(),
  /** Name of the input that is cut. */
  input_data: z.string().min(1),
  /** Files a mini-batch (`5`), of an mltable the size of its rows (`10kb`). Default: one file, 1 MB. */
  mini_batch_size: z.string().max(100).optional(),
  /** Columns of an mltable: one mini-batch for each of their values. */
  partition_keys: z.array(z.string()).max(100).optional(),
  /** Worker processes on each machine; default: its processors. */
  max_concurrency_per_instance: z.number().int().min(1).max(1000).optional(),
  retry_settings: z
    .strictObject({
      max_retries: z.number().int().min(0).max(100).optional(),
      /** Seconds one mini-batch may take. */
      timeout: z.number().int().min(1).max(259_200).optional(),
    })
    .optional(),
  /** So many mini-batches may fail; -1: all. */
  mini_batch_error_threshold: z.number().int().min(-1).optional(),
  /** So many files or rows may be without a result; -1: all. */
  error_threshold: z.number().int().min(-1).optional(),
  logging_level: z.string().max(20).optional(),
  /** Name of the output that what `run()` returns is gathered in, in the order of the mini-batches. */
  append_row_to: z.string().optional(),
});
export type ParallelTask = z.infer<typeof ParallelTask>;

/** As a runner gets it. */
export const AssignedParallel = ParallelTask.extend({
  /** What the attempt's machines know each other by. */
  key: z.string(),
});
export type AssignedParallel = z.infer<typeof AssignedParallel>;
