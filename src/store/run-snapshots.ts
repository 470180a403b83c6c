import { readAll } from "../core/files/streams.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import { RunColumns } from "./run-columns.ts";
import { decodeSnapshot, encodeSnapshot, type RunSnapshot } from "./run-snapshot.ts";

/** So many rows are soon read from a laptop's table. */
const WORTH_ROWS = 200;
/** Where others write too, functions start often, and each read is billed. */
const WORTH_ROWS_SHARED = 8;
/** A snapshot is written whole when an eighth is new; what is new until then stands beside it. */
const NEWS_SHARE = 8;
/** How far the clocks of two writers may be apart. */
const CLOCK_SLACK_MS = 60_000;
/** What the feed says of freed runs stays for a day longer (runs.ts). */
const BELIEVED_MS = 365 * 86_400_000;

/** Columns in memory, and what of them is kept in Objects. */
export interface Kept {
  readonly columns: RunColumns;
  /** When the feed was read last; 0: never. */
  followedMs: number;
  /** Etag of the snapshot that they are a continuation of. */
  base: string | undefined;
  /** Runs taken or forgotten since that snapshot. */
  readonly changed: Set<string>;
  /** How many of these changes stand nowhere, active runs aside. */
  unkept: number;
}

/** Columns of which nothing is kept. */
export function emptyKept(experimentId: string): Kept {
  return { columns: new RunColumns(experimentId), followedMs: 0, base: undefined, changed: new Set(), unkept: 0 };
}

/** Whether columns that were in step with the feed at that time can be brought up to date by it: its times may not lie ahead of a clock that was set back, which hides entries. */
export function isBelieved(followedMs: number, nowMs: number): boolean {
  return followedMs <= nowMs + CLOCK_SLACK_MS && nowMs - followedMs < BELIEVED_MS;
}

/** Objects of the experiments' snapshots. */
export function snapshotKeys(workspace: string, experimentIds: readonly string[]): readonly string[] {
  return experimentIds.flatMap((id) => [snapshotKey(workspace, id), newsKey(workspace, id)]);
}

export const snapshotKey = (workspace: string, experimentId: string): string =>
  `ws/${workspace}/index/runs/${experimentId}`;
const newsKey = (workspace: string, experimentId: string): string => `${snapshotKey(workspace, experimentId)}.news`;

/** Column snapshots in Objects, one an experiment, and beside it what is new since: what a new process begins with. Each may be deleted at any time. */
export function openRunSnapshots(deps: {
  readonly objects: Objects;
  readonly clock: Clock;
  readonly isShared: boolean;
}) {
  const { objects, clock, isShared } = deps;
  const worthRows = isShared ? WORTH_ROWS_SHARED : WORTH_ROWS;
  const isMany = ({ changed, columns }: Kept): boolean =>
    changed.size >= Math.max(worthRows, columns.count / NEWS_SHARE);

  async function read(key: string, experimentId: string): Promise<(RunSnapshot & { etag: string }) | undefined> {
    const found = await objects.get(key).catch(() => undefined);
    const bytes = found === undefined ? undefined : await readAll(found.body).catch(() => undefined);
    const snapshot = bytes === undefined ? undefined : decodeSnapshot(experimentId, bytes);
    if (found === undefined || snapshot === undefined) return undefined;
    return isBelieved(snapshot.followedMs, clock.now()) ? { ...snapshot, etag: found.etag } : undefined;
  }

  /** All of it anew. */
  async function keepAll(workspace: string, experimentId: string, kept: Kept): Promise<void> {
    kept.base = undefined;
    kept.changed.clear();
    const { info } = await objects.put(snapshotKey(workspace, experimentId), encodeSnapshot(kept));
    kept.base = info.etag;
  }

  async function keepNews(workspace: string, experimentId: string, kept: Kept): Promise<void> {
    const { columns, changed, base, followedMs } = kept;
    if (base === undefined) return;
    const standing = await objects.head(snapshotKey(workspace, experimentId));
    if (standing === undefined) return keepAll(workspace, experimentId, kept);
    if (standing.etag !== base) {
      // Somebody else has written all of it: what is new since is theirs to tell.
      kept.base = undefined;
      changed.clear();
      return;
    }
    const { news, gone } = columns.part(changed);
    const bytes = encodeSnapshot({ columns: news, followedMs, since: { base, gone } });
    await objects.put(newsKey(workspace, experimentId), bytes);
  }

  return {
    /** Undefined where there is none that can be used. */
    async load(workspace: string, experimentId: string): Promise<Kept | undefined> {
      const [all, news] = await Promise.all([
        read(snapshotKey(workspace, experimentId), experimentId),
        isShared ? read(newsKey(workspace, experimentId), experimentId) : undefined,
      ]);
      if (all === undefined || all.since !== undefined) return undefined;
      const { columns, followedMs, etag: base } = all;
      if (news?.since?.base !== base) return { columns, followedMs, base, changed: new Set(), unkept: 0 };
      const changed = new Set([...columns.take(news.columns), ...news.since.gone]);
      for (const runId of news.since.gone) columns.remove(runId);
      return { columns, followedMs: news.followedMs, base, changed, unkept: 0 };
    },
    isDue: (kept: Kept): boolean => (isShared ? kept.unkept >= worthRows : isMany(kept)),
    /** What is not kept costs the next process time, and no search its answer. */
    async keep(workspace: string, experimentId: string, kept: Kept): Promise<void> {
      const work = isMany(kept) ? keepAll : keepNews;
      kept.unkept = 0;
      await work(workspace, experimentId, kept).catch(() => undefined);
    },
  };
}
