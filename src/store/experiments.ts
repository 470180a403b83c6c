import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Item, Table, Write } from "../core/ports/table.ts";
import { ABSENT } from "../core/ports/table.ts";
import type { Experiment, ExperimentStore } from "../core/tracking/ports.ts";
import {
  deletedExperimentsKey,
  experimentCounterKey,
  experimentKey,
  experimentList,
  experimentNameKey,
} from "./facts/keys.ts";
import { keepReads } from "./table-watch.ts";

export interface ExperimentDeps {
  readonly table: Table;
  readonly clock: Clock;
  readonly activity?: ActivityWrite;
}

export const DEFAULT_EXPERIMENT = { id: "0", name: "Default" } as const;
const TRIES = 200;

/** The experiment of this name, made if there is none; Conflict when it is deleted. */
export async function ensureExperiment(
  deps: ExperimentDeps,
  workspace: string,
  name: string,
  actor: string,
): Promise<{ readonly id: string; readonly name: string }> {
  const known = await findExperiment(deps, workspace, name);
  if (known !== undefined) {
    if (known.lifecycle === "active") return { id: known.id, name: known.name };
    throw new AppError("Conflict", `experiment \`${name}\` is archived`, { hint: "restore it, or use another name" });
  }
  try {
    return await createExperiment(deps, { workspace, name, actor, tags: {}, artifactLocation: "" });
  } catch (error) {
    if (!(error instanceof AppError && error.code === "AlreadyExists")) throw error;
    return ensureExperiment(deps, workspace, name, actor);
  }
}

/** Makes experiment `0`, `Default`, unless it is there. */
export async function createDefaultExperiment(deps: ExperimentDeps, workspace: string, actor: string): Promise<void> {
  const now = deps.clock.now();
  const { id, name } = DEFAULT_EXPERIMENT;
  await deps.table.transact([
    { kind: "put", item: toItem(workspace, blank(id, name, now)), when: ABSENT },
    { kind: "put", item: nameItem(workspace, name, id), when: ABSENT },
    ...recorded(deps, workspace, actor, name, "create", `experiment \`${name}\` made`),
  ]);
}

/** Throws AlreadyExists for a name that is taken, also by a deleted experiment. Ids count up from 1 and are never reused. */
export async function createExperiment(
  deps: ExperimentDeps,
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly actor: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly artifactLocation: string;
  },
): Promise<Experiment> {
  const { workspace, name } = input;
  if (name === DEFAULT_EXPERIMENT.name) await createDefaultExperiment(deps, workspace, input.actor);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const counter = await deps.table.get(experimentCounterKey(workspace));
    const last = typeof counter?.last === "number" ? counter.last : 0;
    const now = deps.clock.now();
    const experiment: Experiment = {
      ...blank(String(last + 1), name, now),
      artifactLocation: input.artifactLocation,
      tags: input.tags,
    };
    const result = await deps.table.transact([
      {
        kind: "put",
        item: { ...experimentCounterKey(workspace), type: "COUNTER", v: 1, last: last + 1 },
        when: counter === undefined ? ABSENT : [{ attr: "last", op: "eq", value: last }],
      },
      { kind: "put", item: toItem(workspace, experiment), when: ABSENT },
      { kind: "put", item: nameItem(workspace, name, experiment.id), when: ABSENT },
      ...recorded(deps, workspace, input.actor, name, "create", `experiment \`${name}\` made`),
    ]);
    if (result.ok) return experiment;
    if (result.failed.some((failure) => failure.index === 2)) {
      throw new AppError("AlreadyExists", `Experiment(name=${name}) already exists.`, { name });
    }
  }
  throw new AppError("Unavailable", `experiment \`${name}\` could not be made: too many at once`);
}

export async function findExperiment(
  deps: Pick<ExperimentDeps, "table" | "clock">,
  workspace: string,
  name: string,
): Promise<Experiment | undefined> {
  const pointer = await deps.table.get(experimentNameKey(workspace, name));
  if (pointer === undefined) {
    return name === DEFAULT_EXPERIMENT.name ? getExperiment(deps, workspace, DEFAULT_EXPERIMENT.id) : undefined;
  }
  return getExperiment(deps, workspace, String(pointer.experimentId));
}

/** Undefined when there is none; `0` is made on first sight. */
export async function getExperiment(
  deps: Pick<ExperimentDeps, "table" | "clock">,
  workspace: string,
  id: string,
): Promise<Experiment | undefined> {
  const key = experimentKey(workspace, id);
  let item = await deps.table.get(key);
  if (item === undefined && id === DEFAULT_EXPERIMENT.id) {
    await createDefaultExperiment(deps, workspace, "system");
    item = await deps.table.get(key);
  }
  return item === undefined ? undefined : fromItem(item);
}

