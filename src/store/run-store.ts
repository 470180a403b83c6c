import { AppError, isAppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Item, Table, Write } from "../core/ports/table.ts";
import type { Run, RunChange, RunStore } from "../core/tracking/ports.ts";
import { runFeedKey, runKey, runPartKey } from "./facts/keys.ts";
import { cardTagWrites } from "./job-cards.ts";
import { edgeWrites, fitEdges } from "./lineage.ts";
import { openHistories } from "./metric-history.ts";
import { foldWrites, levelToFold, logWrites } from "./metric-log.ts";
import { applyChange, type Draft, draftOf, isFinal } from "./run-changes.ts";
import { datasetItems, readDatasets } from "./run-datasets.ts";
import { runEdges } from "./run-edges.ts";
import { partsFor, RUN_IN_TRASH, type RunDoc, runFrom, runItems } from "./run-items.ts";
import { runCreateWrites } from "./runs.ts";

const TRIES = 50;
/** Summaries kept of runs that are being written, so that the next write needs no read. */
const CACHE_LIMIT = 256;
/** Requests written in one transaction; each has one log item and the run one item and a few parts. */
const TOGETHER = 32;

interface Request {
  readonly decide: (run: Run) => RunChange | undefined;
  readonly recorded: { readonly actor: string; readonly action: string; readonly summary: string } | undefined;
  readonly resolve: (run: Run) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs over the record store. Every change is conditional on the revision it was decided on. */
export function openRunStore(deps: {
  readonly table: Table;
  readonly clock: Clock;
  readonly activity: ActivityWrite;
}): RunStore {
  const { table, clock, activity } = deps;
  const cache = new Map<string, RunDoc>();
  const queues = new Map<string, Request[]>();

  function remember(doc: RunDoc): void {
    const name = `${doc.workspace} ${doc.runId}`;
    cache.delete(name);
    cache.set(name, doc);
    if (cache.size > CACHE_LIMIT) {
      const oldest = cache.keys().next().value;
      if (oldest !== undefined) cache.delete(oldest);
    }
  }

  async function load(workspace: string, runId: string): Promise<RunDoc | undefined> {
    const [doc] = await loadMany(table, workspace, [runId]);
    return doc;
  }

  /** Writes waiting requests of one run until there are none. */
  async function drain(workspace: string, runId: string, name: string, queue: Request[]): Promise<void> {
    while (queue.length > 0) {
      const group = queue.splice(0, TOGETHER);
      try {
        await commit(workspace, runId, name, group);
      } catch (error) {
        if (group.length > 1 && isAppError(error) && error.code === "TooLarge") {
          // Together they are more than a transaction takes; each alone may not be.
          for (const request of group) await commit(workspace, runId, name, [request]).catch(request.reject);
        } else {
          for (const request of group) request.reject(error);
        }
      }
    }
    queues.delete(name);
  }

  async function commit(workspace: string, runId: string, name: string, group: readonly Request[]): Promise<void> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const doc = (attempt === 0 ? cache.get(name) : undefined) ?? (await load(workspace, runId));
      if (doc === undefined) throw new AppError("NotFound", `Run with id=${runId} not found`, { run_id: runId });
      const draft = draftOf(doc);
      const { accepted, failed, records } = decideAll(draft, group);
      if (draft.doc === doc) {
        // Nothing to write; but what was decided on may have been a summary that is out of date.
        const current = attempt === 0 && cache.has(name) ? await load(workspace, runId) : doc;
        if (current?.rev !== doc.rev) {
          cache.delete(name);
          continue;
        }
        settle(accepted, failed, doc);
        return;
      }
      const written = await write(doc, draft, records);
      if (written !== undefined) {
        remember(written);
        settle(accepted, failed, written);
        await fold(written);
        return;
      }
      cache.delete(name);
    }
    throw new AppError("Unavailable", `run \`${runId}\` could not be changed: too many writers at once`);
  }

  function decideAll(draft: Draft, group: readonly Request[]) {
    const accepted: Request[] = [];
    const failed: { request: Request; error: unknown }[] = [];
    const records: Write[] = [];
    for (const request of group) {
      try {
        const change = request.decide(draft.doc);
        if (change !== undefined) applyChange(draft, change);
        accepted.push(request);
        if (change !== undefined && request.recorded !== undefined) {
          const { workspace, runId } = draft.doc;
          records.push(activity({ workspace, resource: "run", name: runId, ...request.recorded }));
        }
      } catch (error) {
        failed.push({ request, error });
      }
    }
    return { accepted, failed, records };
  }

  /** The run as written, or undefined when somebody was faster. */
  async function write(before: RunDoc, draft: Draft, records: readonly Write[]): Promise<RunDoc | undefined> {
    const parts = partsFor(draft.doc);
    const repartitioned = parts !== before.parts;
    const log =
      draft.points.length === 0
        ? undefined
        : logWrites(before.workspace, before.runId, before.logSeq, before.tail, draft.points);
    // Active runs are re-read by whoever searches; only a change of a final one goes through the feed.
    const moves = isFinal(before);
    const feedMs = moves ? Math.max(clock.now(), before.feedMs + 1) : before.feedMs;
    const doc: RunDoc = {
      ...draft.doc,
      rev: before.rev + 1,
      parts,
      feedMs,
      logSeq: before.logSeq + (log?.writes.length ?? 0),
      logCounts: log === undefined ? before.logCounts : counted(before.logCounts, log.level, log.made),
      tail: log === undefined ? before.tail : log.tail,
    };
    const [head, ...rest] = runItems(doc, repartitioned ? undefined : draft.touched);
    if (head === undefined) throw new AppError("Internal", "a run has no items");
    const writes: Write[] = [
      { kind: "put", item: head, when: [{ attr: "rev", op: "eq", value: before.rev }] },
      ...rest.map((item): Write => ({ kind: "put", item })),
      ...(log?.writes ?? []),
      ...draft.newDatasets.flatMap(({ index, dataset }) =>
        datasetItems(doc.workspace, doc.runId, index, dataset).map((item): Write => ({ kind: "put", item })),
      ),
      ...(moves ? feedMoves(before, doc) : []),
      ...(doc.hasCard ? cardTagWrites(doc.workspace, doc.runId, before.tags, doc.tags) : []),
      ...records,
    ];
    const edges = runEdges(before, draft);
    if (edges.length > 0) writes.push(...(await fitEdges(table, edgeWrites(doc.workspace, edges), writes.length)));
    const result = await table.transact(writes);
    return result.ok ? doc : undefined;
  }

  /** Folding is upkeep: when it loses a race or fails, the next write tries again. */
  async function fold(doc: RunDoc): Promise<void> {
    const level = levelToFold(doc.logCounts);
    if (level === undefined) return;
    const folded = await foldWrites(table, doc.workspace, doc.runId, level, doc.logSeq);
    if (folded === undefined) return;
    const counts = counted(counted(doc.logCounts, level, -folded.folded), level + 1, folded.made);
    const after: RunDoc = {
      ...doc,
      rev: doc.rev + 1,
      logSeq: doc.logSeq + folded.made,
      logCounts: counts,
      tail: undefined,
    };
    const [head] = runItems(after, []);
    if (head === undefined) return;
    const result = await table.transact([
      { kind: "put", item: head, when: [{ attr: "rev", op: "eq", value: doc.rev }] },
      ...folded.writes,
    ]);
    if (result.ok) remember(after);
  }

  return {
    get: load,
    getMany: (workspace, runIds) => loadMany(table, workspace, runIds),
    async create(run, actor) {
      const [head, feed] = runCreateWrites(run);
      const result = await table.transact([
        head,
        feed,
        activity({
          workspace: run.workspace,
          actor,
          resource: "run",
          name: run.runId,
          action: "create",
          summary: `run \`${run.name}\` made`,
        }),
      ]);
      if (!result.ok) throw taken(run.runId, result.failed[0]?.item);
      const doc = runFrom(head.item, []);
      remember(doc);
      return doc;
    },
    change(workspace, runId, decide, recorded) {
      return new Promise((resolve, reject) => {
        const name = `${workspace} ${runId}`;
        const request: Request = { decide, recorded, resolve, reject };
        const queue = queues.get(name);
        if (queue !== undefined) {
          queue.push(request);
          return;
        }
        const made = [request];
        queues.set(name, made);
        void drain(workspace, runId, name, made);
      });
    },
    datasets: (workspace, runs) => readDatasets(table, workspace, runs),
    history: openHistories(table),
  };
}

