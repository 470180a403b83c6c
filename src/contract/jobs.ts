import * as z from "zod";
import { Actor, Description, pageOf, ResourceName, RunId, Tags, Time } from "./common.ts";
import { EnvironmentSpec, EnvironmentValue } from "./environments.ts";

import { LITERAL_TYPES } from "./names.ts";

export { FINAL_STATUSES } from "./names.ts";

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

/** A command job with everything local taken in: what the CLI sends and the server keeps. */
export const CommandJobSpec = z.strictObject({
  type: z.literal("command"),
  command: z.string().min(1).max(100_000),
  /** `azureml://trees/<sha256>` or `git+https://…`; absent: an empty folder. */
  code: z.string().max(2000).optional(),
  environment: EnvironmentValue,
  environment_variables: z.record(z.string(), z.string()).optional(),
  inputs: z.record(PortName, JobInput).optional(),
  outputs: z.record(PortName, JobOutput).optional(),
  /** As written: `azureml:NAME`, NAME, `local`, `azureml:serverless`; absent: serverless. */
  compute: z.string().max(300).optional(),
  resources: Resources.optional(),
  distribution: Distribution.optional(),
  limits: z.strictObject({ timeout: z.number().int().min(1).max(31_536_000).optional() }).optional(),
  queue_settings: z
    .strictObject({ job_tier: z.string().nullable().optional(), priority: z.string().optional() })
    .optional(),
  services: z.record(z.string(), Service).optional(),
  identity: z.looseObject({ type: z.string() }).optional(),
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  experiment_name: z.string().max(500).optional(),
  tags: Tags.optional(),
  properties: Tags.optional(),
  parent_job_name: RunId.optional(),
});
export type CommandJobSpec = z.infer<typeof CommandJobSpec>;

/** Grows with the kinds that can be run. */
export const JobSpec = z.discriminatedUnion("type", [CommandJobSpec]);
export type JobSpec = z.infer<typeof JobSpec>;

/** State of the working copy a snapshot came from. `remote` has no credentials; `diff` at most 1 MB. */
export const GitState = z.strictObject({
  commit: z.string().max(64).optional(),
  branch: z.string().max(500).optional(),
  remote: z.string().max(2000).optional(),
  dirty: z.boolean().optional(),
  diff: z.string().max(1_048_576).optional(),
});
export type GitState = z.infer<typeof GitState>;

export const JobStatus = z.enum([
  "Queued",
  "Preparing",
  "Provisioning",
  "Running",
  "Finalizing",
  "Completed",
  "Failed",
  "Canceled",
]);
export type JobStatus = z.infer<typeof JobStatus>;

export const StatusChange = z.object({ status: JobStatus, at: Time, by: Actor, reason: z.string().optional() });

export const Attempt = z.object({
  /** `<job>.<number>`, numbers from 1. */
  id: z.string(),
  number: z.number().int(),
  started_at: Time.optional(),
  ended_at: Time.optional(),
  exit_code: z.number().int().optional(),
  signal: z.string().optional(),
  reason: z.string().optional(),
});
export type Attempt = z.infer<typeof Attempt>;

/** What a person sees of a job and its run. */
export const Job = z.object({
  name: RunId,
  id: z.string().describe("`azureml:NAME`, usable as a reference"),
  type: z.literal("command"),
  display_name: z.string(),
  description: z.string().optional(),
  experiment_name: z.string(),
  experiment_id: z.string(),
  status: JobStatus,
  /** Why it is in this state, in one sentence: the reason of waiting, of failure, of cancelling. */
  status_reason: z.string().optional(),
  history: z.array(StatusChange),
  attempts: z.array(Attempt),
  exit_code: z.number().int().optional(),
  signal: z.string().optional(),
  /** Compute it runs on, and the one it asked for. */
  compute: z.string(),
  requested_compute: z.string().optional(),
  spec: JobSpec,
  environment: EnvironmentSpec.optional(),
  inputs: z.record(
    z.string(),
    z.object({
      type: z.string(),
      path: z.string().optional(),
      value: z.string().optional(),
      mode: z.string().optional(),
    }),
  ),
  outputs: z.record(
    z.string(),
    z.object({
      type: z.string(),
      path: z.string(),
      mode: z.string().optional(),
      asset: z.string().optional(),
      /** What its files are, once they are stored: the id (hex) that a tree of them has. */
      digest: z.string().optional(),
      files: z.number().int().optional(),
      bytes: z.number().int().optional(),
      /** Of a literal output. */
      value: z.string().optional(),
    }),
  ),
  snapshot: z.string().optional().describe("`azureml://trees/<sha256>`"),
  git: GitState.optional(),
  tags: Tags,
  properties: Tags,
  params: z.record(z.string(), z.string()),
  /** Latest value of each metric; NaN and infinities as text. */
  metrics: z.record(z.string(), z.union([z.number(), z.string()])),
  warnings: z.array(z.string()),
  parent_job_name: z.string().optional(),
  children: z.number().int(),
  created_at: Time,
  created_by: Actor,
  started_at: Time.optional(),
  ended_at: Time.optional(),
  archived: z.boolean(),
  services: z.record(z.string(), z.object({ type: z.string().optional(), endpoint: z.string() })),
});
export type Job = z.infer<typeof Job>;

/** A row of a list: a job without its long parts. */
export const JobSummary = Job.pick({
  name: true,
  type: true,
  display_name: true,
  experiment_name: true,
  status: true,
  status_reason: true,
  compute: true,
  tags: true,
  parent_job_name: true,
  created_at: true,
  created_by: true,
  started_at: true,
  ended_at: true,
  archived: true,
});
export type JobSummary = z.infer<typeof JobSummary>;
export const JobPage = pageOf(JobSummary);

export const CreateJob = z.strictObject({
  spec: JobSpec,
  git: GitState.optional(),
  /** Said by the client while it took the file in; kept with the run. */
  warnings: z.array(z.string().max(2000)).max(100).optional(),
  /** Warnings of the server become errors. */
  strict: z.boolean().optional(),
});
export type CreateJob = z.infer<typeof CreateJob>;

export const UpdateJob = z.strictObject({
  display_name: z.string().min(1).max(500).optional(),
  description: Description.optional(),
  /** Replaces the tags named; a null removes one. */
  tags: z.record(z.string().min(1).max(250), z.string().max(5000).nullable()).optional(),
  archived: z.boolean().optional(),
});

export const ExperimentSummary = z.object({
  name: z.string(),
  id: z.string(),
  archived: z.boolean(),
  tags: Tags,
  created_at: Time,
  updated_at: Time,
});
export type ExperimentSummary = z.infer<typeof ExperimentSummary>;

export const ComputeName = ResourceName;
