import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import type { Item, Table } from "../core/ports/table.ts";
import type { DatasetBrief, Run, RunSearch } from "../core/tracking/ports.ts";
import { padded, RUN_FEED_SHARDS, runFeed, workspaceKey } from "./facts/keys.ts";
import { makeRecent } from "./recent.ts";
import { isActive, type RunColumns } from "./run-columns.ts";
import { readDatasets } from "./run-datasets.ts";
import { findRuns, KeptOrders } from "./run-find.ts";
import { emptyKept, isBelieved, type Kept, openRunSnapshots } from "./run-snapshots.ts";
import { loadMany } from "./run-store.ts";
import { RUN_GONE } from "./runs.ts";
import { isWatched } from "./table-watch.ts";

/** Clocks of writers differ, and a write takes its time: so much before the last reading is read again, and revisions tell what is known already. */
const OVERLAP_MS = 60_000;
const LOAD_AT_ONCE = 500;
/** A workspace that has contents goes five minutes after it was deleted, at the earliest; then its name is free. */
const BIRTH_AGE_MS = 30_000;
/** Columns kept of a workspace; beyond, the experiments that were searched longest ago are dropped. */
const RESIDENT_BYTES = 96 * 1024 * 1024;
const SHARDS = Array.from({ length: RUN_FEED_SHARDS }, (_, shard) => shard);

interface WorkspaceIndex {
  /** When the workspace was made: another one of its name has other runs. */
  readonly born: string;
  /** Those searched last at the end. */
  readonly experiments: Map<string, Kept>;
  readonly orders: KeptOrders;
  /** Runs to be read before the next search. */
  readonly dirty: Set<string>;
  /** Searches are one after the other, so that each sees what was acknowledged before it began. */
  tail: Promise<unknown>;
}

/**
 * Search over runs in memory. The index may be dropped at any time: it is filled from an experiment's snapshot and what its feed tells since, or
 * from the feed alone. On a watched table it follows the process's own writes; elsewhere each search reads the feed's news and every active run.
 */
