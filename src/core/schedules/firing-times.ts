import { AppError } from "../../contract/errors.ts";
import type { CronTrigger, RecurrenceTrigger } from "../../contract/schedules.ts";
import { zoneOf } from "../../contract/time-zones.ts";
import { parseCron } from "./cron.ts";
import { DAY_MS, instantOf, instantsOf, MINUTE_MS, type Offsets, offsetsOf, wallOf } from "./wall-time.ts";

export type TimeTrigger = CronTrigger | RecurrenceTrigger;

/** When a trigger fires: instants, ascending, each once. */
export interface FiringTimes {
  /** Those after an instant; ends with the trigger's end, or where none comes within ten years. */
  after(afterMs: number): Generator<number>;
}

/** 29 February can be eight years away. */
const HORIZON_DAYS = 3660;
const WEEK_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/**
 * What a trigger means, `madeMs` being when it was made: what counts from a beginning counts from there where the trigger has no start time.
 * Throws InvalidArgument for a zone, a time or an expression that means nothing.
 */
export function firingTimes(trigger: TimeTrigger, madeMs: number): FiringTimes {
  const zone = zoneOf(trigger.time_zone ?? "UTC");
  if (zone === undefined) {
    throw new AppError("InvalidArgument", `\`${trigger.time_zone}\` is not a time zone`, {
      hint: "an IANA name such as `Europe/Berlin`, or a Windows name such as `Pacific Standard Time`",
    });
  }
  const offsets = offsetsOf(zone);
  const startMs = boundOf(offsets, trigger, "start_time");
  const endMs = boundOf(offsets, trigger, "end_time") ?? Number.POSITIVE_INFINITY;
  const anchorMs = startMs ?? Math.floor(madeMs / MINUTE_MS) * MINUTE_MS;
  const all = instantsAfter(trigger, offsets, anchorMs);
  return {
    *after(afterMs) {
      // The start itself may be a firing.
      for (const atMs of all(Math.max(afterMs, (startMs ?? Number.NEGATIVE_INFINITY) - 1))) {
        if (atMs > endMs) return;
        yield atMs;
      }
    },
  };
}

function boundOf(offsets: Offsets, trigger: TimeTrigger, field: "start_time" | "end_time"): number | undefined {
  const text = trigger[field];
  if (text === undefined) return undefined;
  const atMs = instantOf(offsets, text);
  if (!Number.isNaN(atMs)) return atMs;
  throw new AppError("InvalidArgument", `\`${field}\` is \`${text}\`, which is not a time`, {
    hint: "as in `2026-12-31T08:00:00`, in the trigger's time zone",
  });
}

type After = (afterMs: number) => Generator<number>;

function instantsAfter(trigger: TimeTrigger, offsets: Offsets, anchorMs: number): After {
  if (trigger.type === "cron") {
    const cron = parseCron(trigger.expression);
    return calendar(offsets, { ...cron, both: cron.isEvery, isDay: (date) => cron.isDay(date) });
  }
  const { frequency, interval, schedule } = trigger;
  if (frequency === "minute" || frequency === "hour") {
    if (schedule !== undefined) {
      throw new AppError("InvalidArgument", `a recurrence by the ${frequency} has no \`schedule\``, {
        hint: "`frequency: day` with `interval: 1` takes hours and minutes",
      });
    }
    return elapsed(anchorMs, interval * (frequency === "hour" ? 60 : 1) * MINUTE_MS);
  }
  const anchor = new Date(wallOf(offsets, anchorMs));
  const days = daysOf(trigger, anchor);
  return calendar(offsets, {
    minutes: ascending(schedule?.minutes ?? anchor.getUTCMinutes()),
    hours: ascending(schedule?.hours ?? anchor.getUTCHours()),
    both: false,
    isDay: days,
  });
}

