import { readAll } from "../core/files/streams.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import { decodeSnapshot, encodeSnapshot, type RunSnapshot } from "./run-snapshot.ts";

/** So many rows are soon read from the table; of more, an eighth has to be new. */
const WORTH_ROWS = 200;
const NEWS_SHARE = 8;
/** How far the clocks of two writers may be apart. */
const CLOCK_SLACK_MS = 60_000;

/** Column snapshots in Objects, one an experiment: what a new process begins with. Each may be deleted at any time. */
export function openRunSnapshots(deps: { readonly objects: Objects; readonly clock: Clock }) {
  const { objects, clock } = deps;

  async function read(key: string): Promise<Uint8Array | undefined> {
    const found = await objects.get(key);
    return found === undefined ? undefined : readAll(found.body);
  }

  return {
    /** Undefined where there is none that can be used: also where its times lie ahead of the clock, which has been set back then and hides entries. */
    async load(workspace: string, experimentId: string): Promise<RunSnapshot | undefined> {
      const bytes = await read(snapshotKey(workspace, experimentId)).catch(() => undefined);
      const snapshot = bytes === undefined ? undefined : decodeSnapshot(experimentId, bytes);
      if (snapshot === undefined || Math.max(0, ...snapshot.seenMs) > clock.now() + CLOCK_SLACK_MS) return undefined;
      return snapshot;
    },
    isDue: (news: number, count: number): boolean => news >= Math.max(WORTH_ROWS, count / NEWS_SHARE),
    /** What is not kept costs the next process time, and no search its answer. */
    async save(workspace: string, experimentId: string, snapshot: RunSnapshot): Promise<void> {
      await objects.put(snapshotKey(workspace, experimentId), encodeSnapshot(snapshot)).catch(() => undefined);
    },
  };
}

export function snapshotKey(workspace: string, experimentId: string): string {
  return `ws/${workspace}/index/runs/${experimentId}`;
}
