import type { CommandJobSpec } from "../contract/jobs.ts";
import type { PipelineJobSpec } from "../contract/pipelines.ts";
import type { SweepJobSpec } from "../contract/sweeps.ts";
import { type Data, pick, record } from "./data.ts";

/** What jobs and steps of all kinds may say. */
const COMMON = [
  "inputs",
  "outputs",
  "compute",
  "services",
  "identity",
  "display_name",
  "description",
  "experiment_name",
  "tags",
  "properties",
] as const;
const RUN = ["environment", "environment_variables", "resources", "distribution", "limits", "queue_settings"] as const;
const COMMAND = [...COMMON, ...RUN, "command", "code"] as const;

const STEP_FIELDS: Readonly<Record<string, readonly string[]>> = {
  command: [...COMMAND, "component", "comment"],
  pipeline: [...COMMON, ...RUN, "component", "settings", "comment"],
  parallel: [
    ...COMMON,
    ...RUN,
    "component",
    "comment",
    "task",
    "input_data",
    "mini_batch_size",
    "partition_keys",
    "max_concurrency_per_instance",
    "retry_settings",
    "mini_batch_error_threshold",
    "error_threshold",
    "logging_level",
  ],
  sweep: [...COMMON, "trial", "objective", "limits", "early_termination", "resources", "queue_settings", "comment"],
  if_else: ["condition", "true_block", "false_block", "comment"],
  do_while: ["body", "condition", "mapping", "limits", "comment"],
  parallel_for: ["body", "items", "partitions", "models", "max_concurrency", "comment"],
};

/** From a taken-in command job to what is sent. */
export function commandSpec(taken: Data): CommandJobSpec {
  const spec = withTier(pick(taken, [...COMMAND, "parent_job_name"]));
  return { type: "command", ...spec } as unknown as CommandJobSpec;
}

/** From a taken-in pipeline job to what is sent. Steps of kinds that can't run travel by their type only: the server says why. */
export function pipelineSpec(taken: Data): PipelineJobSpec {
  const spec = pick(taken, [...COMMON, "settings", "component", "parent_job_name"]);
  const jobs = Object.entries(record(taken.jobs)).map(([name, given]) => [name, stepSpec(record(given))] as const);
  return {
    type: "pipeline",
    ...spec,
    ...(taken.jobs === undefined ? {} : { jobs: Object.fromEntries(jobs) }),
  } as unknown as PipelineJobSpec;
}

const SEARCH = ["trial", "objective", "limits", "early_termination", "resources", "queue_settings"] as const;

/** From a taken-in sweep to what is sent. */
export function sweepSpec(taken: Data): SweepJobSpec {
  const spec = { ...withTier(pick(taken, [...COMMON, ...SEARCH, "parent_job_name"])), ...searchOf(taken) };
  return { type: "sweep", ...spec } as unknown as SweepJobSpec;
}

/** The space with literals as text, as they go into a command; an algorithm that is only named as an object. */
function searchOf(taken: Data): Data {
  const space = Object.entries(record(taken.search_space)).map(([name, given]) => [name, parameterOf(given)]);
  const { sampling_algorithm: sampling } = taken;
  return {
    search_space: Object.fromEntries(space),
    ...(sampling === undefined ? {} : { sampling_algorithm: samplingOf(sampling) }),
  };
}

function samplingOf(given: unknown): Data {
  if (typeof given === "string") return { type: given.toLowerCase() };
  const { logbase, ...rest } = record(given);
  // Azure writes `e` for what is the default.
  return Number.isFinite(Number(logbase)) ? { ...rest, logbase: Number(logbase) } : rest;
}

function parameterOf(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  const { values, ...rest } = record(given);
  if (!Array.isArray(values)) return rest;
  const options = values.map((option: unknown) => {
    if (typeof option !== "object" || option === null) return option;
    return Object.fromEntries(Object.entries(option).map(([name, inner]) => [name, parameterOf(inner)]));
  });
  return { ...rest, values: options };
}

/** A step as it is sent. */
export function stepSpec(step: Data): Data {
  const { type = "command" } = step;
  const fields = withTier(pick(step, STEP_FIELDS[String(type)] ?? []));
  return { type, ...fields, ...(type === "sweep" ? searchOf(step) : {}) };
}

/** `null` is a tier's name in YAML, and none at all in what is sent. */
function withTier(spec: Data): Data {
  const queue = record(spec.queue_settings);
  return queue.job_tier === "null" ? { ...spec, queue_settings: { ...queue, job_tier: null } } : spec;
}
