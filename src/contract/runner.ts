import * as z from "zod";
import { RunId, Sha256, Time } from "./common.ts";
import { EnvironmentSpec } from "./environments.ts";
import { Distribution, JobStatus } from "./jobs.ts";
import { AssignedParallel } from "./parallel.ts";

export { STD_LOG, SYSTEM_LOG } from "./names.ts";

/** One input as the runner makes it present. */
export const AssignedInput = z.object({
  type: z.string(),
  /** Literal text, or absent for data. */
  value: z.string().optional(),
  /** Data: what `GET …/files?uri=` lists. */
  uri: z.string().optional(),
  mode: z.enum(["mount", "download", "direct"]).optional(),
  /** In `uri_file` inputs the one file; else a folder. */
  is_file: z.boolean().optional(),
});

export const AssignedOutput = z.object({
  type: z.string(),
  /** Where its files are uploaded: `azureml://datastores/…`. */
  uri: z.string(),
  mode: z.enum(["mount", "upload", "direct"]),
  is_file: z.boolean(),
});

/** All a runner needs for one attempt. Expressions are still in `command`: only the runner knows the paths. */
export const Assignment = z.object({
  run_id: RunId,
  workspace: z.string(),
  attempt: z.string(),
  experiment_id: z.string(),
  experiment_name: z.string(),
  /** MLflow tracking address as this compute sees it, without a trailing slash. */
  tracking_uri: z.string(),
  command: z.string(),
  /** Tree URI of the snapshot. */
  code: z.string().optional(),
  /** Of a parallel job, in whose case `command` means nothing. */
  parallel: AssignedParallel.optional(),
  environment: EnvironmentSpec,
  environment_variables: z.record(z.string(), z.string()),
  /** Values, by name, of the secrets that those variables name; not to be shown. */
  secrets: z.record(z.string(), z.string()).optional(),
  inputs: z.record(z.string(), AssignedInput),
  outputs: z.record(z.string(), AssignedOutput),
  distribution: Distribution.optional(),
  instance_count: z.number().int(),
  timeout_sec: z.number().int().optional(),
  /** Between SIGTERM and SIGKILL. */
  grace_sec: z.number().int(),
  services: z.record(z.string(), z.unknown()),
  /** Shown in the log before the command starts. */
  notes: z.array(z.string()),
});
export type Assignment = z.infer<typeof Assignment>;

/** What the files of an output are, as they were stored. */
export const OutputContents = z.object({
  /** The id (hex) that a tree of these files has, none of them executable: equal where names and contents are. */
  digest: Sha256,
  files: z.number().int().min(0),
  bytes: z.number().int().min(0),
  /** Of a literal output: what the command wrote, as text. */
  value: z.string().max(65_536).optional(),
});
export type OutputContents = z.infer<typeof OutputContents>;

/** What an attempt came to. */
const ToldStatus = z.strictObject({
  status: JobStatus,
  at: Time,
  reason: z.string().max(4000).optional(),
  /** Python prefix and digest that were used. */
  environment: z.object({ hash: z.string(), ref: z.string(), cached: z.boolean() }).optional(),
  /** Machine facts, kept as properties of the run. */
  machine: z.record(z.string(), z.string()).optional(),
});
export type ToldStatus = z.infer<typeof ToldStatus>;

/** Bytes of a log, from an offset on. */
export const LogPart = z.strictObject({
  name: z.string().min(1).max(500),
  offset: z.number().int().min(0),
  base64: z.base64().max(65_536),
});
export type LogPart = z.infer<typeof LogPart>;

/** What happened to an attempt, told by its runner. Repeating a report changes nothing; a late one loses to a final state. */
export const RunnerReport = ToldStatus.extend({
  attempt: z.string().max(300),
  /** What it went through before, where that was not told alone. */
  before: z.array(ToldStatus).max(10).optional(),
  exit_code: z.number().int().optional(),
  signal: z.string().max(20).optional(),
  /** With the last report: named outputs that were stored. */
  outputs: z.record(z.string(), OutputContents).optional(),
  /** With the last report: the end of its logs, from where they were sent. */
  logs: z.array(LogPart).max(4).optional(),
});
export type RunnerReport = z.infer<typeof RunnerReport>;

/** Answer to every report and heartbeat. */
export const RunnerOrders = z.object({
  /** End the command: SIGTERM, then SIGKILL after the grace period; then report Canceled with this reason. */
  cancel: z.object({ reason: z.string(), by: z.string() }).optional(),
  /** This attempt is no longer the run's current one: stop without reporting. */
  superseded: z.boolean(),
});
export type RunnerOrders = z.infer<typeof RunnerOrders>;

/** What the first of an attempt's containers sends to become its runner. */
export const StartAttempt = z.strictObject({
  /** The one-time code it was started with. */
  code: z.string().max(2000),
  /** Made by the caller: the same one may ask again when an answer got lost, another may not. */
  nonce: z.string().min(16).max(100),
  /** Of several machines, which one: 0 to their number less 1. */
  node: z.number().int().min(0).max(999).optional(),
  /** Of several attempts that were started as one, which one. */
  index: z.number().int().min(0).max(9999).optional(),
});
export type StartAttempt = z.infer<typeof StartAttempt>;

/** Who it is from now on, and the program to go on with. */
export const StartedAttempt = z.object({
  workspace: z.string(),
  run_id: RunId,
  attempt: z.string(),
  /** The run token. */
  token: z.string(),
  /** Where the runner's one file is for some minutes; absent: the caller has it. */
  runner: z.object({ url: z.string(), sha256: z.string() }).optional(),
});
export type StartedAttempt = z.infer<typeof StartedAttempt>;

/** Keys of AWS for what is a run's own, and where that is. */
export const RunCredentials = z.object({
  access_key_id: z.string(),
  secret_access_key: z.string(),
  session_token: z.string(),
  expires_at: Time,
  region: z.string(),
  /** `s3://BUCKET/…/`: the run's artifacts. */
  artifacts: z.string(),
  /** `s3://BUCKET/…/`: its outputs that name no place of their own, a folder each. */
  outputs: z.string(),
  /** `s3://BUCKET/…`: outputs that name a place of their own in the workspace's storage, by name; as many as a policy has room for. */
  output_places: z.record(z.string(), z.string()).optional(),
});
export type RunCredentials = z.infer<typeof RunCredentials>;

/** Part of a log. `text` is UTF-8 with anything undecodable replaced; offsets count the log's bytes. */
export const LogPage = z.object({
  name: z.string(),
  offset: z.number().int(),
  next_offset: z.number().int(),
  text: z.string(),
  /** The run is final and `next_offset` is the end. */
  complete: z.boolean(),
  status: JobStatus.optional(),
});
export type LogPage = z.infer<typeof LogPage>;
