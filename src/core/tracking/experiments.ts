import { AppError, isAppError } from "../../contract/errors.ts";
import { invalid, notFound } from "./errors.ts";
import { parseFilter, parseOrderBy } from "./filter.ts";
import { EXPERIMENTS } from "./grammars.ts";
import { checkArtifactLocation, checkExperimentName, checkExperimentTag, experimentId } from "./names.ts";
import { decodeToken, encodeToken } from "./paging.ts";
import type { Experiment, ExperimentStore, OrderKey } from "./ports.ts";
import { mustBePerson } from "./rights.ts";
import { type Caller, experimentOf } from "./runs.ts";
import { type Row, searchRows } from "./search-rows.ts";

export interface ExperimentUseDeps {
  readonly experiments: ExperimentStore;
  /** Makes a relative or bare local location absolute, where server and client share a machine. */
  readonly resolveLocation?: (location: string) => string;
}

export async function createExperiment(
  deps: ExperimentUseDeps,
  input: Caller & {
    readonly name: string;
    readonly artifactLocation?: string | undefined;
    readonly tags: readonly (readonly [string, string])[];
  },
): Promise<Experiment> {
  mustBePerson(
    input.principal,
    "make an experiment",
    "its runs are of the experiment that the job's `experiment_name` says; leave `mlflow.set_experiment` out, or name that one",
  );
  checkExperimentName(input.name);
  for (const [key, value] of input.tags) checkExperimentTag(key, value);
  const location = input.artifactLocation ?? "";
  if (location !== "") checkArtifactLocation(location);
  const isUri = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(location);
  try {
    return await deps.experiments.create({
      workspace: input.workspace,
      name: input.name,
      actor: input.principal.name,
      tags: Object.fromEntries(input.tags),
      artifactLocation:
        location === "" || isUri ? location : (deps.resolveLocation ?? ((text: string) => text))(location),
    });
  } catch (error) {
    if (!(isAppError(error) && error.code === "AlreadyExists")) throw error;
    const known = await deps.experiments.find(input.workspace, input.name);
    throw new AppError(
      "AlreadyExists",
      known?.lifecycle === "deleted"
        ? `Experiment(name=${input.name}) already exists, in deleted state. Restore it, or use another name.`
        : `Experiment(name=${input.name}) already exists.`,
    );
  }
}

export async function findExperiment(deps: ExperimentUseDeps, workspace: string, name: string): Promise<Experiment> {
  const found = await deps.experiments.find(workspace, name);
  if (found === undefined) throw notFound(`Could not find experiment with name '${name}'`);
  return found;
}

export async function setExperimentLifecycle(
  deps: ExperimentUseDeps,
  { workspace, principal }: Caller,
  id: string,
  lifecycle: "active" | "deleted",
): Promise<void> {
  mustBePerson(principal, lifecycle === "deleted" ? "delete an experiment" : "restore an experiment");
  const action = lifecycle === "deleted" ? "delete" : "restore";
  await deps.experiments.change(
    workspace,
    experimentId(id),
    { actor: principal.name, action, summary: `experiment \`${id}\` ${action}d` },
    (before) => {
      if (before.lifecycle === lifecycle) throw notFound(`No Experiment with id=${before.id} exists`);
      return { lifecycle };
    },
  );
}

export async function renameExperiment(
  deps: ExperimentUseDeps,
  { workspace, principal }: Caller,
  id: string,
  name: string,
): Promise<void> {
  mustBePerson(principal, "rename an experiment");
  checkExperimentName(name);
  const known = await experimentOf(deps, workspace, id);
  await deps.experiments.change(
    workspace,
    known.id,
    { actor: principal.name, action: "update", summary: `experiment \`${known.name}\` renamed to \`${name}\`` },
    (before) => {
      if (before.lifecycle !== "active") throw invalid("Cannot rename a non-active experiment.", "INVALID_STATE");
      return { name };
    },
  );
}

