import { AppError } from "../../contract/errors.ts";
import { planPrefix } from "../coordinator/documents.ts";
import { artifactKey, eventFilesPrefix, proxiedPath } from "../tracking/artifact-paths.ts";
import { invalid, notFound } from "../tracking/errors.ts";
import type {
  Experiment,
  ExperimentStore,
  LoggedModel,
  LoggedModelStore,
  OrderKey,
  Run,
  RunSearch,
  RunStore,
  SortValue,
} from "../tracking/ports.ts";
import type { Asked } from "./ports.ts";

export interface SelectDeps {
  readonly runs: RunStore;
  readonly search: RunSearch;
  readonly experiments: ExperimentStore;
  readonly loggedModels: LoggedModelStore;
}

/** A thing that may go: deleted, and for long enough. */
export interface Candidate {
  readonly kind: "run" | "logged_model" | "experiment";
  readonly id: string;
  /** Its artifacts, below the workspace's; undefined where this server does not keep them. */
  readonly root?: string;
  /** Where they are else. */
  readonly elsewhere?: string;
  readonly prefixes: readonly string[];
  readonly experimentId?: string;
}

const PAGE = 500;
const BY_ID: OrderKey = { entity: "attribute", key: "run_id", kind: "text", descending: false };

/** Ids that were given must be of deleted things, old enough. Errors are worded as MLflow's client words them. */
export async function checkAsked(deps: SelectDeps, workspace: string, asked: Asked, nowMs: number): Promise<void> {
  const until = nowMs - asked.olderThanMs;
  const age = (what: string, id: string) =>
    invalid(`${what} ${id} is not older than the required age. Only what was deleted longer ago can be deleted.`);
  for (const id of asked.runIds ?? []) {
    const run = await deps.runs.get(workspace, id);
    if (run === undefined) throw notFound(`Run with id=${id} not found`);
    const deletedMs = await runDeletedMs(deps, run);
    if (deletedMs === undefined)
      throw invalid(
        `Run ${id} is not in \`deleted\` lifecycle stage. Only runs in \`deleted\` lifecycle stage can be deleted.`,
      );
    if (deletedMs > until) throw age("Run", id);
  }
  for (const id of asked.experimentIds ?? []) {
    const experiment = await deps.experiments.get(workspace, id);
    if (experiment === undefined) throw notFound(`No Experiment with id=${id} exists`);
    if (experiment.lifecycle !== "deleted")
      throw invalid(
        `Experiments ['${id}'] are not in the deleted lifecycle stage. Only experiments in the deleted lifecycle stage can be hard-deleted.`,
      );
    if (id === "0") throw new AppError("InUse", "experiment `0` is the workspace's own; its deleted runs can go");
    if (experiment.updatedMs > until) throw age("Experiment", id);
  }
  for (const id of asked.loggedModelIds ?? []) {
    const model = await deps.loggedModels.get(workspace, id);
    if (model === undefined) throw notFound(`Logged model with ID '${id}' not found.`);
    if (!model.deleted)
      throw invalid(
        `Logged model ${id} is not in \`deleted\` lifecycle stage. Only logged models in \`deleted\` lifecycle stage can be deleted.`,
      );
    if (model.updatedMs > until) throw age("Logged model", id);
  }
}

async function runDeletedMs(deps: SelectDeps, run: Run): Promise<number | undefined> {
  if (run.lifecycle === "deleted") return run.deletedMs ?? 0;
  const experiment = await deps.experiments.get(run.workspace, run.experimentId);
  return experiment?.lifecycle === "deleted" ? experiment.updatedMs : undefined;
}

/** Whether a request names what it wants, and so leaves all else alone. */
export function isRestricted(asked: Asked): boolean {
  return asked.runIds !== undefined || asked.experimentIds !== undefined || asked.loggedModelIds !== undefined;
}

/** What was asked for and is there now: runs and models before the experiments they are in. What has gone to the trash already is not there. */
export async function* candidates(
  deps: SelectDeps,
  workspace: string,
  asked: Asked,
  nowMs: number,
): AsyncGenerator<Candidate> {
  const until = nowMs - asked.olderThanMs;
  const all = await deps.experiments.list(workspace);
  const going = all.filter((experiment) => goes(experiment, asked, until));
  yield* runsOf(deps, workspace, asked, all, going, until);
  yield* modelsOf(deps, workspace, asked, all, going, until);
  for (const { id } of going) if (id !== "0") yield { kind: "experiment", id, prefixes: [] };
}

function goes(experiment: Experiment, asked: Asked, until: number): boolean {
  if (experiment.lifecycle !== "deleted" || experiment.updatedMs > until) return false;
  return isRestricted(asked) ? (asked.experimentIds?.includes(experiment.id) ?? false) : true;
}

async function* runsOf(
  deps: SelectDeps,
  workspace: string,
  asked: Asked,
  all: readonly Experiment[],
  going: readonly Experiment[],
  until: number,
): AsyncGenerator<Candidate> {
  const goingIds = new Set(going.map(({ id }) => id));
  for (const id of asked.runIds ?? []) {
    const run = await deps.runs.get(workspace, id);
    if (run !== undefined && ((await runDeletedMs(deps, run)) ?? until + 1) <= until) yield runCandidate(run);
  }
  const experimentIds = isRestricted(asked) ? [...goingIds] : all.map(({ id }) => id);
  let after: readonly SortValue[] | undefined;
  while (experimentIds.length > 0) {
    const page = await deps.search.search({
      workspace,
      experimentIds,
      filter: [],
      orderBy: [BY_ID],
      view: "deleted",
      deletedExperimentIds: goingIds,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    const runIds = page.found.map(({ runId }) => runId);
    for (const run of await deps.runs.getMany(workspace, runIds)) {
      const isOld = run.lifecycle === "deleted" && (run.deletedMs ?? 0) <= until;
      if (isOld || goingIds.has(run.experimentId)) yield runCandidate(run);
    }
    after = page.next;
    if (after === undefined) return;
  }
}

async function* modelsOf(
  deps: SelectDeps,
  workspace: string,
  asked: Asked,
  all: readonly Experiment[],
  going: readonly Experiment[],
  until: number,
): AsyncGenerator<Candidate> {
  const goingIds = new Set(going.map(({ id }) => id));
  for (const id of asked.loggedModelIds ?? []) {
    const model = await deps.loggedModels.get(workspace, id);
    if (model?.deleted && model.updatedMs <= until) yield modelCandidate(model);
  }
  for (const { id } of isRestricted(asked) ? going : all) {
    for (const model of await deps.loggedModels.list(workspace, id)) {
      if (goingIds.has(id) || (model.deleted && model.updatedMs <= until)) yield modelCandidate(model);
    }
  }
}

function runCandidate({ workspace, runId: id, artifactUri, experimentId }: Run): Candidate {
  const place = placeOf(workspace, artifactUri);
  const more = [`ws/${workspace}/logs/${id}/`, planPrefix(workspace, id), eventFilesPrefix(workspace, id)];
  return { kind: "run", id, experimentId, ...place, prefixes: [...place.prefixes, ...more] };
}

function modelCandidate({ workspace, modelId, artifactUri, experimentId }: LoggedModel): Candidate {
  return { kind: "logged_model", id: modelId, experimentId, ...placeOf(workspace, artifactUri) };
}

function placeOf(workspace: string, uri: string) {
  const root = proxiedPath(uri);
  // Only a folder of its own goes with it: never the root of all.
  if (root === undefined || root.split("/").length < 2) return { elsewhere: uri, prefixes: [] };
  return { root, prefixes: [`${artifactKey(workspace, root)}/`] };
}
