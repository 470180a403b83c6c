import type { GcItem, GcReceipt } from "../contract/gc.ts";
import { gc as routes } from "../contract/routes/gc.ts";
import type { Gc } from "../core/gc/gc.ts";
import type { Asked, Entry, Receipt, ReceiptStore } from "../core/gc/ports.ts";
import { implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { RawRoute } from "./raw-route.ts";

/** One call works for so long at most; who asked calls again until it is done. */
const BUDGET_MS = 10_000;
const SHOWN_ITEMS = 1000;

export function makeGcRoutes(deps: { readonly gc: Gc; readonly receipts: ReceiptStore }): RawRoute[] {
  const { gc, receipts } = deps;
  return [
    implement(routes.start, async ({ params: { workspace }, body, call }) => {
      const actor = call.principal.name;
      if (body.dry_run !== true) return view(await gc.start({ workspace, actor, budgetMs: BUDGET_MS }, body));
      return wouldView(await gc.look(workspace, body), actor);
    }),
    implement(routes.list, async ({ params: { workspace }, query }) =>
      answerPage(await receipts.list({ workspace, ...pageOf(query) }), view),
    ),
    implement(routes.get, async ({ params }) => view(await gc.get(params.workspace, params.receipt))),
    implement(routes.items, async ({ params: { workspace, receipt }, query }) => {
      await gc.get(workspace, receipt);
      return answerPage(await receipts.entries({ workspace, receipt, ...pageOf(query) }), itemView);
    }),
    implement(routes.advance, async ({ params: { workspace, receipt } }) =>
      view(await gc.advance({ workspace, budgetMs: BUDGET_MS }, receipt)),
    ),
    implement(routes.restore, async ({ params: { workspace, receipt }, call }) =>
      view(await gc.restore({ workspace, actor: call.principal.name, budgetMs: BUDGET_MS }, receipt)),
    ),
  ];
}

const time = (ms: number): string => new Date(ms).toISOString();

function view(receipt: Receipt): GcReceipt {
  const { id, state, by, atMs, asked, freesAtMs, endedMs, endedBy, totals, kept } = receipt;
  return {
    id,
    state,
    by,
    at: time(atMs),
    asked: askedView(asked),
    frees_at: time(freesAtMs),
    ...(endedMs === undefined ? {} : { ended_at: time(endedMs) }),
    ...(endedBy === undefined ? {} : { ended_by: endedBy }),
    totals,
    ...sums(totals),
    kept,
  };
}

/** A dry run in the form of a receipt. */
function wouldView({ atMs, asked, entries }: Awaited<ReturnType<Gc["look"]>>, by: string): GcReceipt {
  const going = entries.filter(({ state }) => state !== "kept");
  const totals = Object.fromEntries(
    [...Map.groupBy(going, ({ kind }) => kind)].map(([kind, of]) => {
      const sum = (field: "things" | "objects" | "bytes") => of.reduce((all, entry) => all + entry[field], 0);
      return [kind, { things: sum("things"), objects: sum("objects"), bytes: sum("bytes") }];
    }),
  ) as GcReceipt["totals"];
  return {
    id: "",
    state: "dry-run",
    by,
    at: time(atMs),
    asked: askedView(asked),
    frees_at: time(atMs + asked.graceMs),
    totals,
    ...sums(totals),
    kept: entries.length - going.length,
    items: entries.slice(0, SHOWN_ITEMS).map(itemView),
  };
}

function askedView(asked: Asked): GcReceipt["asked"] {
  return {
    older_than_sec: asked.olderThanMs / 1000,
    grace_sec: asked.graceMs / 1000,
    ...(asked.runIds === undefined ? {} : { run_ids: [...asked.runIds] }),
    ...(asked.experimentIds === undefined ? {} : { experiment_ids: [...asked.experimentIds] }),
    ...(asked.loggedModelIds === undefined ? {} : { logged_model_ids: [...asked.loggedModelIds] }),
  };
}

function sums(totals: GcReceipt["totals"]): { readonly objects: number; readonly bytes: number } {
  const all = Object.values(totals);
  return {
    objects: all.reduce((sum, { objects }) => sum + objects, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function itemView({ kind, id, state, reason, objects, bytes }: Entry): GcItem {
  return { kind, id, state, ...(reason === undefined ? {} : { reason }), objects, bytes };
}
