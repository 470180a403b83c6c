import { expect, it } from "vitest";
import type { MissedRuns } from "../../../../src/contract/schedules.ts";
import { firingTimes } from "../../../../src/core/schedules/firing-times.ts";
import { CATCH_UP_LIMIT, dueTimes } from "../../../../src/core/schedules/missed.ts";

const NOON = Date.parse("2026-05-05T12:00:00Z");
const HOUR = 3_600_000;

function due(expression: string, sinceMs: number, nowMs: number, policy: MissedRuns) {
  const { fire, skipped, nextMs } = dueTimes(firingTimes({ type: "cron", expression }, 0), sinceMs, nowMs, policy);
  const short = (atMs: number) => new Date(atMs).toISOString().slice(11, 16);
  return { fire: fire.map(short), skipped, next: nextMs === undefined ? undefined : short(nextMs) };
}

it("fires what is due, also a little late", () => {
  expect(due("0 * * * *", NOON - 1, NOON + 240_000, "skip")).toEqual({ fire: ["12:00"], skipped: 0, next: "13:00" });
});

it("fires nothing between two times", () => {
  expect(due("0 * * * *", NOON, NOON + 240_000, "all")).toEqual({ fire: [], skipped: 0, next: "13:00" });
});

it.each([
  ["skip", [], 3],
  ["once", ["14:00"], 2],
  ["all", ["12:00", "13:00", "14:00"], 0],
] as const)("after a sleep of three hours, with `%s`", (policy, fire, skipped) => {
  expect(due("0 * * * *", NOON - 1, NOON + 2.5 * HOUR, policy)).toEqual({ fire, skipped, next: "15:00" });
});

it("makes nothing up beside what is in time, where one run is enough", () => {
  expect(due("0 * * * *", NOON - 1, NOON + 2 * HOUR, "once")).toEqual({ fire: ["14:00"], skipped: 2, next: "15:00" });
});

it("makes up for the newest ones only, after a year off, and counts the others", () => {
  const { fire, skipped } = due("*/10 * * * *", NOON - 365 * 24 * HOUR, NOON - 240_000, "all");
  expect(fire).toHaveLength(CATCH_UP_LIMIT);
  expect(fire.at(-1)).toBe("11:50");
  expect(skipped).toBe(365 * 144 - 1 - CATCH_UP_LIMIT);
});
