import type { Attempt, Job } from "../../contract/jobs.ts";
import type { ComputeStore } from "../computes/ports.ts";
import { slotsOf } from "../computes/slots.ts";
import { summaryOf } from "./card.ts";
import type { JobStore, QueueEntry, RunBook, RunFacts } from "./ports.ts";
import type { AttemptRecord, JobRecord } from "./record.ts";
import { isFinal } from "./state.ts";
import { waitSentence } from "./waiting.ts";

export interface ShowDeps {
  readonly jobs: JobStore;
  readonly runs: RunBook;
  readonly computes: ComputeStore;
  /** Slots of this machine when its record names none. */
  readonly defaultSlots: number;
}

/** A job as the API shows it. `facts` spares reading the run where the caller knows it. */
export async function showJob(deps: ShowDeps, job: JobRecord, facts?: RunFacts): Promise<Job> {
  const { workspace, name } = job;
  const [run, children, reason] = await Promise.all([
    facts ?? deps.runs.read(workspace, name),
    facts === undefined ? deps.jobs.countChildren(workspace, name) : 0,
    reasonOf(deps, job),
  ]);
  const {
    name: _name,
    children: _children,
    ...summary
  } = {
    ...summaryOf(job, run.tags),
    children,
    name,
  };
  return {
    name,
    id: `azureml:${name}`,
    ...summary,
    ...(reason === undefined ? {} : { status_reason: reason }),
    ...(job.description === undefined ? {} : { description: job.description }),
    experiment_id: job.experimentId,
    history: [...job.history],
    attempts: job.attempts.map(attemptOf),
    ...(job.exitCode === undefined ? {} : { exit_code: job.exitCode }),
    ...(job.signal === undefined ? {} : { signal: job.signal }),
    ...(job.requestedCompute === undefined ? {} : { requested_compute: job.requestedCompute }),
    spec: job.spec,
    ...(job.environment === undefined ? {} : { environment: job.environment }),
    inputs: inputsOf(job),
    outputs: outputsOf(job),
    ...(job.snapshot === undefined ? {} : { snapshot: job.snapshot }),
    ...(job.git === undefined ? {} : { git: job.git }),
    properties: { ...job.properties, ...job.attempts.at(-1)?.machine },
    params: { ...run.params },
    metrics: Object.fromEntries(Object.entries(run.metrics).map(([key, value]) => [key, jsonNumber(value)])),
    warnings: [...job.warnings],
    children,
    services: {},
  };
}

/** Children looked at to say what a composite waits for. */
const CHILDREN_LIMIT = 100;

async function reasonOf(deps: ShowDeps, job: JobRecord): Promise<string | undefined> {
  if (job.coordinated === true) return isFinal(job.status) ? job.statusReason : compositeReason(deps, job);
  if (job.status !== "Queued" || job.attempts.length > 0) return job.statusReason;
  const [queue, compute] = await Promise.all([
    deps.jobs.queue(job.workspace, job.compute),
    deps.computes.get(job.workspace, job.compute),
  ]);
  return waitingReason(job, queue, compute === undefined ? undefined : slotsOf(compute, deps.defaultSlots));
}

/** What a composite waits for: its newest children that have not ended. */
async function compositeReason(deps: ShowDeps, { workspace, name, cancel }: JobRecord): Promise<string | undefined> {
  const filter = { parent: name, archived: "all" } as const;
  const { jobs } = await deps.jobs.list({ workspace, filter, limit: CHILDREN_LIMIT });
  const open = jobs.filter((child) => !isFinal(child.status)).map((child) => child.composite?.child ?? child.name);
  if (open.length === 0) return cancel?.reason;
  const shown = open.slice(0, 5).map((key) => `\`${key}\``);
  const more = open.length > shown.length ? ` and ${open.length - shown.length} more` : "";
  const what = `${open.length === 1 ? "step" : "steps"} ${shown.join(", ")}${more}`;
  return cancel === undefined ? `waits for ${what}` : `is being canceled; waits for ${what} to end`;
}

/** Why a queued job waits, in one sentence. */
export function waitingReason(
  job: Pick<JobRecord, "queueSeq" | "compute">,
  queue: readonly QueueEntry[],
  slots: number | undefined,
): string {
  const { compute } = job;
  if (slots === undefined) return waitSentence({ cause: "deleted", compute });
  if (slots === 0) return waitSentence({ cause: "paused", compute });
  const ahead = queue.filter((entry) => entry.seq < job.queueSeq).length;
  return waitSentence({ cause: "queue", compute, ahead, slots });
}

function attemptOf(attempt: AttemptRecord): Attempt {
  const { handle: _handle, build: _build, array: _array, claimedMs: _claimed, machine: _machine, ...shown } = attempt;
  return shown;
}

function inputsOf(job: JobRecord): Job["inputs"] {
  return Object.fromEntries(
    Object.entries(job.inputs).map(([name, { type, uri, value, mode }]) => [
      name,
      {
        type,
        ...(uri === undefined ? {} : { path: uri }),
        ...(value === undefined ? {} : { value }),
        ...(mode === undefined ? {} : { mode }),
      },
    ]),
  );
}

function outputsOf(job: JobRecord): Job["outputs"] {
  return Object.fromEntries(
    Object.entries(job.outputs).map(([name, { type, uri, mode, asset, contents }]) => [
      name,
      { type, path: uri, mode, ...(asset === undefined ? {} : { asset }), ...contents },
    ]),
  );
}

/** JSON has no infinities, and no NaN. */
export function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
