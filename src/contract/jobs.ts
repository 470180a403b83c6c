import * as z from "zod";
import { Actor, Description, pageOf, ResourceName, RunId, Tags, Time } from "./common.ts";
import { EnvironmentSpec } from "./environments.ts";
import { CommandJobSpec } from "./job-parts.ts";
import { PipelineJobSpec } from "./pipelines.ts";
import { SweepJobSpec } from "./sweeps.ts";

export * from "./job-parts.ts";
export { FINAL_STATUSES } from "./names.ts";

/** Grows with the kinds that can be run. */
export const JobSpec = z.discriminatedUnion("type", [CommandJobSpec, PipelineJobSpec, SweepJobSpec]);
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
  type: z.enum(["command", "pipeline", "sweep", "parallel"]),
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
  /** Compute it runs on, and the one it asked for; a composite job runs on none. */
  compute: z.string().optional(),
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
  /** Of a step: which child of `parent_job_name` it is. */
  step: z.string().optional(),
  /** Nothing ran: the results are those of this earlier job, whose key was the same. */
  reused_from: z.string().optional(),
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
  step: true,
  reused_from: true,
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
