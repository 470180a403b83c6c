import type { Table } from "../core/ports/table.ts";
import type { Points } from "../core/tracking/ports.ts";
import { runKey } from "./facts/keys.ts";
import { pointsOf } from "./metric-codec.ts";
import { readHistory } from "./metric-log.ts";
import { RUN_IN_TRASH } from "./run-items.ts";

const NO_POINTS = pointsOf("", []);

/** Histories worth keeping are read again for the next page; all that are kept take 24 bytes a point. */
const LEAST_POINTS = 5_000;
const ROOM_POINTS = 250_000;

/** Reads histories; long ones stay in memory for as long as their run's log is what it was. */
export function openHistories(table: Table): (workspace: string, runId: string, key: string) => Promise<Points> {
  const kept = new Map<string, { readonly log: string; readonly points: Points }>();

  function keep(name: string, log: string, points: Points): void {
    if (points.length < LEAST_POINTS || points.length > ROOM_POINTS) return;
    kept.set(name, { log, points });
    let room = ROOM_POINTS;
    for (const [other, each] of [...kept].reverse()) {
      room -= each.points.length;
      if (room < 0) kept.delete(other);
    }
  }

  return async (workspace, runId, key) => {
    const name = JSON.stringify([workspace, runId, key]);
    // Read before the log is: what comes in meanwhile makes the next caller read it again.
    const head = await table.get(runKey(workspace, runId));
    if (head?.type === RUN_IN_TRASH) return NO_POINTS;
    // The number of the log's next item grows with whatever is logged or folded; a run that was freed and made anew has another time.
    const log = `${head?.createdMs} ${head?.logSeq ?? 0}`;
    const known = kept.get(name);
    kept.delete(name);
    const points = known?.log === log ? known.points : await readHistory(table, workspace, runId, key);
    if (head !== undefined) keep(name, log, points);
    return points;
  };
}
