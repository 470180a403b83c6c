import { itemsOf } from "../client/pages.ts";
import { AppError } from "../contract/errors.ts";
import { flag } from "./command.ts";
import type { Ctx } from "./context.ts";

/** Flags that mean the same on many verbs. */
export const flags = {
  name: (what: string) => flag.required(`Name of the ${what}`, { short: "n", placeholder: "name" }),
  maybeName: (what: string) =>
    flag.text(`Name of the ${what}; default: the file's`, { short: "n", placeholder: "name" }),
  file: () => flag.required("Spec file (YAML)", { short: "f", placeholder: "file" }),
  maybeFile: () => flag.text("Spec file (YAML)", { short: "f", placeholder: "file" }),
  set: () => flag.many("Changes a field: key.path=value ...", { placeholder: "key=value" }),
  yes: () => flag.is("Does not ask", { short: "y" }),
  noWait: () => flag.is("Does not wait for the end"),
  maxResults: () => flag.number("At most so many", { short: "r", placeholder: "count" }),
  allResults: () => flag.is("Without a limit", { hidden: true }),
  archivedOnly: () => flag.is("Only archived ones"),
  includeArchived: () => flag.is("Archived ones, too"),
  tag: () => flag.text("Only with this tag: key or key=value", { placeholder: "tag" }),
};

/** `archived` of a list's query. */
export function archivedQuery(given: { readonly archivedOnly: boolean; readonly includeArchived: boolean }) {
  if (given.archivedOnly) return { archived: "true" as const };
  return given.includeArchived ? { archived: "all" as const } : {};
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string | undefined;
}

/** Items over pages, up to `most`; says on stderr when there are more. */
export async function collect<T>(
  ctx: Ctx,
  most: number | undefined,
  page: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  const limit = most ?? Number.POSITIVE_INFINITY;
  const items: T[] = [];
  if (limit === 0) return items;
  // One more than asked for tells whether there is more.
  const size = Math.min(1000, limit + 1);
  for await (const item of itemsOf((cursor) => page({ limit: size, ...(cursor === undefined ? {} : { cursor }) }))) {
    if (items.length >= limit) {
      if (ctx.human) ctx.note(`only the first ${limit} are shown; \`--max-results\` shows more`);
      break;
    }
    items.push(item);
  }
  return items;
}

/** `blue=90 green=10`, also with commas and as several values. */
export function keyValues(what: string, texts: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of texts.flatMap((text) => text.split(/[\s,]+/)).filter((part) => part !== "")) {
    const at = part.indexOf("=");
    if (at <= 0) throw new AppError("InvalidArgument", `\`${part}\` in ${what} is not KEY=VALUE`);
    pairs[part.slice(0, at)] = part.slice(at + 1);
  }
  return pairs;
}

/** `--traffic "blue=90 green=10"`. */
export function trafficOf(texts: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(keyValues("--traffic", texts)).map(([name, value]) => {
      const percent = Number(value.replace(/%$/, ""));
      if (!/^\d{1,3}%?$/.test(value) || percent > 100) {
        throw new AppError("InvalidArgument", `traffic of \`${name}\` is \`${value}\`, not a whole percentage`, {
          hint: '`--traffic "blue=90 green=10"`',
        });
      }
      return [name, percent];
    }),
  );
}

/** Asks on a terminal; elsewhere the flag must say it. */
export async function confirm(ctx: Ctx, yes: boolean, question: string): Promise<void> {
  if (yes || !ctx.io.stdout.isTTY || !ctx.io.stderr.isTTY) return;
  const { createInterface } = await import("node:readline/promises");
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${question} (y/n) `, { signal: ctx.io.signal });
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new AppError("InvalidArgument", "nothing was done", { hint: "`--yes` does not ask" });
  } finally {
    prompt.close();
  }
}

/** `3 min ago`, for tables. */
export function ago(time: string | undefined, now = Date.now()): string {
  if (time === undefined) return "";
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : time.slice(0, 10);
}

/** Seconds between two times as `1 h 02 min`, `3 min 04 s`, `5.1 s`. */
export function duration(from: string | undefined, to: string | undefined): string {
  if (from === undefined) return "";
  const seconds = Math.max(0, (to === undefined ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
    : `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
