import type { Table } from "../core/ports/table.ts";
import { compareSort, firstInOrder } from "../core/tracking/match.ts";
import type { DatasetBrief, OrderKey, RunQuery, RunSearch, SortValue } from "../core/tracking/ports.ts";
import { padded, RUN_FEED_SHARDS, runFeed } from "./facts/keys.ts";
import { RunColumns } from "./run-columns.ts";
import { loadMany } from "./run-store.ts";
import { isWatched } from "./table-watch.ts";

/** Clocks of writers differ: a cursor reads so much again, and revisions tell what is known already. */
const OVERLAP_MS = 60_000;
const LOAD_AT_ONCE = 500;

interface Indexed {
  readonly columns: RunColumns;
  /** Per shard of the feed, the time of the last entry seen. */
  readonly seenMs: number[];
}

interface WorkspaceIndex {
  readonly experiments: Map<string, Indexed>;
  /** Runs written since they were last read. */
  readonly dirty: Set<string>;
  /** Refreshes are one after the other, so that each search sees what was acknowledged before it began. */
  tail: Promise<void>;
}

/**
 * Search over runs in memory. The index may be dropped at any time; it is filled from an experiment's feed on first use.
 * On a watched table it follows the process's own writes; elsewhere each search reads the feed's news and every run that is active.
 */
