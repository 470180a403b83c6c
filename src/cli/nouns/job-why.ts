import { jobs } from "../../client/routes.ts";
import { AppError } from "../../contract/errors.ts";
import type { KeyDifference, StepReuse } from "../../contract/reuse.ts";
import { command, flag } from "../command.ts";
import type { Ctx } from "../context.ts";
import { type Column, list } from "../output/shown.ts";

type Why = StepReuse & { readonly path: string };

/** Pipelines in pipelines, looked into this deep. */
const DEPTH = 4;
const TEXT = 60;
const PAGE = 200;

const COLUMNS: readonly Column<Why>[] = [
  { head: "Step", of: (it) => it.path },
  { head: "Result", of: (it) => (it.reused_from === undefined ? "ran" : `reused from ${it.reused_from}`) },
  { head: "First difference", of: wordWhy },
  { head: "From job", of: (it) => it.nearest },
];

export const why = command({
  brief: "Why a step ran and was not reused: what differs first from the earlier run that is most like it",
  flags: {
    name: flag.text("Name of the job, a pipeline or a step's; default: the pipeline submitted last", {
      short: "n",
      placeholder: "name",
    }),
    step: flag.text("Only this step of the pipeline", { placeholder: "step" }),
  },
  run: async (ctx, { name: given, step }) => {
    const name = given ?? (await lastPipeline(ctx));
    const all = await whysOf(ctx, name, "", 0);
    const wanted = step === undefined ? all : all.filter(({ path }) => path === step || path.startsWith(`${step}#`));
    if (step !== undefined && wanted.length === 0) {
      const names = all.map(({ path }) => `\`${path}\``).join(", ");
      throw new AppError("NotFound", `job \`${name}\` has no step \`${step}\` with a job`, {
        hint: names === "" ? "none of its steps has begun" : `it has ${names}`,
      });
    }
    return list(wanted, COLUMNS);
  },
});

async function lastPipeline(ctx: Ctx): Promise<string> {
  const { client, workspace } = await ctx.link();
  let cursor: string | undefined;
  do {
    const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page = await client.call(jobs.list, { params: { workspace }, query, signal: ctx.io.signal });
    const last = page.items.find((job) => job.type === "pipeline" && job.step === undefined);
    if (last !== undefined) return last.name;
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  throw new AppError("NotFound", `workspace \`${workspace}\` has no pipeline`, { hint: "name the job with --name" });
}

async function whysOf(ctx: Ctx, name: string, prefix: string, depth: number): Promise<readonly Why[]> {
  const { client, workspace } = await ctx.link();
  const { items } = await client.call(jobs.reuse, { params: { workspace, name }, signal: ctx.io.signal });
  const found = await Promise.all(
    items.map(async (item): Promise<readonly Why[]> => {
      const path = `${prefix}${item.key}`;
      const isNested = item.type === "pipeline" && item.job !== name && depth < DEPTH;
      return isNested ? whysOf(ctx, item.job, `${path}/`, depth + 1) : [{ ...item, path }];
    }),
  );
  return found.flat();
}

function wordWhy({ reason, differences }: StepReuse): string {
  const [first] = differences;
  if (first === undefined) return reason ?? "";
  const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : "";
  return `${wordDifference(first)}${more}`;
}

function wordDifference({ part, before, after, files }: KeyDifference): string {
  if (files !== undefined && files.length > 0) return `${part}: ${files.join(", ")}`;
  if (before === undefined) return `${part} is new: ${short(after)}`;
  if (after === undefined) return `${part} is not there any more: ${short(before)}`;
  return `${part}: ${short(before)} -> ${short(after)}`;
}

/** Hashes are known by their beginning; of a long text the beginning says little, and it is in the answer for programs. */
function short(text = ""): string {
  const line = text.replaceAll(/[0-9a-f]{40,}/g, (hash) => hash.slice(0, 12)).replaceAll(/\s+/g, " ");
  return line.length > TEXT ? `${line.slice(0, TEXT)}…` : line;
}
