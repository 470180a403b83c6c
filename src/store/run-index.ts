import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import type { Table } from "../core/ports/table.ts";
import type { DatasetBrief, RunSearch } from "../core/tracking/ports.ts";
import { padded, RUN_FEED_SHARDS, runFeed } from "./facts/keys.ts";
import { RunColumns } from "./run-columns.ts";
import { findRuns, KeptOrders } from "./run-find.ts";
import { openRunSnapshots } from "./run-snapshots.ts";
import { loadMany } from "./run-store.ts";
import { isWatched } from "./table-watch.ts";

/** Clocks of writers differ: a cursor reads so much again, and revisions tell what is known already. */
export const OVERLAP_MS = 60_000;
const LOAD_AT_ONCE = 500;
/** The feed tells of a run that went to the trash of gc for as long as it is there, five minutes at least; who has not looked for longer may have missed it. */
const FOLLOWED_MS = 3 * 60_000;
/** Columns kept of a workspace; beyond, the experiments that were searched longest ago are dropped. */
const RESIDENT_BYTES = 96 * 1024 * 1024;
const SHARDS = Array.from({ length: RUN_FEED_SHARDS }, (_, shard) => shard);

interface Indexed {
  readonly columns: RunColumns;
  /** Per shard of the feed, the time of the last entry seen. */
  readonly seenMs: number[];
  /** Rows taken since the last snapshot. */
  news: number;
  /** When the feed was read last. */
  followedMs: number;
  /** Runs that were read while the feed was followed: where others write too, only these are known to be there. */
  readonly sure: Set<string>;
}

interface WorkspaceIndex {
  /** Those searched last at the end. */
  readonly experiments: Map<string, Indexed>;
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
  const snapshots = openRunSnapshots(deps);
  const workspaces = new Map<string, WorkspaceIndex>();
  const watched = isWatched(table);
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

  function indexOf(workspace: string): WorkspaceIndex {
    let index = workspaces.get(workspace);
    if (index === undefined) {
      index = { experiments: new Map(), orders: new KeptOrders(), dirty: new Set(), tail: Promise.resolve() };
      workspaces.set(workspace, index);
    }
    return index;
  }

  /** What is found once the experiments' columns are as new as this moment. */
  function ask<T>(workspace: string, ids: readonly string[], find: (index: WorkspaceIndex) => T): Promise<T> {
    const index = indexOf(workspace);
    const turn = index.tail.then(async () => {
      await refresh(workspace, index, ids);
      const found = find(index);
      for (const id of ids) await keepSnapshot(workspace, index, id);
      return found;
    });
    index.tail = turn.catch(() => undefined);
    return turn;
  }

  async function refresh(workspace: string, index: WorkspaceIndex, ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !index.experiments.has(id));
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

  async function open(workspace: string, index: WorkspaceIndex, id: string): Promise<void> {
    // Known before anything is read: what is written meanwhile is dirty then, and read again.
    const begun = { news: 0, followedMs: clock.now(), sure: new Set<string>() };
    index.experiments.set(id, { columns: new RunColumns(id), seenMs: [], ...begun });
    const snapshot = await snapshots.load(workspace, id);
    if (snapshot !== undefined) {
      const { columns, seenMs } = snapshot;
      index.experiments.set(id, { columns, seenMs: [...seenMs], ...begun });
    }
    await readFeed(workspace, index, id);
    if (watched) await readActive(workspace, index, [id]);
  }

  async function readFeed(workspace: string, index: WorkspaceIndex, id: string): Promise<void> {
    const indexed = index.experiments.get(id);
    const nowMs = clock.now();
    if (indexed !== undefined && nowMs - indexed.followedMs > FOLLOWED_MS) indexed.sure.clear();
    await Promise.all(SHARDS.map((shard) => readShard(workspace, index, id, shard)));
    if (indexed !== undefined) indexed.followedMs = nowMs;
  }

  async function readShard(workspace: string, index: WorkspaceIndex, id: string, shard: number): Promise<void> {
    const indexed = index.experiments.get(id);
    if (indexed === undefined) return;
    const from = padded(Math.max(0, (indexed.seenMs[shard] ?? 0) - OVERLAP_MS));
    let cursor: string | undefined;
    do {
      const page = await table.query({
        pk: runFeed(workspace, id, shard),
        sk: { from },
        ...(cursor === undefined ? {} : { cursor }),
      });
      const news = page.items.filter((item) => {
        const known = indexed.columns.revOf(String(item.run));
        return known === undefined || known < Number(item.rev ?? 1);
      });
      const runIds = news.map((item) => String(item.run));
      await take(workspace, index, runIds);
      const last = page.items.at(-1);
      if (last !== undefined) indexed.seenMs[shard] = Number(last.sk.slice(0, 16));
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
      for (const run of await loadMany(table, workspace, [...gone])) {
        gone.delete(run.runId);
        const indexed = index.experiments.get(run.experimentId);
        if (indexed?.columns.put(run)) indexed.news++;
      }
      for (const runId of gone) {
        for (const indexed of index.experiments.values()) {
          indexed.sure.delete(runId);
          if (indexed.columns.remove(runId)) indexed.news++;
        }
      }
    }
  }

  async function keepSnapshot(workspace: string, index: WorkspaceIndex, id: string): Promise<void> {
    const indexed = index.experiments.get(id);
    if (indexed === undefined || !snapshots.isDue(indexed.news, indexed.columns.count)) return;
    // Who follows writes has not read the feed since: from here on the snapshot's readers will.
    if (watched) await readFeed(workspace, index, id);
    indexed.news = 0;
    await snapshots.save(workspace, id, indexed);
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
    search(query) {
      const ids = [...new Set(query.experimentIds)];
      return ask(query.workspace, ids, ({ experiments, orders }) => {
        const found = findRuns((id) => experiments.get(id)?.columns, query, orders);
        if (watched || found.known === undefined) return found;
        const isSure = (runId: string) => ids.some((id) => experiments.get(id)?.sure.has(runId));
        const known = found.known.map((each, i) =>
          isSure(found.runIds[i] ?? "") ? each : { ...each, mayBeGone: true as const },
        );
        return { ...found, known };
      });
    },
    confirm(workspace, runs) {
      if (watched) return;
      const { experiments } = indexOf(workspace);
      for (const { experimentId, runId } of runs) experiments.get(experimentId)?.sure.add(runId);
    },
    doubt(workspace, runIds) {
      const { dirty } = indexOf(workspace);
      for (const runId of runIds) dirty.add(runId);
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
