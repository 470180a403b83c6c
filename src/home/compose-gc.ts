import { makeGcRoutes } from "../api/gc.ts";
import { GC_LIMITS, type GcLimits } from "../core/gc/deps.ts";
import { type Gc, makeGc } from "../core/gc/gc.ts";
import type { Receipt } from "../core/gc/ports.ts";
import { freeWorkspaces } from "../core/workspaces/delete-workspace.ts";
import { openReceiptStore } from "../store/gc.ts";
import { snapshotKeys } from "../store/run-snapshots.ts";
import { openSweepStore } from "../store/sweep.ts";
import { openTrash } from "../store/trash.ts";
import type { Ground, Part } from "./part.ts";
import type { Stores } from "./stores.ts";
import { listWorkspaceNames } from "./workspace-names.ts";

const ROUND_MS = 60_000;
const SOON_MS = 1000;
const BUDGET_MS = 60_000;

/** Garbage collection. `start` runs what is due in rounds; a home without it goes on when it is asked to, or by messages (gc-messages.ts), of which `remind` sends one. */
export function composeGc(
  ground: Ground,
  stores: Stores,
  {
    limits = GC_LIMITS,
    remind,
  }: { readonly limits?: GcLimits; readonly remind?: (receipt: Receipt) => Promise<void> } = {},
): Part & { readonly gc: Gc } {
  const receipts = openReceiptStore(ground);
  const gc = makeGc({
    ...ground,
    ...stores,
    search: stores.runIndex,
    receipts,
    trash: openTrash(ground),
    sweeps: openSweepStore(ground),
    limits,
    ...(remind === undefined ? {} : { remind: (receipt: Receipt) => remind(receipt).catch(noteUnset) }),
    dropIndex: (workspace, ids) => ground.objects.delete(snapshotKeys(workspace, ids)),
  });
  /** The next round finds it. */
  const noteUnset = (error: unknown) => ground.log.fault("gc could not be reminded of a receipt", error);
  let timer: NodeJS.Timeout | undefined;
  let round = Promise.resolve();
  let closed = false;

  async function runRound(): Promise<void> {
    await freeWorkspaces({ ...ground, ...stores }).catch((error: unknown) =>
      ground.log.fault("a deleted workspace could not be freed", error),
    );
    for (const workspace of await listWorkspaceNames(ground.table)) {
      if (closed) return;
      try {
        await gc.retain({ workspace, budgetMs: BUDGET_MS });
      } catch (error) {
        ground.log.fault("a workspace's retention could not be kept", error, { workspace });
      }
    }
    for (const { workspace, id } of await gc.due()) {
      if (closed) return;
      try {
        await gc.advance({ workspace, budgetMs: BUDGET_MS }, id);
      } catch (error) {
        ground.log.fault("gc could not go on", error, { workspace, receipt: id });
      }
    }
  }

  function schedule(inMs: number): void {
    if (closed) return;
    timer = setTimeout(() => {
      round = runRound()
        .catch((error: unknown) => ground.log.fault("a round of gc failed", error))
        .finally(() => schedule(ROUND_MS));
    }, inMs);
    timer.unref();
  }

  return {
    gc,
    routes: makeGcRoutes({ gc, receipts }),
    start: () => schedule(SOON_MS),
    async close() {
      closed = true;
      clearTimeout(timer);
      await round;
    },
  };
}
