import { runner } from "../../client/routes.ts";
import type { Home } from "../home.ts";
import type { Orders } from "../orders.ts";

/** Exit code of a container that was ended from outside: the attempt has no last word, and what becomes of the run is the home's to say. */
export const INTERRUPTED = 75;

const ASK_MS = 5000;

/** A SIGTERM from outside: a cancel that the home pressed for, or the loss of the machine. Only the home knows. */
export function heedTermination(home: Home, orders: Orders): void {
  const onSignal = () => void learnWhy(home, orders);
  process
    .on("SIGTERM", onSignal)
    .on("SIGINT", onSignal)
    .on("SIGHUP", () => {});
}

/** Stops the attempt, for the reason that the home has for it, if any. */
export async function learnWhy(home: Home, orders: Orders): Promise<void> {
  try {
    const { cancel, superseded } = await home.client.call(runner.heartbeat, {
      params: { workspace: home.workspace, run: home.run },
      body: { attempt: home.attempt },
      signal: AbortSignal.timeout(ASK_MS),
    });
    if (superseded) orders.stop({ kind: "superseded", reason: "another attempt has taken over" });
    else if (cancel !== undefined) orders.stop({ kind: "cancel", reason: cancel.reason });
  } catch {
    // The home can't be asked; the machine still goes.
  }
  orders.stop({ kind: "interrupted", reason: "the machine was taken away" });
}
