import { readAll } from "../core/files/streams.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import { decodeSnapshot, encodeSnapshot, type RunSnapshot } from "./run-snapshot.ts";

/** So many rows are soon read from the table; of more, an eighth has to be new. */
const WORTH_ROWS = 200;
/** Where others write too, functions start often: to keep a snapshot costs as much as to read so many runs once. */
const WORTH_ROWS_SHARED = 40;
const NEWS_SHARE = 8;
/** How far the clocks of two writers may be apart. */
const CLOCK_SLACK_MS = 60_000;
/** What the feed says of freed runs stays for a day longer (runs.ts). */
const BELIEVED_MS = 365 * 86_400_000;

/** Whether columns that were in step with the feed at that time can be brought up to date by it: its times may not lie ahead of a clock that was set back, which hides entries. */
export function isBelieved(followedMs: number, nowMs: number): boolean {
  return followedMs <= nowMs + CLOCK_SLACK_MS && nowMs - followedMs < BELIEVED_MS;
}

/** Column snapshots in Objects, one an experiment: what a new process begins with. Each may be deleted at any time. */
export function openRunSnapshots(deps: {
  readonly objects: Objects;
  readonly clock: Clock;
  readonly isShared: boolean;
}) {
  const { objects, clock, isShared } = deps;
  const worthRows = isShared ? WORTH_ROWS_SHARED : WORTH_ROWS;

  async function read(key: string): Promise<Uint8Array | undefined> {
    const found = await objects.get(key);
    return found === undefined ? undefined : readAll(found.body);
  }

  return {
    /** Undefined where there is none that can be used. */
    async load(workspace: string, experimentId: string): Promise<RunSnapshot | undefined> {
      const bytes = await read(snapshotKey(workspace, experimentId)).catch(() => undefined);
      const snapshot = bytes === undefined ? undefined : decodeSnapshot(experimentId, bytes);
      return snapshot !== undefined && isBelieved(snapshot.followedMs, clock.now()) ? snapshot : undefined;
    },
    isDue: (news: number, count: number): boolean => news >= Math.max(worthRows, count / NEWS_SHARE),
    /** What is not kept costs the next process time, and no search its answer. */
    async save(workspace: string, experimentId: string, snapshot: RunSnapshot): Promise<void> {
      await objects.put(snapshotKey(workspace, experimentId), encodeSnapshot(snapshot)).catch(() => undefined);
    },
  };
}

export function snapshotKey(workspace: string, experimentId: string): string {
  return `ws/${workspace}/index/runs/${experimentId}`;
}
