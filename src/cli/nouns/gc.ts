import { gc as routes } from "../../client/routes.ts";
import type { GcItem, GcReceipt, GcRequest } from "../../contract/gc.ts";
import { command, flag, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { secondsOf } from "../length-of-time.ts";
import { type Column, list, one, type Shown } from "../output/shown.ts";
import { bytesText } from "../progress.ts";

const WORK: readonly GcReceipt["state"][] = ["collecting", "freeing", "restoring"];
const KINDS: Readonly<Record<GcItem["kind"], string>> = {
  run: "runs",
  experiment: "experiments",
  logged_model: "logged models",
  upload: "unfinished uploads",
  tree: "code or data trees",
  blob: "files nobody names",
};

const RECEIPTS: readonly Column<GcReceipt>[] = [
  { head: "Receipt", of: (it) => it.id },
  { head: "State", of: (it) => it.state },
  { head: "Objects", of: (it) => it.objects },
  { head: "Bytes", of: (it) => bytesText(it.bytes) },
  { head: "Kept", of: (it) => it.kept || "" },
  { head: "By", of: (it) => it.by },
  { head: "At", of: (it) => ago(it.at) },
  { head: "Frees", of: (it) => (it.state === "trash" ? it.frees_at : "") },
];
const ITEMS: readonly Column<GcItem>[] = [
  { head: "Kind", of: (it) => it.kind },
  { head: "Id", of: (it) => it.id },
  { head: "State", of: (it) => it.state },
  { head: "Objects", of: (it) => it.objects },
  { head: "Bytes", of: (it) => bytesText(it.bytes) },
  { head: "Why", of: (it) => it.reason },
];

/** `12 runs, 3 experiments`. */
function thingsText({ totals }: GcReceipt): string {
  const parts = Object.entries(totals).map(([kind, { things }]) => `${things} ${KINDS[kind as GcItem["kind"]]}`);
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function whatNext({ id, state, frees_at }: GcReceipt): string {
  switch (state) {
    case "dry-run":
      return "nothing was done: this is what would go";
    case "trash":
      return `its bytes go at ${frees_at}; \`yard gc restore ${id}\` brings it back until then`;
    case "freed":
      return "gone for good";
    case "restored":
      return "back, deleted as it was: MLflow's restore makes it active";
    default:
      return `not done yet: \`yard gc continue ${id}\` goes on`;
  }
}

function shown(receipt: GcReceipt): Shown {
  return one(receipt, (it) => [
    ["Receipt", it.id || "none"],
    ["State", it.state],
    ["Things", thingsText(it)],
    ["Objects", `${it.objects}, ${bytesText(it.bytes)}`],
    ["Kept", it.kept === 0 ? "nothing" : `${it.kept}${it.id === "" ? "" : `; \`yard gc items ${it.id}\` says why`}`],
    ["Next", whatNext(it)],
  ]);
}

/** Asks the home to go on until there is nothing left to do for now. */
async function settle(ctx: Ctx, first: GcReceipt): Promise<GcReceipt> {
  const { client, workspace } = await ctx.link();
  const progress = ctx.progress(`gc ${first.id}`);
  let receipt = first;
  try {
    while (WORK.includes(receipt.state)) {
      progress.update(`${receipt.state}: ${thingsText(receipt)}, ${bytesText(receipt.bytes)}`);
      receipt = await client.call(routes.advance, { params: { workspace, receipt: receipt.id } });
    }
  } finally {
    progress.end();
  }
  return receipt;
}

function idsOf(text: string | undefined): string[] | undefined {
  const ids = text?.split(",").map((id) => id.trim());
  return ids?.filter((id) => id !== "");
}

interface Given {
  readonly olderThan: string | undefined;
  readonly grace: string | undefined;
  readonly runIds: string | undefined;
  readonly experimentIds: string | undefined;
  readonly loggedModelIds: string | undefined;
}

function requestOf({ olderThan, grace, ...given }: Given): GcRequest {
  const ids = {
    run_ids: idsOf(given.runIds),
    experiment_ids: idsOf(given.experimentIds),
    logged_model_ids: idsOf(given.loggedModelIds),
  };
  return {
    ...(olderThan === undefined ? {} : { older_than_sec: secondsOf("--older-than", olderThan) }),
    ...(grace === undefined ? {} : { grace_sec: secondsOf("--grace", grace) }),
    ...Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== undefined)),
  };
}

const RECEIPT = { brief: "Receipt of an earlier call", placeholder: "receipt" };

export const gc: Noun = {
  brief: "Free what is deleted, with a receipt; alone it is `yard gc run`",
  bare: "run",
  verbs: {
    run: command({
      brief:
        "Move deleted runs, experiments and logged models to the trash, from where their bytes go after the grace period; without ids also files that nothing names",
      flags: {
        olderThan: flag.text("Only what was deleted longer ago: 30d, 2d8h5m20s", { placeholder: "time" }),
        grace: flag.text("How long it can be restored: default 7d, at least 5m", { placeholder: "time" }),
        runIds: flag.text("Only these deleted runs, separated by commas", { placeholder: "ids" }),
        experimentIds: flag.text("Only these deleted experiments, with all in them", { placeholder: "ids" }),
        loggedModelIds: flag.text("Only these deleted logged models", { placeholder: "ids" }),
        dryRun: flag.is("Tells what would go, and changes nothing"),
        yes: flags.yes(),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const request = requestOf(given);
        const params = { workspace };
        const look = () => client.call(routes.start, { params, body: { ...request, dry_run: true } });
        if (given.dryRun) return shown(await look());
        if (!given.yes && ctx.io.stdout.isTTY) {
          const would = await look();
          const what = `${thingsText(would)} (${would.objects} objects, ${bytesText(would.bytes)})`;
          await confirm(
            ctx,
            false,
            `move ${what} to the trash of workspace ${workspace}, and free it at ${would.frees_at}?`,
          );
        }
        return shown(await settle(ctx, await client.call(routes.start, { params, body: request })));
      },
    }),
    list: command({
      brief: "Receipts, newest first",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const ask = (query: { limit: number; cursor?: string }) =>
          client.call(routes.list, { params: { workspace }, query });
        return list(await collect(ctx, given.maxResults ?? 100, ask), RECEIPTS);
      },
    }),
    show: command({
      brief: "One receipt",
      args: RECEIPT,
      run: async (ctx, _, [receipt = ""]) => {
        const { client, workspace } = await ctx.link();
        return shown(await client.call(routes.get, { params: { workspace, receipt } }));
      },
    }),
    items: command({
      brief: "What a receipt is about, thing by thing, and why some of it stays",
      args: RECEIPT,
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, given, [receipt = ""]) => {
        const { client, workspace } = await ctx.link();
        const params = { workspace, receipt };
        const ask = (query: { limit: number; cursor?: string }) => client.call(routes.items, { params, query });
        return list(await collect(ctx, given.maxResults, ask), ITEMS);
      },
    }),
    restore: command({
      brief: "Bring back all that a receipt has in the trash",
      args: RECEIPT,
      run: async (ctx, _, [receipt = ""]) => {
        const { client, workspace } = await ctx.link();
        const params = { workspace, receipt };
        return shown(await settle(ctx, await client.call(routes.restore, { params })));
      },
    }),
    continue: command({
      brief: "Go on with what a receipt has left to do, also when its grace period is over",
      args: RECEIPT,
      run: async (ctx, _, [receipt = ""]) => {
        const { client, workspace } = await ctx.link();
        const params = { workspace, receipt };
        return shown(await settle(ctx, await client.call(routes.advance, { params })));
      },
    }),
  },
};
