import { zoneOf } from "../../contract/time-zones.ts";
import { check } from "../check.ts";
import {
  anything,
  type CustomType,
  integer,
  lazy,
  list,
  map,
  need,
  object,
  oneOf,
  ref,
  type Type,
  text,
  variant,
} from "../schema.ts";

export const trigger: Type = lazy(() => TRIGGER);
const time = text();
const clock = { start_time: time, end_time: time, time_zone: timeZone() };
const ENDS = oneOf("Completed", "Failed", "Canceled");
const WEEK_DAYS = oneOf("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday");
const TRIGGER = variant("a trigger", "type", {
  cron: object("a cron trigger", { type: anything, expression: need(cronExpression()), ...clock }),
  recurrence: object("a recurrence trigger", {
    type: anything,
    frequency: need(oneOf("minute", "hour", "day", "week", "month")),
    interval: need(integer(1)),
    schedule: object("a recurrence schedule", {
      hours: need(list(integer(0, 23), { orOne: true })),
      minutes: need(list(integer(0, 59), { orOne: true })),
      week_days: list(WEEK_DAYS, { orOne: true }),
      month_days: list(integer(1, 31), { orOne: true }),
    }),
    ...clock,
  }),
  // Beyond Azure's: what happens in the home, and outside of it.
  data: object("a data trigger", { type: anything, name: text() }),
  file: object("a file trigger", { type: anything, path: need(ref("data", { uri: true })), pattern: text() }),
  model: object("a model trigger", { type: anything, name: text(), on: oneOf("registered", "tagged"), tag: text() }),
  job: object("a job trigger", {
    type: anything,
    name: text(),
    experiment_name: text(),
    status: list(ENDS, { orOne: true }),
  }),
  event: object("an event trigger", { type: anything, pattern: need(map(anything)) }),
  webhook: object("a webhook trigger", { type: anything }),
});

const CRON_FIELDS: readonly (readonly [string, number, number])[] = [
  ["minute", 0, 59],
  ["hour", 0, 23],
  ["day of month", 1, 31],
  ["month", 1, 12],
  ["day of week", 0, 7],
];
const CRON_WORDS = /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;

/** An IANA or a Windows name. */
function timeZone(): CustomType {
  return {
    t: "custom",
    noun: "a time zone",
    json: { type: "string" },
    check(node, at, ctx) {
      const given = check(text(), node, at, ctx);
      if (typeof given !== "string" || zoneOf(given) !== undefined) return given;
      const hint = "an IANA name such as `Europe/Berlin`, or a Windows name such as `Pacific Standard Time`";
      ctx.findings.error(node, at, `\`${given}\` is not a time zone`, hint);
      return undefined;
    },
  };
}

/** Five fields: lists, ranges, steps and names, each number in its range. */
function cronExpression(): CustomType {
  return {
    t: "custom",
    noun: "a cron expression",
    json: { type: "string" },
    check(node, at, ctx) {
      const given = check(text(), node, at, ctx);
      if (typeof given !== "string") return undefined;
      const fields = given.trim().split(/\s+/);
      if (fields.length !== 5) {
        ctx.findings.error(
          node,
          at,
          `cron expression \`${given}\` has ${fields.length} fields, not 5`,
          "minute, hour, day of month, month, day of week: `0 8 * * 1-5`",
        );
        return undefined;
      }
      for (const [i, [noun, min, max]] of CRON_FIELDS.entries()) {
        const written = fields[i] ?? "";
        const parts = written.replace(CRON_WORDS, String(min)).split(",");
        const fine = parts.every((part) => {
          const shape = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
          if (!shape) return false;
          const inRange = [shape[1], shape[2]].every(
            (digits) => digits === undefined || (Number(digits) >= min && Number(digits) <= max),
          );
          return inRange && shape[3] !== "0";
        });
        if (!fine) {
          ctx.findings.error(
            node,
            at,
            `cron expression \`${given}\`: the ${noun} is \`${written}\`, which is not made of ${min} to ${max}, \`*\`, \`,\`, \`-\` and \`/\``,
          );
          return undefined;
        }
      }
      return given.trim();
    },
  };
}
