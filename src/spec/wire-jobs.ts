import type { CommandJobSpec } from "../contract/jobs.ts";
import type { PipelineJobSpec } from "../contract/pipelines.ts";
import { type Data, record } from "./take-in.ts";
import { pick } from "./wire.ts";

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
  if_else: ["condition", "true_block", "false_block", "comment"],
  do_while: ["body", "condition", "mapping", "limits", "comment"],
  parallel_for: ["body", "items", "max_concurrency", "comment"],
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

function stepSpec(step: Data): Data {
  const { type = "command" } = step;
  return { type, ...withTier(pick(step, STEP_FIELDS[String(type)] ?? [])) };
}

/** `null` is a tier's name in YAML, and none at all in what is sent. */
function withTier(spec: Data): Data {
  const queue = record(spec.queue_settings);
  return queue.job_tier === "null" ? { ...spec, queue_settings: { ...queue, job_tier: null } } : spec;
}
