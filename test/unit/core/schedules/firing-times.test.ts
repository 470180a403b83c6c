import { describe, expect, it } from "vitest";
import type { Trigger } from "../../../../src/contract/schedules.ts";
import { zoneOf } from "../../../../src/contract/time-zones.ts";
import { firingTimes, type TimeTrigger } from "../../../../src/core/schedules/firing-times.ts";
import { expectCode } from "../../../helpers/ports.ts";

/** The first `count` after an instant, without seconds. */
function next(trigger: TimeTrigger, after: string, count: number, made = after): string[] {
  const found: string[] = [];
  for (const atMs of firingTimes(trigger, Date.parse(made)).after(Date.parse(after))) {
    found.push(new Date(atMs).toISOString().replace(/:00\.000Z$/, "Z"));
    if (found.length === count) break;
  }
  return found;
}

const cron = (expression: string, more: Partial<Extract<Trigger, { type: "cron" }>> = {}): TimeTrigger => ({
  type: "cron",
  expression,
  ...more,
});
const every = (
  frequency: Extract<Trigger, { type: "recurrence" }>["frequency"],
  interval: number,
  more: Partial<Extract<Trigger, { type: "recurrence" }>> = {},
): TimeTrigger => ({ type: "recurrence", frequency, interval, ...more });
const NEW_YORK = { time_zone: "America/New_York" };

