import type { MissedRuns } from "../../contract/schedules.ts";
import type { FiringTimes } from "./firing-times.ts";

/** A firing that comes no later than this is in time: timers of both homes may be a minute late. */
export const IN_TIME_MS = 5 * 60_000;
/** Runs that are made up for at once, at most: the newest ones. With those in time they fit one transaction. */
export const CATCH_UP_LIMIT = 40;
/** Times looked at on the way from the last one to now. */
const LOOK_LIMIT = 100_000;
const LOOK_BACK_MS = 2 * 86_400_000;

export interface DueTimes {
  /** To be fired now, ascending. */
  readonly fire: readonly number[];
  /** Due and not fired. */
  readonly skipped: number;
  /** The next one; undefined where none comes. */
  readonly nextMs?: number;
}

/** What is due between the last time that was dealt with and now, by the policy for what comes too late. */
export function dueTimes(times: FiringTimes, sinceMs: number, nowMs: number, policy: MissedRuns): DueTimes {
  const inTime: number[] = [];
  let late: number[] = [];
  let lateCount = 0;
  let nextMs: number | undefined;
  let looked = 0;
  for (const atMs of times.after(sinceMs)) {
    if (atMs > nowMs) {
      nextMs = atMs;
      break;
    }
    // Off for months, by the minute: the newest days are enough.
    if (++looked > LOOK_LIMIT) return dueTimes(times, nowMs - LOOK_BACK_MS, nowMs, policy);
    if (nowMs - atMs <= IN_TIME_MS) inTime.push(atMs);
    else {
      lateCount++;
      late.push(atMs);
      if (late.length > 2 * CATCH_UP_LIMIT) late = late.slice(-CATCH_UP_LIMIT);
    }
  }
  const kept = policy === "all" ? CATCH_UP_LIMIT : policy === "once" && inTime.length === 0 ? 1 : 0;
  const caughtUp = kept === 0 ? [] : late.slice(-kept);
  const fire = [...caughtUp, ...inTime];
  return { fire, skipped: lateCount - caughtUp.length, ...(nextMs === undefined ? {} : { nextMs }) };
}
