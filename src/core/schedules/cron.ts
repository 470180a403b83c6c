import { AppError } from "../../contract/errors.ts";

/** A cron expression of five fields. */
export interface Cron {
  /** 0..59 and 0..23, ascending. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Whether a date (month 1..12, week day 0..6 from Sunday) is one of its days. */
  readonly isDay: (date: { readonly month: number; readonly day: number; readonly weekDay: number }) => boolean;
  /** All hours, or all minutes of an hour: what goes by the clock's hand also fires in an hour that comes twice. */
  readonly isEvery: boolean;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEK_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

interface Field {
  readonly noun: string;
  readonly min: number;
  readonly max: number;
  readonly words?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { noun: "minute", min: 0, max: 59 },
  { noun: "hour", min: 0, max: 23 },
  { noun: "day of month", min: 1, max: 31 },
  { noun: "month", min: 1, max: 12, words: MONTHS },
  { noun: "day of week", min: 0, max: 7, words: WEEK_DAYS },
];

/** Reads minute, hour, day of month, month, day of week. Where both kinds of days are restricted, either is enough, as in every cron. Throws InvalidArgument. */
export function parseCron(expression: string): Cron {
  const texts = expression.trim().split(/\s+/);
  const fail = (why: string) => new AppError("InvalidArgument", `cron expression \`${expression}\`: ${why}`);
  if (texts.length !== FIELDS.length) throw fail(`it has ${texts.length} fields, not 5`);
  const [minutes = [], hours = [], days = [], months = [], weekDays = []] = FIELDS.map((field, i) => {
    const values = valuesOf(field, texts[i] ?? "");
    if (values === undefined)
      throw fail(`the ${field.noun} is \`${texts[i]}\`, not made of ${field.min} to ${field.max}`);
    return values;
  });
  const inWeek = new Set(weekDays.map((day) => day % 7));
  const [anyDay, anyWeekDay] = [texts[2], texts[4]].map((text) => text?.startsWith("*") ?? false);
  return {
    minutes,
    hours,
    isDay({ month, day, weekDay }) {
      if (!months.includes(month)) return false;
      const [ofMonth, ofWeek] = [days.includes(day), inWeek.has(weekDay)];
      return anyDay || anyWeekDay ? ofMonth && ofWeek : ofMonth || ofWeek;
    },
    isEvery: hours.length === 24 || minutes.length === 60,
  };
}

function valuesOf(field: Field, text: string): number[] | undefined {
  const found = new Set<number>();
  for (const part of text.toLowerCase().split(",")) {
    const shape = /^(?:(\*)|([a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (shape === null) return undefined;
    const [, star, first, last, every] = shape;
    const from = star === undefined ? numberOf(field, first) : field.min;
    // `5/15` counts from 5 to the end of the field.
    const end = star !== undefined || (last === undefined && every !== undefined) ? field.max : undefined;
    const to = end ?? (last === undefined ? from : numberOf(field, last));
    const step = every === undefined ? 1 : Number(every);
    if (from === undefined || to === undefined || from > to || step === 0) return undefined;
    for (let value = from; value <= to; value += step) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}

function numberOf({ min, max, words }: Field, text = ""): number | undefined {
  const word = words?.indexOf(text) ?? -1;
  const value = word >= 0 ? word + min : /^\d+$/.test(text) ? Number(text) : -1;
  return value < min || value > max ? undefined : value;
}