describe("cron", () => {
  it.each([
    ["* * * * *", ["2026-03-01T00:01Z", "2026-03-01T00:02Z"]],
    ["*/20 * * * *", ["2026-03-01T00:20Z", "2026-03-01T00:40Z"]],
    ["5/25 3 * * *", ["2026-03-01T03:05Z", "2026-03-01T03:30Z"]],
    ["0 8-10/2,23 * * *", ["2026-03-01T08:00Z", "2026-03-01T10:00Z", "2026-03-01T23:00Z"]],
    ["30 9 * * mon-fri", ["2026-03-02T09:30Z", "2026-03-03T09:30Z"]],
    ["0 0 * * 7", ["2026-03-08T00:00Z", "2026-03-15T00:00Z"]],
    ["0 0 29 feb *", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
    // Both kinds of days restricted: either will do. A step over all of them does not restrict.
    ["0 0 13 * fri", ["2026-03-06T00:00Z", "2026-03-13T00:00Z", "2026-03-20T00:00Z"]],
    ["0 0 */2 * sun", ["2026-03-15T00:00Z", "2026-03-29T00:00Z"]],
  ])("%s", (expression, expected) => {
    expect(next(cron(expression), "2026-03-01T00:00:00Z", expected.length)).toEqual(expected);
  });

  it("fires at no time that does not exist", () => {
    expect(next(cron("0 0 30 2 *"), "2026-03-01T00:00:00Z", 1)).toEqual([]);
  });

  it.each([
    "* * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
    "*/0 * * * *",
    "5-3 * * * *",
    "a * * * *",
    "1,, * * * *",
    "@daily",
  ])("refuses %s", async (expression) => {
    await expectCode(async () => firingTimes(cron(expression), 0), "InvalidArgument");
  });

  it("keeps a daily time that a clock set forward skips: as late as the clock was set", () => {
    // 8 March 2026, 02:00 -> 03:00 in New York.
    expect(next(cron("30 2 * * *", NEW_YORK), "2026-03-07T12:00:00Z", 2)).toEqual([
      "2026-03-08T07:30Z",
      "2026-03-09T06:30Z",
    ]);
  });

  it("fires a daily time that comes twice once, the first time", () => {
    // 1 November 2026, 02:00 -> 01:00 in New York.
    expect(next(cron("30 1 * * *", NEW_YORK), "2026-10-31T12:00:00Z", 2)).toEqual([
      "2026-11-01T05:30Z",
      "2026-11-02T06:30Z",
    ]);
  });

  it.each([
    ["2026-03-08T06:00:00Z", ["2026-03-08T06:30Z", "2026-03-08T07:00Z", "2026-03-08T07:30Z", "2026-03-08T08:00Z"]],
    ["2026-11-01T05:00:00Z", ["2026-11-01T05:30Z", "2026-11-01T06:00Z", "2026-11-01T06:30Z", "2026-11-01T07:00Z"]],
  ])("fires every half hour through a change of the clock, from %s", (after, expected) => {
    expect(next(cron("*/30 * * * *", NEW_YORK), after, 4)).toEqual(expected);
  });

  it("skips midnight of a zone whose clocks are set at midnight by no day", () => {
    // 29 March 2026 has no 00:00 in Beirut.
    const beirut = { time_zone: "Asia/Beirut" };
    expect(next(cron("0 0 * * *", beirut), "2026-03-27T23:00:00Z", 3)).toEqual([
      "2026-03-28T22:00Z",
      "2026-03-29T21:00Z",
      "2026-03-30T21:00Z",
    ]);
  });

  it("takes start and end in its zone, both inclusive", () => {
    const within = {
      start_time: "2026-07-10T10:00:00",
      end_time: "2026-07-10 11:00:00",
      time_zone: "Pacific Standard Time",
    };
    expect(next(cron("0 * * * *", within), "2026-01-01T00:00:00Z", 9)).toEqual([
      "2026-07-10T17:00Z",
      "2026-07-10T18:00Z",
    ]);
    expect(next(cron("0 * * * *", { start_time: "2026-07-10T10:00:00+02:00" }), "2026-01-01T00:00:00Z", 1)).toEqual([
      "2026-07-10T08:00Z",
    ]);
  });
});

describe("recurrence", () => {
  it("counts minutes and hours from the start, whatever clocks do", () => {
    const start = { start_time: "2026-03-08T01:45:00", ...NEW_YORK };
    expect(next(every("minute", 30, start), "2026-03-08T00:00:00Z", 3)).toEqual([
      "2026-03-08T06:45Z",
      "2026-03-08T07:15Z",
      "2026-03-08T07:45Z",
    ]);
    expect(next(every("hour", 5), "2026-03-08T12:00:30Z", 2, "2026-03-08T00:00:20Z")).toEqual([
      "2026-03-08T15:00Z",
      "2026-03-08T20:00Z",
    ]);
  });

  it("crosses hours with minutes", () => {
    const schedule = { hours: [11, 4], minutes: [30, 0] };
    expect(next(every("day", 1, { schedule }), "2026-07-10T05:00:00Z", 3)).toEqual([
      "2026-07-10T11:00Z",
      "2026-07-10T11:30Z",
      "2026-07-11T04:00Z",
    ]);
  });

  it("goes by the wall of its zone", () => {
    const daily = { schedule: { hours: 8, minutes: 0 }, time_zone: "W. Europe Standard Time" };
    expect(next(every("day", 1, daily), "2026-03-28T00:00:00Z", 2)).toEqual(["2026-03-28T07:00Z", "2026-03-29T06:00Z"]);
  });

  it("takes the time, week day and day of its first one where none is given", () => {
    const start = { start_time: "2026-01-31T09:15:00Z" };
    expect(next(every("day", 3, start), "2026-01-01T00:00:00Z", 3)).toEqual([
      "2026-01-31T09:15Z",
      "2026-02-03T09:15Z",
      "2026-02-06T09:15Z",
    ]);
    expect(next(every("week", 2, start), "2026-01-01T00:00:00Z", 2)).toEqual([
      "2026-01-31T09:15Z",
      "2026-02-14T09:15Z",
    ]);
    // A month without a 31st has none.
    expect(next(every("month", 1, start), "2026-01-01T00:00:00Z", 3)).toEqual([
      "2026-01-31T09:15Z",
      "2026-03-31T09:15Z",
      "2026-05-31T09:15Z",
    ]);
  });

  it("counts weeks from Monday, months from the first", () => {
    const weekly = {
      start_time: "2026-01-07T00:00:00Z",
      schedule: { hours: 6, minutes: 0, week_days: ["monday", "friday"] as const },
    };
    expect(next(every("week", 2, weekly as never), "2026-01-01T00:00:00Z", 3)).toEqual([
      "2026-01-09T06:00Z",
      "2026-01-19T06:00Z",
      "2026-01-23T06:00Z",
    ]);
    const monthly = { start_time: "2026-01-10T00:00:00Z", schedule: { hours: 6, minutes: 0, month_days: [1, 30] } };
    expect(next(every("month", 1, monthly), "2026-01-01T00:00:00Z", 3)).toEqual([
      "2026-01-30T06:00Z",
      "2026-02-01T06:00Z",
      "2026-03-01T06:00Z",
    ]);
  });

  it("refuses what means nothing", async () => {
    const schedule = { hours: 1, minutes: 0 };
    await expectCode(async () => firingTimes(every("hour", 1, { schedule }), 0), "InvalidArgument");
    await expectCode(async () => firingTimes(every("day", 1, { time_zone: "Mars/Olympus" }), 0), "InvalidArgument");
    await expectCode(async () => firingTimes(every("day", 1, { start_time: "tomorrow" }), 0), "InvalidArgument");
  });
});

it("knows Windows names of zones in any case, and IANA names", () => {
  expect(["tokyo standard time", "Russian Standard Time", "UTC", "Asia/Kolkata"].map(zoneOf)).toEqual([
    "Asia/Tokyo",
    "Europe/Moscow",
    "UTC",
    "Asia/Calcutta",
  ]);
  expect(zoneOf("Central Perk Standard Time")).toBeUndefined();
});
