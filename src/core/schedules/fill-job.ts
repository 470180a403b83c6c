import { AppError } from "../../contract/errors.ts";
import type { CreateJob } from "../../contract/jobs.ts";
import type { Cause } from "../../contract/schedules.ts";

/** Tags of a job that a schedule submitted. */
const SCHEDULE_TAG = "schedule.name";
const CAUSE_TAG = "schedule.cause";
/** Schedules that lead to a job, from the first one on. */
export const CHAIN_TAG = "schedule.chain";
const PLACEHOLDER = /\$\{\{\s*(?:(name)|creation_context\.trigger_time|trigger\.([A-Za-z_][A-Za-z0-9_]*))\s*\}\}/g;
/** What may name the cause; commands and components have expressions of their own. */
const FILLED: readonly string[] = ["inputs", "tags", "display_name", "description", "experiment_name"];

/** True for text that a cause decides, so that it can't be checked before one comes. */
export function hasPlaceholder(value: unknown): boolean {
  return JSON.stringify(value ?? null).search(PLACEHOLDER) >= 0;
}

/**
 * The request that a firing submits: `${{trigger.KEY}}`, `${{creation_context.trigger_time}}` and `${{name}}` of inputs and words become what the cause says,
 * and tags tell schedule and cause. Throws InvalidSpec for a key that the cause has not.
 */
export function fillJob(
  template: CreateJob,
  firing: { readonly id: string; readonly schedule: string; readonly cause: Cause; readonly atMs: number },
): CreateJob {
  const { cause } = firing;
  const time = cause.values.time ?? new Date(firing.atMs).toISOString();
  const fill = (text: string): string =>
    text.replace(PLACEHOLDER, (_whole, name: string | undefined, key: string | undefined) => {
      if (name !== undefined) return firing.id;
      if (key === undefined) return time;
      const value = cause.values[key];
      if (value !== undefined) return value;
      const known = Object.keys(cause.values).map((it) => `\`${it}\``);
      throw new AppError("InvalidSpec", `a cause of type \`${cause.type}\` has no \`${key}\``, {
        hint: `it has ${known.join(", ")}`,
      });
    });
  const spec = Object.fromEntries(
    Object.entries(template.spec).map(([key, value]) => [key, FILLED.includes(key) ? filled(value, fill) : value]),
  );
  const before = cause.values.chain ?? "";
  const chain = { [CHAIN_TAG]: `${before} ${firing.schedule}`.trim() };
  const tags = {
    ...(spec.tags as object | undefined),
    [SCHEDULE_TAG]: firing.schedule,
    [CAUSE_TAG]: cause.summary,
    ...chain,
  };
  return { ...template, spec: { ...spec, tags } as unknown as CreateJob["spec"] };
}

function filled(value: unknown, fill: (text: string) => string): unknown {
  if (typeof value === "string") return fill(value);
  if (Array.isArray(value)) return value.map((member) => filled(member, fill));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, filled(member, fill)]));
}
