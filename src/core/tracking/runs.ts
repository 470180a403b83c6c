import type { Principal } from "../auth/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { invalid, notFound } from "./errors.ts";
import { friendlyName } from "./friendly-name.ts";
import { checkTag, experimentId, isRunId } from "./names.ts";
import type { Experiment, ExperimentStore, Run, RunChange, RunStatus, RunStore } from "./ports.ts";
import { mayWriteRun } from "./rights.ts";

export interface RunDeps {
  readonly runs: RunStore;
  readonly experiments: ExperimentStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface Caller {
  readonly workspace: string;
  readonly principal: Principal;
}

export const RUN_NAME_TAG = "mlflow.runName";
export const PARENT_TAG = "mlflow.parentRunId";

/** The experiment, or NotFound. */
export async function experimentOf(
  deps: Pick<RunDeps, "experiments">,
  workspace: string,
  id: string,
): Promise<Experiment> {
  const canonical = experimentId(id);
  const known = await deps.experiments.get(workspace, canonical);
  if (known === undefined) throw notFound(`No Experiment with id=${canonical} exists`);
  return known;
}

export async function createRun(
  deps: RunDeps,
  input: Caller & {
    /** Of a run that was made elsewhere; absent: a new one. */
    readonly runId?: string | undefined;
    readonly experimentId?: string | undefined;
    readonly userId?: string | undefined;
    readonly name?: string | undefined;
    readonly startMs?: number | undefined;
    readonly tags: readonly (readonly [string, string])[];
  },
): Promise<Run> {
  const { workspace, principal } = input;
  const experiment = await experimentOf(
    deps,
    workspace,
    input.experimentId === undefined || input.experimentId === "" ? "0" : input.experimentId,
  );
  mustBeActiveExperiment(experiment);
  const tags = new Map(input.tags.map(([key, value], i) => checkTag(key, value, `tags[${i}]`)));
  const sentName = input.tags.findLast(([key]) => key === RUN_NAME_TAG)?.[1];
  if (input.name && sentName && sentName !== input.name) {
    throw invalid(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${input.name}', mlflow.runName='${sentName}').`,
    );
  }
  const runId = input.runId ?? deps.ids.hex32();
  const name = input.name || tags.get(RUN_NAME_TAG) || friendlyName(runId);
  const parentRunId = tags.get(PARENT_TAG) ?? (principal.kind === "run" ? principal.runId : undefined);
  if (principal.kind === "run" && parentRunId !== undefined && parentRunId !== principal.runId) {
    const parent = await deps.runs.get(workspace, parentRunId);
    if (parent === undefined) throw notFound(`Run with id=${parentRunId} not found`);
    await mayWriteRun(deps.runs, principal, parent);
  }
  const now = deps.clock.now();
  return deps.runs.create(
    {
      workspace,
      runId,
      experimentId: experiment.id,
      name,
      userId: input.userId ?? (tags.get("mlflow.user") || principal.name.replace(/^user:/, "")),
      startMs: input.startMs ?? now,
      status: "RUNNING",
      tags: Object.fromEntries(tags),
      ...(parentRunId === undefined ? {} : { parentRunId }),
      source: "client",
      createdMs: now,
      ...(experiment.artifactLocation === ""
        ? {}
        : { artifactUri: `${experiment.artifactLocation.replace(/\/+$/, "")}/${runId}/artifacts` }),
    },
    principal.name,
  );
}

export function mustBeActiveExperiment(experiment: Experiment): void {
  if (experiment.lifecycle === "active") return;
  throw invalid(`The experiment ${experiment.id} must be in the 'active' state. Current state is deleted.`);
}

/** A run as its readers see it: one in a deleted experiment is deleted with it. */
export async function getRun(
  deps: Pick<RunDeps, "runs" | "experiments">,
  workspace: string,
  runId: string,
): Promise<Run> {
  const run = isRunId(runId) ? await deps.runs.get(workspace, runId) : undefined;
  if (run === undefined) throw notFound(`Run with id=${runId} not found`);
  const experiment = await deps.experiments.get(workspace, run.experimentId);
  return experiment?.lifecycle === "deleted" ? { ...run, lifecycle: "deleted" } : run;
}

export function mustBeActive({ runId, lifecycle }: Run): void {
  if (lifecycle === "deleted")
    throw invalid(`The run ${runId} must be in the 'active' state. Current state is deleted.`);
}

/** Every write to a run: it exists, is not deleted, and is the caller's to write. */
export async function changeRun(
  deps: Pick<RunDeps, "runs" | "experiments">,
  { workspace, principal }: Caller,
  runId: string,
  decide: (run: Run) => RunChange | undefined,
): Promise<Run> {
  if (!isRunId(runId)) throw notFound(`Run with id=${runId} not found`);
  if (principal.kind === "run" && principal.runId !== runId) {
    await mayWriteRun(deps.runs, principal, await getRun(deps, workspace, runId));
  }
  const deleted = await deps.experiments.deleted(workspace);
  return deps.runs.change(workspace, runId, (run) => {
    mustBeActive(deleted.has(run.experimentId) ? { ...run, lifecycle: "deleted" } : run);
    return decide(run);
  });
}

/** What a job's script says of its run's end goes here; the runner has the last word on the run itself. */
export const REPORTED_STATUS_TAG = "trainyard.reported_status";

/** Status, end and name. The answer of a job's run reads as if it had been obeyed. */
export async function updateRun(
  deps: Pick<RunDeps, "runs" | "experiments">,
  caller: Caller,
  runId: string,
  change: {
    readonly status?: RunStatus | undefined;
    readonly endMs?: number | undefined;
    readonly name?: string | undefined;
  },
): Promise<Run> {
  const { status, endMs, name } = change;
  const run = await changeRun(deps, caller, runId, (before) => {
    const tags = new Map<string, string>();
    if (name !== undefined && name !== "") tags.set(RUN_NAME_TAG, checkTag(RUN_NAME_TAG, name)[1]);
    const named = name === undefined || name === "" ? {} : { name };
    if (before.source === "job") {
      if (status !== undefined) tags.set(REPORTED_STATUS_TAG, status);
      return { ...named, tags };
    }
    return { ...named, tags, ...(status === undefined ? {} : { status }), ...(endMs === undefined ? {} : { endMs }) };
  });
  return run.source === "job" ? { ...run, status: status ?? run.status, endMs: endMs ?? run.endMs } : run;
}

export async function setLifecycle(
  deps: Pick<RunDeps, "runs" | "clock">,
  { workspace, principal }: Caller,
  runId: string,
  lifecycle: "active" | "deleted",
): Promise<void> {
  const before = !isRunId(runId) ? undefined : await deps.runs.get(workspace, runId);
  if (before === undefined) throw notFound(`Run with id=${runId} not found`);
  await mayWriteRun(deps.runs, principal, before);
  const action = lifecycle === "deleted" ? "delete" : "restore";
  const summary = lifecycle === "deleted" ? `run \`${before.name}\` deleted` : `run \`${before.name}\` restored`;
  await deps.runs.change(
    workspace,
    runId,
    (run) =>
      run.lifecycle === lifecycle
        ? undefined
        : { lifecycle, ...(lifecycle === "deleted" ? { deletedMs: deps.clock.now() } : {}) },
    { actor: principal.name, action, summary },
  );
}

export function setTag(
  deps: Pick<RunDeps, "runs" | "experiments">,
  caller: Caller,
  runId: string,
  key: string,
  value: string,
): Promise<Run> {
  const [name, text] = checkTag(key, value);
  return changeRun(deps, caller, runId, () =>
    // As with MLflow, a run keeps its name where it is set to nothing.
    name === RUN_NAME_TAG && text === ""
      ? undefined
      : { tags: new Map([[name, text]]), ...(name === RUN_NAME_TAG ? { name: text } : {}) },
  );
}

export function deleteTag(
  deps: Pick<RunDeps, "runs" | "experiments">,
  caller: Caller,
  runId: string,
  key: string,
): Promise<Run> {
  return changeRun(deps, caller, runId, (run) => {
    if (!run.tags.has(key)) throw notFound(`No tag with name: ${key} in run with id ${runId}`);
    return { tags: new Map([[key, null]]) };
  });
}
