import { askToDelete } from "../core/endpoints/delete-deployment.ts";
import { DELETE_TOPIC, SETTLE_TOPIC } from "../core/endpoints/ports.ts";
import { askToSettle } from "../core/endpoints/put-deployment.ts";
import type { DeploymentId } from "../core/endpoints/record.ts";
import { type SettleDeps, settleDeletedEndpoint, settleDeployment } from "../core/endpoints/settle-deployment.ts";
import type { Bus, Delivery } from "../core/ports/bus.ts";

/** What takes its time is looked at again after so long; looks of one time are one message. */
const LATER_SEC = 5;
const SLOT_SEC = 5;

export interface Settling {
  /** Asks for all that is left to do: what messages that were lost would have moved on. */
  resume(): Promise<void>;
}

/** Deployments move on by messages: whoever gets one takes the next steps, and asks for another look where those take their time. */
export function settleByMessages(
  bus: Pick<Bus, "send" | "subscribe">,
  deps: SettleDeps,
  signal: AbortSignal,
): Settling {
  function slot(inSec: number): { readonly cause: string; readonly delaySec: number } {
    const nowSec = deps.clock.now() / 1000;
    const atSec = Math.ceil((nowSec + inSec) / SLOT_SEC) * SLOT_SEC;
    return { cause: `at.${atSec}`, delaySec: Math.max(0, Math.round(atSec - nowSec)) };
  }

  bus.subscribe(SETTLE_TOPIC, async (message) => {
    const id = idIn(message);
    if ((await settleDeployment(deps, id, signal)) === "settled") return;
    const { cause, delaySec } = slot(LATER_SEC);
    await askToSettle({ bus }, id, cause, delaySec);
  });
  bus.subscribe(DELETE_TOPIC, async (message) => {
    const where = idIn(message);
    if ((await settleDeletedEndpoint(deps, where, signal)) === "settled") return;
    const { cause, delaySec } = slot(LATER_SEC);
    await askToDelete({ bus }, where, cause, delaySec);
  });

  return {
    async resume() {
      const cause = `resume.${deps.clock.now()}`;
      for (const id of await deps.endpoints.unsettled()) await askToSettle({ bus }, id, cause);
      for (const where of await deps.endpoints.deleting()) await askToDelete({ bus }, where, cause);
    },
  };
}

function idIn({ body }: Delivery): DeploymentId {
  return {
    workspace: String(body.workspace),
    endpoint: String(body.endpoint),
    deployment: String(body.deployment),
  };
}
