import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { computes } from "../../client/routes.ts";
import { AppError, isAppError } from "../../contract/errors.ts";
import type { CommandJobSpec } from "../../contract/jobs.ts";
import { type IdleMonth, idleMonth, type PricedTemplate } from "../../contract/prices/idle-month.ts";
import { type RunShape, runPrice } from "../../contract/prices/run-price.ts";
import { command, flag, type Noun } from "../command.ts";
import { flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { secondsOf } from "../length-of-time.ts";
import { one } from "../output/shown.ts";
import { takeInJob } from "../take-in.ts";

const TEMPLATE = ".template.json";
const DISK_GB = 100;

const usd = (amount: number): string => `${amount.toFixed(amount < 10 ? 2 : 0)} USD`;

const idle = command({
  brief: "What the stacks of `cdk synth` cost in a month in which nobody uses them, stored bytes aside",
  flags: {},
  args: {
    brief: "Folder that `cdk synth` filled; default `cdk.out`",
    placeholder: "folder",
    many: false,
    optional: true,
  },
  run: async (ctx, _, [folder = "cdk.out"]) => {
    const month = idleMonth(templatesIn(resolve(ctx.io.cwd, folder)));
    if (month.unpriced.length > 0)
      ctx.warn(`without a price, so that the sum is too low: ${month.unpriced.join(", ")}`);
    return one(month, brief);
  },
});

function brief(month: IdleMonth): (readonly [string, unknown])[] {
  const lines = month.lines.map(({ stack, id, usd: each, why }) => [`${stack} ${id}`, `${usd(each)}  ${why}`] as const);
  return [
    ...lines,
    ["By list price", usd(month.listUsd)],
    ["After what AWS always gives", usd(month.usd)],
    ["Prices", `${month.region}, ${month.asOf}`],
  ];
}

function templatesIn(folder: string): Record<string, PricedTemplate> {
  const files = listed(folder).filter((name) => name.endsWith(TEMPLATE));
  if (files.length === 0) {
    throw new AppError("NotFound", `there is no template in \`${folder}\``, {
      hint: "`npx cdk synth --quiet` in the checkout makes them, in `cdk.out`",
    });
  }
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8")) as PricedTemplate;
  return Object.fromEntries(files.map((file) => [file.slice(0, -TEMPLATE.length), read(file)]));
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const run = command({
  brief: "What a job would cost in AWS before it starts: machines by the hour, up to the time it may take",
  flags: {
    file: flags.file(),
    set: flags.set(),
    size: flag.text(
      "EC2 type, like g5.xlarge; default: the file's `resources.instance_type`, or what its compute is made of",
      { placeholder: "type" },
    ),
    hours: flag.text("How long it takes, like 90m or 8h; default: the file's `limits.timeout`", {
      placeholder: "time",
    }),
    disk: flag.number(`GB of each machine's disk; default ${DISK_GB}`, { placeholder: "gb" }),
  },
  run: async (ctx, given) => {
    const { withoutUploads: spec } = await takeInJob(ctx, given.file, { set: given.set, name: undefined });
    if (spec.type !== "command") {
      throw new AppError(
        "NotSupported",
        `what a ${spec.type} job costs is not known before: ask for each of its commands`,
      );
    }
    const size = given.size ?? [spec.resources?.instance_type].flat()[0] ?? (await sizeOf(ctx, spec.compute));
    const shape = shapeOf(spec, { ...given, size });
    const price = runPrice(shape);
    if (price === undefined) {
      throw new AppError("InvalidArgument", `there is no price of \`${shape.machine}\` here`, {
        hint: "prices are of EC2 families m5 to m7i, c5 to c7i, r5 to r7i, g4dn, g5, g6, g6e, p3, p4d, p4de, p5, p5en: `--size g5.xlarge`",
      });
    }
    return one({ ...shape, ...price }, (it) => [
      ["Machines", `${it.machines} × ${it.machine}`],
      ["An hour", usd(it.usdPerHour)],
      [`${it.hours} hours`, usd(it.usd)],
      ["Prices", `${it.region}, ${it.asOf}, on demand; spot is usually 30 to 70% of it`],
    ]);
  },
});

/** Of a cluster that the home knows; undefined without a home, or for what has no size. */
async function sizeOf(ctx: Ctx, compute: string | undefined): Promise<string | undefined> {
  if (compute === undefined) return undefined;
  try {
    const { client, workspace } = await ctx.link();
    const name = compute.replace(/^azureml:/, "");
    const { settings } = await client.call(computes.get, { params: { workspace, name } });
    return typeof settings.size === "string" ? settings.size : undefined;
  } catch (error) {
    if (isAppError(error) && ["Unavailable", "NotFound", "Unauthenticated"].includes(error.code)) return undefined;
    throw error;
  }
}

function shapeOf(
  spec: CommandJobSpec,
  given: { readonly size: string | undefined; readonly hours: string | undefined; readonly disk: number | undefined },
): RunShape & { readonly machine: string } {
  const { resources, limits } = spec;
  const machine = given.size;
  if (machine === undefined) {
    throw new AppError("InvalidArgument", "neither the file nor `--size` says which machine it runs on");
  }
  const seconds = given.hours === undefined ? limits?.timeout : secondsOf("--hours", given.hours);
  if (seconds === undefined) {
    throw new AppError("InvalidArgument", "neither the file nor `--hours` says how long it takes", {
      hint: "`limits.timeout` in the file bounds it; or `--hours 8h`",
    });
  }
  return { machine, machines: resources?.instance_count ?? 1, hours: seconds / 3600, diskGb: given.disk ?? DISK_GB };
}

export const cost: Noun = {
  brief: "What AWS would bill: an idle month of the stacks, or a job before it starts",
  verbs: { idle, run },
};