export function openRunIndex(deps: {
  readonly table: Table;
  readonly objects: Objects;
  readonly clock: Clock;
}): RunSearch {
  const { table, clock } = deps;
  const watched = isWatched(table);
  const snapshots = openRunSnapshots({ ...deps, isShared: !watched });
  const workspaces = new Map<string, WorkspaceIndex>();
  const births = makeRecent<string>({ clock, ageMs: BIRTH_AGE_MS });
  if (watched) {
    table.onWrite((write) => {
      const pk = write.kind === "put" ? write.item.pk : write.key.pk;
      if (write.kind === "check" || !pk.startsWith("W#")) return;
      const [, workspace, kind, runId, more] = pk.split("#");
      if (kind !== "RUN" || workspace === undefined || runId === undefined || more !== undefined) return;
      const index = workspaces.get(workspace);
      const experiment = write.kind === "put" ? write.item.experimentId : undefined;
      if (typeof experiment === "string" && index?.experiments.has(experiment) === false) return;
      index?.dirty.add(runId);
    });
  }

  /** Who follows its own writes hears of all that goes with a workspace. */
  async function bornOf(workspace: string): Promise<string> {
    if (watched) return "";
    return births.get(workspace, async () => String((await table.get(workspaceKey(workspace)))?.createdAt ?? ""));
  }

  async function indexOf(workspace: string): Promise<WorkspaceIndex> {
    const born = await bornOf(workspace);
    let index = workspaces.get(workspace);
    if (index?.born !== born) {
      index = { born, experiments: new Map(), orders: new KeptOrders(), dirty: new Set(), tail: Promise.resolve() };
      workspaces.set(workspace, index);
    }
    return index;
  }

  /** What is found once the experiments' columns are as new as this moment. */
  async function ask<T>(workspace: string, ids: readonly string[], find: (index: WorkspaceIndex) => T): Promise<T> {
    const index = await indexOf(workspace);
    const turn = index.tail.then(async () => {
      await refresh(workspace, index, ids);
      const found = find(index);
      await Promise.all(ids.map((id) => keepSnapshot(workspace, index, id)));
      return found;
    });
    index.tail = turn.catch(() => undefined);
    return turn;
  }

  async function refresh(workspace: string, index: WorkspaceIndex, ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !isCurrent(index.experiments.get(id)));
    try {
      await Promise.all(missing.map((id) => open(workspace, index, id)));
      if (!watched) {
        const known = ids.filter((id) => !missing.includes(id));
        await Promise.all(known.map((id) => readFeed(workspace, index, id)));
        await readActive(workspace, index, ids);
      }
    } catch (error) {
      for (const id of missing) index.experiments.delete(id);
      throw error;
    }
    await readDirty(workspace, index);
    if (missing.length > 0) dropOldest(index, ids);
    for (const id of ids) {
      const indexed = index.experiments.get(id);
      if (indexed === undefined) continue;
      index.experiments.delete(id);
      index.experiments.set(id, indexed);
    }
  }

  function isCurrent(indexed: Kept | undefined): boolean {
    return indexed !== undefined && (watched || isBelieved(indexed.followedMs, clock.now()));
  }

  async function open(workspace: string, index: WorkspaceIndex, id: string): Promise<void> {
    // Known before anything is read: what is written meanwhile is dirty then, and read again.
    index.experiments.set(id, emptyKept(id));
    const kept = await snapshots.load(workspace, id);
    if (kept !== undefined) index.experiments.set(id, kept);
    await readFeed(workspace, index, id);
    if (watched) await readActive(workspace, index, [id]);
  }

  async function readFeed(workspace: string, index: WorkspaceIndex, id: string): Promise<void> {
    const indexed = index.experiments.get(id);
    if (indexed === undefined) return;
    const nowMs = clock.now();
    await Promise.all(SHARDS.map((shard) => readShard(workspace, index, indexed, runFeed(workspace, id, shard))));
    indexed.followedMs = nowMs;
  }

  async function readShard(workspace: string, index: WorkspaceIndex, indexed: Kept, pk: string): Promise<void> {
    const { columns, followedMs } = indexed;
    const from = padded(Math.max(0, followedMs - OVERLAP_MS));
    let cursor: string | undefined;
    do {
      const page = await table.query({ pk, sk: { from }, ...(cursor === undefined ? {} : { cursor }) });
      const news = page.items.filter((entry) => isNews(entry, columns));
      for (const { type, run } of news) if (type === RUN_GONE) forget(indexed, String(run));
      await take(
        workspace,
        index,
        news.map(({ run }) => String(run)),
      );
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async function readDirty(workspace: string, index: WorkspaceIndex): Promise<void> {
    const runIds = [...index.dirty];
    index.dirty.clear();
    try {
      await take(workspace, index, runIds);
    } catch (error) {
      for (const runId of runIds) index.dirty.add(runId);
      throw error;
    }
  }

  async function readActive(workspace: string, index: WorkspaceIndex, ids: readonly string[]): Promise<void> {
    const runIds = ids.flatMap((id) => index.experiments.get(id)?.columns.active() ?? []);
    await take(workspace, index, runIds);
  }

  /** Reads runs as they are now; those that are no more are forgotten. */
  async function take(workspace: string, index: WorkspaceIndex, runIds: readonly string[]): Promise<void> {
    for (let at = 0; at < runIds.length; at += LOAD_AT_ONCE) {
      const gone = new Set(runIds.slice(at, at + LOAD_AT_ONCE));
      const columnsOf = (run: Run) => index.experiments.get(run.experimentId)?.columns;
      const runs = await loadMany(table, workspace, [...gone]);
      const lacking = runs.filter((run) => columnsOf(run)?.lacksInputs(run));
      const inputs = await readDatasets(table, workspace, lacking);
      for (const run of runs) {
        gone.delete(run.runId);
        const indexed = index.experiments.get(run.experimentId);
        if (indexed?.columns.put(run, inputs.get(run.runId))) note(indexed, run.runId, isActive(run.status));
      }
      for (const runId of gone) {
        for (const indexed of index.experiments.values()) {
          forget(indexed, runId);
        }
      }
    }
  }

  async function keepSnapshot(workspace: string, index: WorkspaceIndex, id: string): Promise<void> {
    const indexed = index.experiments.get(id);
    if (indexed === undefined || !snapshots.isDue(indexed)) return;
    // Who follows writes has not read the feed since: from here on the snapshot's readers will.
    if (watched) await readFeed(workspace, index, id);
    await snapshots.keep(workspace, id, indexed);
  }

  function dropOldest(index: WorkspaceIndex, wanted: readonly string[]): void {
    let sizeBytes = 0;
    for (const { columns } of index.experiments.values()) sizeBytes += columns.sizeBytes;
    for (const [id, { columns }] of index.experiments) {
      if (sizeBytes <= RESIDENT_BYTES) return;
      if (wanted.includes(id)) continue;
      index.experiments.delete(id);
      index.orders.clear();
      sizeBytes -= columns.sizeBytes;
    }
  }

  return {
    search(query, wanted) {
      const ids = [...new Set(query.experimentIds)];
      return ask(query.workspace, ids, ({ experiments, orders }) =>
        findRuns((id) => experiments.get(id)?.columns, query, wanted, orders),
      );
    },
    datasets(workspace, experimentId) {
      return ask(workspace, [experimentId], ({ experiments }) => {
        const briefs = new Map<string, DatasetBrief>();
        for (const brief of experiments.get(experimentId)?.columns.datasetBriefs() ?? []) {
          briefs.set(JSON.stringify([brief.name, brief.digest, brief.context ?? null]), brief);
        }
        return [...briefs.values()];
      });
    },
  };
}

/** Whoever begins with what is kept reads active runs again in any case. */
function note(indexed: Kept, runId: string, isActive = false): void {
  indexed.changed.add(runId);
  if (!isActive) indexed.unkept++;
}

function forget(indexed: Kept, runId: string): void {
  if (indexed.columns.remove(runId)) note(indexed, runId);
}

function isNews({ type, run, rev = 1 }: Item, columns: RunColumns): boolean {
  const known = columns.revOf(String(run));
  // Who never had a run, or has none of it any more, need not hear that it went.
  if (known === undefined || known === 0) return type !== RUN_GONE;
  return known < Number(rev);
}