export function openRunIndex(deps: { readonly table: Table }): RunSearch {
  const { table } = deps;
  const workspaces = new Map<string, WorkspaceIndex>();
  const watched = isWatched(table);
  if (watched) {
    table.onWrite((write) => {
      const pk = write.kind === "put" ? write.item.pk : write.key.pk;
      if (write.kind === "check" || !pk.startsWith("W#")) return;
      const [, workspace, kind, runId, more] = pk.split("#");
      if (kind !== "RUN" || workspace === undefined || runId === undefined || more !== undefined) return;
      workspaces.get(workspace)?.dirty.add(runId);
    });
  }

  function indexOf(workspace: string): WorkspaceIndex {
    let index = workspaces.get(workspace);
    if (index === undefined) {
      index = { experiments: new Map(), dirty: new Set(), tail: Promise.resolve() };
      workspaces.set(workspace, index);
    }
    return index;
  }

  async function refresh(workspace: string, experimentIds: readonly string[]): Promise<WorkspaceIndex> {
    const index = indexOf(workspace);
    const turn = index.tail.then(async () => {
      const missing = experimentIds.filter((id) => !index.experiments.has(id));
      // Made known first: what is written while the feed is read is dirty then, and read again.
      for (const id of missing) index.experiments.set(id, { columns: new RunColumns(), seenMs: [] });
      try {
        for (const id of watched ? missing : experimentIds) await readFeed(workspace, id, index);
      } catch (error) {
        for (const id of missing) index.experiments.delete(id);
        throw error;
      }
      if (watched) await readDirty(workspace, index);
      else await readActive(workspace, index, experimentIds);
    });
    index.tail = turn.catch(() => undefined);
    await turn;
    return index;
  }

  async function readFeed(workspace: string, experimentId: string, index: WorkspaceIndex): Promise<void> {
    const indexed = index.experiments.get(experimentId);
    if (indexed === undefined) return;
    for (let shard = 0; shard < RUN_FEED_SHARDS; shard++) {
      const from = padded(Math.max(0, (indexed.seenMs[shard] ?? 0) - OVERLAP_MS));
      let cursor: string | undefined;
      do {
        const page = await table.query({
          pk: runFeed(workspace, experimentId, shard),
          sk: { from },
          ...(cursor === undefined ? {} : { cursor }),
        });
        const news = page.items.filter((item) => {
          const known = indexed.columns.revOf(String(item.run));
          return known === undefined || known < Number(item.rev ?? 1);
        });
        await take(
          workspace,
          index,
          news.map((item) => String(item.run)),
        );
        const last = page.items.at(-1);
        if (last !== undefined) indexed.seenMs[shard] = Number(last.sk.slice(0, 16));
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
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

  async function readActive(workspace: string, index: WorkspaceIndex, experimentIds: readonly string[]): Promise<void> {
    for (const id of experimentIds)
      await take(workspace, index, [...(index.experiments.get(id)?.columns.active ?? [])]);
  }

  async function take(workspace: string, index: WorkspaceIndex, runIds: readonly string[]): Promise<void> {
    for (let at = 0; at < runIds.length; at += LOAD_AT_ONCE) {
      for (const run of await loadMany(table, workspace, runIds.slice(at, at + LOAD_AT_ONCE))) {
        index.experiments.get(run.experimentId)?.columns.put(run);
      }
    }
  }

  return {
    async search(query) {
      const experimentIds = [...new Set(query.experimentIds)];
      const index = await refresh(query.workspace, experimentIds);
      return find(index, experimentIds, query);
    },
    async datasets(workspace, experimentId) {
      const index = await refresh(workspace, [experimentId]);
      const briefs = new Map<string, DatasetBrief>();
      for (const brief of index.experiments.get(experimentId)?.columns.datasetBriefs() ?? []) {
        briefs.set(JSON.stringify([brief.name, brief.digest, brief.context ?? null]), brief);
      }
      return [...briefs.values()];
    },
  };
}

const BY_START: OrderKey = { entity: "attribute", key: "start_time", kind: "number", descending: true };
const BY_ID: OrderKey = { entity: "attribute", key: "run_id", kind: "text", descending: false };

/** The query's order with the ties' behind it; the id makes it total. */
function totalOrder(orderBy: readonly OrderKey[]): OrderKey[] {
  const has = (key: string): boolean => orderBy.some((order) => order.entity === "attribute" && order.key === key);
  return [...orderBy, ...(has("start_time") ? [] : [BY_START]), ...(has("run_id") ? [] : [BY_ID])];
}

function find(
  index: WorkspaceIndex,
  experimentIds: readonly string[],
  query: RunQuery,
): Awaited<ReturnType<RunSearch["search"]>> {
  const order = totalOrder(query.orderBy);
  const ids: string[] = [];
  const keys: SortValue[][] = order.map(() => []);
  for (const experimentId of experimentIds) {
    const columns = index.experiments.get(experimentId)?.columns;
    if (columns === undefined) continue;
    const isDeleted = query.deletedExperimentIds?.has(experimentId) ?? false;
    if (isDeleted && query.view === "active") continue;
    const view = isDeleted ? "all" : query.view;
    const readers = order.map((key) => columns.reader(key, experimentId));
    const { after } = query;
    for (const row of columns.select(query.filter, view, experimentId)) {
      if (after !== undefined && !isAfter(order, readers, row, after)) continue;
      ids.push(columns.idOf(row));
      for (let k = 0; k < readers.length; k++) keys[k]?.push(readers[k]?.(row) ?? null);
    }
  }
  const compare = (a: number, b: number): number => {
    for (let k = 0; k < order.length; k++) {
      const column = keys[k];
      const result = compareSort(column?.[a] ?? null, column?.[b] ?? null, order[k]?.descending ?? false);
      if (result !== 0) return result;
    }
    return 0;
  };
  const candidates = Uint32Array.from({ length: ids.length }, (_, i) => i);
  const first = firstInOrder(candidates, Math.min(query.limit + 1, ids.length), compare);
  const page = [...first.subarray(0, query.limit)];
  const last = page.at(-1);
  const runIds = page.map((i) => ids[i] ?? "");
  if (first.length <= query.limit || last === undefined) return { runIds };
  return { runIds, next: keys.map((column) => column[last] ?? null) };
}

function isAfter(
  order: readonly OrderKey[],
  readers: readonly ((row: number) => SortValue)[],
  row: number,
  after: readonly SortValue[],
): boolean {
  for (let k = 0; k < order.length; k++) {
    const result = compareSort(readers[k]?.(row) ?? null, after[k] ?? null, order[k]?.descending ?? false);
    if (result !== 0) return result > 0;
  }
  return false;
}
