import type { CreateJob, JobSpec } from "../../contract/jobs.ts";
import type { NewRun } from "../tracking/ports.ts";
import type { JobRecord } from "./record.ts";
import { mlflowStatus } from "./state.ts";

const SOURCE_LIMIT_CHARS = 250;
/** As Azure tags runs. */
const RUN_SOURCES: Readonly<Record<JobSpec["type"], string>> = {
  command: "commandjob",
  pipeline: "azureml.PipelineRun",
  sweep: "hyperdrive",
};

/** The MLflow record of a job: status, name, and the tags MLflow's and Azure's tools look for. */
export function makeRun(job: JobRecord, request: CreateJob): NewRun {
  const { git, spec } = request;
  const user = shownUser(job.createdBy);
  const given: Record<string, string | undefined> = {
    "mlflow.user": user,
    "mlflow.source.type": "JOB",
    "mlflow.source.name": spec.type === "command" ? sourceOf(spec.command) : undefined,
    "mlflow.source.git.commit": git?.commit,
    "mlflow.source.git.branch": git?.branch,
    "mlflow.source.git.repoURL": git?.remote,
    "mlflow.note.content": job.description,
    "mlflow.rootRunId": job.composite?.root ?? job.parent ?? job.name,
    "azureml.runsource": RUN_SOURCES[spec.type],
    "azureml.experimentName": job.experimentName,
    "azureml.git.dirty": git?.dirty === undefined ? undefined : pythonBoolean(git.dirty),
  };
  const tags = Object.entries({ ...spec.tags, ...given }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    workspace: job.workspace,
    runId: job.name,
    experimentId: job.experimentId,
    name: job.displayName,
    userId: user,
    status: mlflowStatus(job.status),
    tags: Object.fromEntries(tags),
    ...(job.parent === undefined ? {} : { parentRunId: job.parent }),
    source: "job",
    ...(job.endedMs === undefined ? {} : { endMs: job.endedMs }),
    createdMs: job.createdMs,
  };
}

export function shownUser(actor: string): string {
  return actor.startsWith("user:") ? actor.slice("user:".length) : actor;
}

/** Tags of a run that a person gave: those that are not MLflow's or the platform's. */
export function ownTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !/^(?:mlflow|azureml|trainyard)\./.test(key)));
}

/** The script a command starts, else the command's beginning. */
function sourceOf(command: string): string {
  const script = /(?:^|\s)([\w./-]+\.(?:py|ipynb|sh|[rR]|jl))(?=\s|$)/.exec(command)?.[1];
  return (script ?? command.trim().split("\n", 1)[0] ?? "").slice(0, SOURCE_LIMIT_CHARS).toWellFormed();
}

function pythonBoolean(value: boolean): string {
  return value ? "True" : "False";
}
