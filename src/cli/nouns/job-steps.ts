import { pause } from "../../client/retry.ts";
import { jobs } from "../../client/routes.ts";
import type { Job } from "../../contract/jobs.ts";
import { FINAL_STATUSES } from "../../contract/names.ts";
import type { StepState } from "../../contract/pipelines.ts";
import { command } from "../command.ts";
import { duration, flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import type { Out } from "../io.ts";
import { one, type Shown, text } from "../output/shown.ts";
import { tableText } from "../output/table.ts";

/** A step with where it stands: `train`, and `outer/train` of a pipeline that is a step. */
export interface Part extends Omit<StepState, "after"> {
  readonly path: string;
  /** Paths. */
  readonly after: readonly string[];
}

/** Pipelines in pipelines, shown this deep. */
const DEPTH = 4;
/** How often it is asked how far the steps are: at first, and later. That the job has ended is told at once. */
const SOON_MS = 250;
const SOON_ROUNDS = 20;
const LATER_MS = 1000;
const LATEST_MS = 5000;
/** Lines that are drawn over again on a terminal; more are told as they change. */
const LINES = 40;

/** The parts of a composite job, and theirs, each before its own parts. */
export async function partsOf(ctx: Ctx, name: string, prefix = "", depth = 0): Promise<readonly Part[]> {
  const { client, workspace } = await ctx.link();
  const { items } = await client.call(jobs.steps, { params: { workspace, name }, signal: ctx.io.signal });
  const parts = await Promise.all(
    items.map(async (item): Promise<readonly Part[]> => {
      const path = `${prefix}${item.key}`;
      const part = { ...item, path, after: item.after.map((key) => `${prefix}${key}`) };
      const isNested = item.job !== undefined && ["pipeline", "sweep", "parallel"].includes(item.type);
      if (!isNested || item.job === undefined || depth >= DEPTH) return [part];
      return [part, ...(await partsOf(ctx, item.job, `${path}/`, depth + 1))];
    }),
  );
  return parts.flat();
}

/** What became of a part, in a few words. */
function wordState(part: Part): string {
  if (part.reused_from !== undefined) return `reused from ${part.reused_from}`;
  const why = part.status === "Running" && part.started_at !== undefined ? undefined : part.status_reason;
  return [part.note, why].filter((words) => words !== undefined).join("; ");
}

const rowOf = (part: Part): string[] => [
  part.path,
  part.reused_from === undefined ? part.status : "Reused",
  duration(part.started_at, part.ended_at),
  wordState(part),
];

/** Tells of a composite job's steps until it has ended: drawn over again on a terminal, a line for each change elsewhere. */
export async function followParts(ctx: Ctx, name: string, out: Out): Promise<Job> {
  const { client, workspace } = await ctx.link();
  const tell = out.isTTY ? makeDrawing(out) : makeLines(out);
  const params = { workspace, name };
  const { signal } = ctx.io;
  let job = await client.call(jobs.get, { params, query: {}, signal });
  for (let round = 0; ; round++) {
    const parts = await partsOf(ctx, name);
    tell(parts);
    const { status } = job;
    if (FINAL_STATUSES.includes(status)) return job;
    const waitMs = round < SOON_ROUNDS ? SOON_MS : Math.min(LATEST_MS, LATER_MS + parts.length);
    const asked = performance.now();
    job = await client.call(jobs.get, { params, query: { wait_ms: waitMs, unless_status: status }, signal });
    // A home where nobody can wait answers at once.
    const left = waitMs - (performance.now() - asked);
    if (job.status === status && left > 0) await pause(left, signal);
  }
}

function makeDrawing(out: Out): (parts: readonly Part[]) => void {
  let drawn = 0;
  const lines = makeLines(out);
  return (parts) => {
    if (parts.length > LINES) {
      lines(parts);
      return;
    }
    const drawing = tableText(["Step", "Status", "Took", ""], parts.map(rowOf), out.columns);
    out.write(`${drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`}${drawing}`);
    drawn = drawing.split("\n").length - 1;
  };
}

function makeLines(out: Out): (parts: readonly Part[]) => void {
  const told = new Map<string, string>();
  return (parts) => {
    for (const part of parts) {
      const state = `${part.status} ${part.reused_from ?? ""}`;
      if (part.status === "Waiting" || told.get(part.path) === state) continue;
      told.set(part.path, state);
      const at = (part.ended_at ?? part.started_at ?? new Date().toISOString()).slice(11, 19);
      const [path = "", status = "", took = "", why = ""] = rowOf(part);
      const more = [took, why].filter((word) => word !== "").join(", ");
      out.write(`${at}  ${path}  ${status}${more === "" ? "" : `  (${more})`}\n`);
    }
  };
}

/** Labels and texts of parts, for what is shown of their job. */
export function briefOfParts(parts: readonly Part[]): (readonly [string, string])[] {
  return parts.map((part) => {
    const [path = "", ...words] = rowOf(part);
    return [`Step ${path}`, words.filter((word) => word !== "").join(", ")] as const;
  });
}

export const graph = command({
  brief: "Draw a pipeline: its steps under those they wait for",
  flags: { name: flags.name("job") },
  run: async (ctx, { name }): Promise<Shown> => {
    const parts = await partsOf(ctx, name);
    return ctx.human ? text(drawGraph(parts)) : one({ name, steps: parts });
  },
});

/** A tree: each step stands under the last of those it waits for, and names the others. */
export function drawGraph(parts: readonly Part[]): string {
  const under = new Map<string, Part[]>();
  const known = new Set(parts.map((part) => part.path));
  const depths = depthsOf(parts);
  for (const part of parts) {
    const nested = part.path.slice(0, Math.max(0, part.path.lastIndexOf("/")));
    const waits = part.after.filter((path) => known.has(path));
    const last = waits.reduce((deepest, path) => {
      return (depths.get(path) ?? 0) > (depths.get(deepest) ?? -1) ? path : deepest;
    }, "");
    const parent = last === "" ? nested : last;
    under.set(parent, [...(under.get(parent) ?? []), part]);
  }
  const lines: string[] = [];
  const draw = (parent: string, indent: string): void => {
    const children = under.get(parent) ?? [];
    for (const [i, part] of children.entries()) {
      const isLast = i === children.length - 1;
      const others = part.after.filter((path) => path !== parent);
      const also = others.length === 0 ? "" : `  (after ${others.join(", ")}, too)`;
      const branch = parent === "" ? "" : isLast ? "└─ " : "├─ ";
      lines.push(`${indent}${branch}${part.path}  ${rowOf(part).slice(1, 3).join(" ").trim()}${also}`);
      draw(part.path, parent === "" ? "" : `${indent}${isLast ? "   " : "│  "}`);
    }
  };
  draw("", "");
  return `${lines.join("\n")}\n`;
}

/** Steps on the longest way to each. */
function depthsOf(parts: readonly Part[]): ReadonlyMap<string, number> {
  const byPath = new Map(parts.map((part) => [part.path, part]));
  const depths = new Map<string, number>();
  const depthOf = (path: string): number => {
    const found = depths.get(path);
    if (found !== undefined) return found;
    const part = byPath.get(path);
    if (part === undefined) return -1;
    const depth = 1 + Math.max(-1, ...part.after.map(depthOf));
    depths.set(path, depth);
    return depth;
  };
  for (const { path } of parts) depthOf(path);
  return depths;
}
