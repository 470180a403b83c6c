import * as z from "zod";
import { Description, RunId, Tags } from "./common.ts";
import { EnvironmentValue } from "./environments.ts";
import { LITERAL_TYPES } from "./names.ts";
import { ParallelTask } from "./parallel.ts";

export const DataType = z.enum(["uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"]);
export type DataType = z.infer<typeof DataType>;

export const InputMode = z.enum(["ro_mount", "rw_mount", "mount", "download", "direct", "eval_mount", "eval_download"]);
export const OutputMode = z.enum(["rw_mount", "mount", "upload", "direct"]);

/** A name usable in `${{inputs.NAME}}`: a Python identifier, dotted for groups. */
export const PortName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/);

export const LiteralInput = z.strictObject({
  type: z.enum(LITERAL_TYPES),
  /** As written in the file, so `1e-3` and `0.10` reach the command unchanged. Absent: an optional input that was not given. */
  value: z.string().max(100_000).optional(),
});
export const DataInput = z.strictObject({
  type: DataType,
  /** Any URI or reference of the surface; local paths are uploaded first and become `azureml://trees/<sha256>/…`. */
  path: z.string().min(1).max(2000),
  mode: InputMode.optional(),
});
export const JobInput = z.union([LiteralInput, DataInput]);
export type JobInput = z.infer<typeof JobInput>;

export const JobOutput = z.strictObject({
  /** Of a literal type: a file whose text is the value. Default: `uri_folder`. */
  type: z.enum([...DataType.options, ...LITERAL_TYPES]).optional(),
  mode: OutputMode.optional(),
  /** Where it goes; `${{name}}` and `${{default_datastore}}` are filled by the server. Default: `azureml/<job>/<output>/` in the default datastore. */
  path: z.string().max(2000).optional(),
  /** Registers the output as an asset of this name when the job completes. */
  name: z.string().max(255).optional(),
  version: z.string().max(100).optional(),
  description: z.string().optional(),
  /** Of the asset. */
  tags: Tags.optional(),
});
export type JobOutput = z.infer<typeof JobOutput>;

export const Resources = z.strictObject({
  instance_count: z.number().int().min(1).max(1000).optional(),
  instance_type: z.union([z.string(), z.array(z.string())]).optional(),
  locations: z.array(z.string()).optional(),
  max_instance_count: z.number().int().min(1).optional(),
  shm_size: z.string().optional(),
  docker_args: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});

export const Distribution = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("pytorch"),
    process_count_per_instance: z.number().int().min(1).max(64).optional(),
  }),
  z.strictObject({ type: z.literal("mpi"), process_count_per_instance: z.number().int().min(1).max(64).optional() }),
  z.strictObject({
    type: z.literal("tensorflow"),
    worker_count: z.number().int().min(1).max(64).optional(),
    parameter_server_count: z.number().int().min(0).max(64).optional(),
  }),
  z.looseObject({ type: z.literal("ray") }),
]);
export type Distribution = z.infer<typeof Distribution>;

export const Service = z.looseObject({ type: z.string().optional(), port: z.number().int().optional() });

/** What jobs of all kinds may say besides what they run. */
export const JOB_WORDS = {
  services: z.record(z.string(), Service).optional(),
  identity: z.looseObject({ type: z.string() }).optional(),
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  experiment_name: z.string().max(500).optional(),
  tags: Tags.optional(),
  properties: Tags.optional(),
  parent_job_name: RunId.optional(),
};

/** A command job with everything local taken in: what the CLI sends and the server keeps. */
export const CommandJobSpec = z.strictObject({
  type: z.literal("command"),
  command: z.string().min(1).max(100_000),
  /** `azureml://trees/<sha256>` or `git+https://…`; absent: an empty folder. */
  code: z.string().max(2000).optional(),
  /** Runs an entry script over mini-batches instead; `command` is then its words. */
  parallel: ParallelTask.optional(),
  environment: EnvironmentValue,
  environment_variables: z.record(z.string(), z.string()).optional(),
  inputs: z.record(PortName, JobInput).optional(),
  outputs: z.record(PortName, JobOutput).optional(),
  /** As written: `azureml:NAME`, NAME, `local`, `azureml:serverless`; absent: serverless. */
  compute: z.string().max(300).optional(),
  resources: Resources.optional(),
  distribution: Distribution.optional(),
  limits: z
    .strictObject({
      /** Seconds, of each attempt. */
      timeout: z.number().int().min(1).max(31_536_000).optional(),
      /** Attempts after the first, should it fail. @default 0 */
      max_retries: z.number().int().min(0).max(20).optional(),
    })
    .optional(),
  queue_settings: z
    .strictObject({ job_tier: z.string().nullable().optional(), priority: z.string().optional() })
    .optional(),
  ...JOB_WORDS,
});
export type CommandJobSpec = z.infer<typeof CommandJobSpec>;