/** Every so often, whatever clocks do. */
function elapsed(anchorMs: number, everyMs: number): After {
  return function* (afterMs) {
    const past = Math.max(0, Math.floor((afterMs - anchorMs) / everyMs) + 1);
    for (let atMs = anchorMs + past * everyMs; ; atMs += everyMs) yield atMs;
  };
}

interface CalendarDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** 0..6 from Sunday. */
  readonly weekDay: number;
  /** Since 1970-01-01. */
  readonly number: number;
}

/** At times of some days, as clocks of the zone show them. `both`: also the second time, where clocks are set back. */
function calendar(
  offsets: Offsets,
  rule: {
    readonly minutes: readonly number[];
    readonly hours: readonly number[];
    readonly both: boolean;
    readonly isDay: (date: CalendarDate) => boolean;
  },
): After {
  const { minutes, hours, both, isDay } = rule;
  return function* (afterMs) {
    let last = afterMs;
    // What the day before skipped may come after midnight.
    let number = Math.floor(wallOf(offsets, afterMs) / DAY_MS) - 1;
    for (let idle = 0; idle < HORIZON_DAYS; idle++, number++) {
      if (!isDay(dateOf(number))) continue;
      const dayMs = number * DAY_MS;
      const walls = hours.flatMap((hour) => minutes.map((minute) => dayMs + (hour * 60 + minute) * MINUTE_MS));
      for (const atMs of instantsOfDay(offsets, dayMs, walls, both)) {
        if (atMs <= last) continue;
        last = atMs;
        idle = 0;
        yield atMs;
      }
    }
  };
}

function instantsOfDay(offsets: Offsets, dayMs: number, walls: readonly number[], both: boolean): readonly number[] {
  const offset = offsets(dayMs - DAY_MS);
  // No change near this day: one subtraction each.
  if (offset === offsets(dayMs + 2 * DAY_MS)) return walls.map((wall) => wall - offset);
  const instants = walls.flatMap((wall) => {
    const found = instantsOf(offsets, wall);
    return both ? found : found.slice(0, 1);
  });
  return instants.sort((a, b) => a - b);
}

/** Which days a recurrence by day, week or month falls on, counted from its first one. */
function daysOf({ frequency, interval, schedule }: RecurrenceTrigger, anchor: Date): (date: CalendarDate) => boolean {
  const first = dateOf(Math.floor(anchor.getTime() / DAY_MS));
  const weekDays = schedule?.week_days === undefined ? undefined : listOf(schedule.week_days).map(weekDayOf);
  const monthDays = schedule?.month_days === undefined ? undefined : listOf(schedule.month_days);
  const byWeek = weekDays ?? (frequency === "week" ? [first.weekDay] : undefined);
  const byMonth = monthDays ?? (frequency === "month" && weekDays === undefined ? [first.day] : undefined);
  return (date) => {
    const turns = turnsSince(frequency, first, date);
    if (turns < 0 || turns % interval !== 0) return false;
    return (byWeek?.includes(date.weekDay) ?? true) && (byMonth?.includes(date.day) ?? true);
  };
}

/** Days, weeks (from Monday) or months since the first one. */
function turnsSince(frequency: RecurrenceTrigger["frequency"], first: CalendarDate, date: CalendarDate): number {
  if (frequency === "month") return (date.year - first.year) * 12 + date.month - first.month;
  if (frequency === "week") return weekOf(date) - weekOf(first);
  return date.number - first.number;
}

/** 1970-01-01 was a Thursday. */
const weekOf = ({ number }: CalendarDate): number => Math.floor((number + 3) / 7);

function weekDayOf(name: string): number {
  return WEEK_DAYS.indexOf(name);
}

function dateOf(number: number): CalendarDate {
  const date = new Date(number * DAY_MS);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekDay: date.getUTCDay(),
    number,
  };
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function ascending(value: number | readonly number[]): readonly number[] {
  return [...new Set(listOf(value))].sort((a, b) => a - b);
}
