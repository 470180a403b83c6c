import type { Table } from "../core/ports/table.ts";
import type { DatasetBrief, RunSearch } from "../core/tracking/ports.ts";
import { padded, RUN_FEED_SHARDS, runFeed } from "./facts/keys.ts";
import { RunColumns } from "./run-columns.ts";
import { findRuns } from "./run-find.ts";
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
      for (const id of missing) index.experiments.set(id, { columns: new RunColumns(id), seenMs: [] });
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
    for (const id of experimentIds) await take(workspace, index, index.experiments.get(id)?.columns.active() ?? []);
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
      return findRuns((id) => index.experiments.get(id)?.columns, query);
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