export async function setExperimentTag(
  deps: ExperimentUseDeps,
  { workspace, principal }: Caller,
  id: string,
  key: string,
  value: string,
): Promise<void> {
  mustBePerson(principal, "tag an experiment");
  checkExperimentTag(key, value);
  await deps.experiments.change(
    workspace,
    experimentId(id),
    { actor: principal.name, action: "update", summary: `tag \`${key}\` set` },
    (before) => {
      mustBeActive(before);
      return { tags: { ...before.tags, [key]: value } };
    },
  );
}

export async function deleteExperimentTag(
  deps: ExperimentUseDeps,
  { workspace, principal }: Caller,
  id: string,
  key: string,
): Promise<void> {
  mustBePerson(principal, "untag an experiment");
  await deps.experiments.change(
    workspace,
    experimentId(id),
    { actor: principal.name, action: "update", summary: `tag \`${key}\` removed` },
    (before) => {
      mustBeActive(before);
      if (!Object.hasOwn(before.tags, key)) throw notFound(`No tag with name: ${key} in experiment with id ${id}`);
      return { tags: Object.fromEntries(Object.entries(before.tags).filter(([name]) => name !== key)) };
    },
  );
}

function mustBeActive(experiment: Experiment): void {
  if (experiment.lifecycle !== "active")
    throw invalid(`The experiment ${experiment.id} must be in the 'active' state. Current state is deleted.`);
}

const SEARCH_LIMIT = 50_000;
const order = (key: string, kind: "text" | "number", descending: boolean): OrderKey => ({
  entity: "attribute",
  key,
  kind,
  descending,
});

export async function searchExperiments(
  deps: ExperimentUseDeps,
  workspace: string,
  query: {
    readonly filter?: string | undefined;
    readonly orderBy: readonly string[];
    readonly view: "active" | "deleted" | "all";
    readonly maxResults: number;
    readonly pageToken?: string | undefined;
  },
): Promise<{ readonly experiments: readonly Experiment[]; readonly next?: string }> {
  const { maxResults } = query;
  if (maxResults < 1)
    throw invalid(`Invalid value ${maxResults} for parameter 'max_results' supplied. It must be a positive integer`);
  if (maxResults > SEARCH_LIMIT)
    throw invalid(
      `Invalid value ${maxResults} for parameter 'max_results' supplied. It must be at most ${SEARCH_LIMIT}`,
    );
  const filter = parseFilter(query.filter, EXPERIMENTS);
  for (const { entity, key, value } of filter)
    if (entity === "attribute" && key === "experiment_id")
      for (const id of [value ?? []].flat()) experimentId(String(id));
  const asked = parseOrderBy(query.orderBy, EXPERIMENTS);
  const orderBy =
    asked.length === 0
      ? [order("creation_time", "number", true), order("experiment_id", "number", false)]
      : [
          ...asked,
          ...(asked.some(({ key }) => key === "experiment_id") ? [] : [order("experiment_id", "number", true)]),
        ];
  const scope = JSON.stringify(["experiments", query.filter ?? "", query.orderBy, query.view]);
  const all = await deps.experiments.list(workspace);
  const visible = query.view === "all" ? all : all.filter(({ lifecycle }) => lifecycle === query.view);
  const { rows, next } = searchRows(
    visible,
    rowOf,
    filter,
    orderBy,
    maxResults,
    query.pageToken ? decodeToken(scope, query.pageToken) : undefined,
  );
  return { experiments: rows, ...(next === undefined ? {} : { next: encodeToken(scope, next) }) };
}

function rowOf(experiment: Experiment): Row {
  return {
    text: (name) => (name === "name" ? experiment.name : name === "experiment_id" ? experiment.id : undefined),
    number: (name) =>
      name === "creation_time"
        ? experiment.createdMs
        : name === "last_update_time"
          ? experiment.updatedMs
          : Number(experiment.id),
    tag: (key) => (Object.hasOwn(experiment.tags, key) ? experiment.tags[key] : undefined),
  };
}