function taken(runId: string, standing: Item | undefined): AppError {
  const isInTrash = standing?.type === RUN_IN_TRASH;
  return new AppError("AlreadyExists", `run \`${runId}\` ${isInTrash ? "is in the trash of gc" : "exists already"}`, {
    run_id: runId,
    ...(isInTrash
      ? { hint: `\`yard gc restore ${standing.receipt}\` brings it back; else it is free when it is freed` }
      : {}),
  });
}

function settle(accepted: readonly Request[], failed: readonly { request: Request; error: unknown }[], run: Run): void {
  for (const request of accepted) request.resolve(run);
  for (const { request, error } of failed) request.reject(error);
}

function counted(counts: readonly number[], level: number, more: number): number[] {
  const next = [...counts];
  while (next.length <= level) next.push(0);
  next[level] = (next[level] ?? 0) + more;
  return next;
}

function feedMoves(before: RunDoc, after: RunDoc): Write[] {
  const { workspace, experimentId, runId } = after;
  return [
    { kind: "delete", key: runFeedKey(workspace, experimentId, runId, before.feedMs) },
    {
      kind: "put",
      item: {
        ...runFeedKey(workspace, experimentId, runId, after.feedMs),
        type: "RUN-FEED",
        v: 1,
        run: runId,
        rev: after.rev,
      },
    },
  ];
}

/** Runs with their parts, in the order asked for. */
export async function loadMany(table: Table, workspace: string, runIds: readonly string[]): Promise<RunDoc[]> {
  const first = runIds[0];
  if (first !== undefined && runIds.length === 1) {
    const head = await table.get(runKey(workspace, first));
    return head === undefined || head.type === RUN_IN_TRASH
      ? []
      : [runFrom(head, await partsOf(table, workspace, [head]))];
  }
  const found = await table.batchGet(runIds.map((id) => runKey(workspace, id)));
  const heads = found.filter(({ type }) => type !== RUN_IN_TRASH);
  const parts = Map.groupBy(await partsOf(table, workspace, heads), (item) => item.pk);
  const docs = new Map(heads.map((head) => [String(head.runId), runFrom(head, parts.get(head.pk) ?? [])]));
  return runIds.flatMap((id) => docs.get(id) ?? []);
}

async function partsOf(table: Table, workspace: string, heads: readonly Item[]): Promise<readonly Item[]> {
  const keys = heads.flatMap((head) =>
    typeof head.parts === "number"
      ? Array.from({ length: head.parts }, (_, part) => runPartKey(workspace, String(head.runId), part))
      : [],
  );
  return keys.length === 0 ? [] : table.batchGet(keys);
}