/** All of a workspace, by id. */
export async function listExperiments(
  deps: Pick<ExperimentDeps, "table" | "clock">,
  workspace: string,
): Promise<Experiment[]> {
  const found: Experiment[] = [];
  let cursor: string | undefined;
  do {
    const page = await deps.table.query({
      pk: experimentList(workspace),
      sk: { prefix: "E#" },
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const item of page.items) found.push(fromItem(item));
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (found[0]?.id !== DEFAULT_EXPERIMENT.id) {
    const first = await getExperiment(deps, workspace, DEFAULT_EXPERIMENT.id);
    if (first !== undefined) found.unshift(first);
  }
  return found;
}

/** Applies `change` to what stands, again if somebody was faster. A new name takes the old one's place; AlreadyExists if it is taken. */
export async function changeExperiment(
  deps: ExperimentDeps,
  workspace: string,
  id: string,
  about: { readonly actor: string; readonly action: string; readonly summary: string },
  change: (experiment: Experiment) => Partial<Pick<Experiment, "name" | "lifecycle" | "tags">>,
): Promise<Experiment> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await getExperiment(deps, workspace, id);
    if (before === undefined) throw new AppError("NotFound", `No Experiment with id=${id} exists`, { id });
    const wanted = change(before);
    // As with MLflow, tags are no update of the experiment itself.
    const updatedMs = wanted.tags === undefined ? deps.clock.now() : before.updatedMs;
    const after: Experiment = { ...before, ...wanted, updatedMs, rev: before.rev + 1 };
    const renamed = after.name !== before.name;
    const moved = after.lifecycle !== before.lifecycle;
    const deleted = moved ? await deps.table.get(deletedExperimentsKey(workspace)) : undefined;
    const result = await deps.table.transact([
      { kind: "put", item: toItem(workspace, after), when: [{ attr: "rev", op: "eq", value: before.rev }] },
      ...(renamed
        ? ([
            { kind: "put", item: nameItem(workspace, after.name, id), when: ABSENT },
            { kind: "delete", key: experimentNameKey(workspace, before.name) },
          ] as const)
        : []),
      ...(moved ? [deletedWrite(workspace, deleted, after)] : []),
      ...recorded(deps, workspace, about.actor, after.name, about.action, about.summary),
    ]);
    if (result.ok) return after;
    if (renamed && result.failed.some((failure) => failure.index === 1)) {
      throw new AppError("AlreadyExists", `Experiment(name=${after.name}) already exists.`, { name: after.name });
    }
  }
  throw new AppError("Unavailable", `experiment \`${id}\` could not be changed: too many writers at once`);
}

/** The ids of deleted experiments in one record. */
function deletedWrite(workspace: string, before: Item | undefined, experiment: Experiment): Write {
  const ids = ((before?.ids ?? []) as string[]).filter((id) => id !== experiment.id);
  if (experiment.lifecycle === "deleted") ids.push(experiment.id);
  return {
    kind: "put",
    item: {
      ...deletedExperimentsKey(workspace),
      type: "DELETED-EXPERIMENTS",
      v: 1,
      ids,
      rev: Number(before?.rev ?? 0) + 1,
    },
    when: before === undefined ? ABSENT : [{ attr: "rev", op: "eq", value: Number(before.rev) }],
  };
}

function blank(id: string, name: string, now: number): Experiment {
  return { id, name, artifactLocation: "", lifecycle: "active", createdMs: now, updatedMs: now, tags: {}, rev: 1 };
}

function recorded(
  deps: ExperimentDeps,
  workspace: string,
  actor: string,
  name: string,
  action: string,
  summary: string,
) {
  if (deps.activity === undefined) return [];
  return [deps.activity({ workspace, actor, resource: "experiment", name, action, summary })];
}

function nameItem(workspace: string, name: string, id: string): Item {
  return { ...experimentNameKey(workspace, name), type: "EXPERIMENT-NAME", v: 1, experimentId: id };
}

function toItem(workspace: string, experiment: Experiment): Item {
  const { id, ...rest } = experiment;
  return { ...experimentKey(workspace, id), type: "EXPERIMENT", v: 1, id, ...rest, tags: { ...rest.tags } };
}

function fromItem(item: Item): Experiment {
  if (item.type !== "EXPERIMENT" || item.v !== 1)
    throw new AppError("Internal", `record \`${item.sk}\` is no experiment of version 1`);
  return {
    id: String(item.id),
    name: String(item.name),
    artifactLocation: String(item.artifactLocation),
    lifecycle: item.lifecycle === "deleted" ? "deleted" : "active",
    createdMs: Number(item.createdMs),
    updatedMs: Number(item.updatedMs),
    tags: item.tags as Record<string, string>,
    rev: Number(item.rev),
  };
}

/** The experiments port over the record store. */
export function openExperimentStore(deps: ExperimentDeps): ExperimentStore {
  const kept = { ...deps, table: keepReads(deps.table) };
  return {
    get: (workspace, id) => getExperiment(kept, workspace, id),
    find: (workspace, name) => findExperiment(deps, workspace, name),
    list: (workspace) => listExperiments(deps, workspace),
    async deleted(workspace) {
      const item = await kept.table.get(deletedExperimentsKey(workspace));
      return new Set((item?.ids ?? []) as string[]);
    },
    create: (input) => createExperiment(deps, input),
    change: (workspace, id, about, change) => changeExperiment(deps, workspace, id, about, change),
  };
}
