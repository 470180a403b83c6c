import type { Bus } from "../../src/core/ports/bus.ts";
import type { Timer } from "../../src/core/ports/timer.ts";
import { composeGc as compose } from "../../src/home/compose-gc.ts";
import { remindOf, subscribeGc } from "../../src/home/gc-messages.ts";
import type { Ground, Part } from "../../src/home/part.ts";
import type { Stores } from "../../src/home/stores.ts";
import { listWorkspaceNames } from "../../src/home/workspace-names.ts";

/** Garbage collection that messages move on. */
export function composeGc(
  ground: Ground,
  stores: Stores,
  { bus, timer }: { readonly bus: Pick<Bus, "send" | "subscribe">; readonly timer: Timer },
): Part {
  const { gc, routes = [] } = compose(ground, stores, { remind: (receipt) => remindOf(timer, receipt) });
  subscribeGc({ ...ground, bus, gc, workspaces: () => listWorkspaceNames(ground.table) });
  return { routes };
}
