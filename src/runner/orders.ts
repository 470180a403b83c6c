import { pause } from "../client/retry.ts";
import { runner } from "../client/routes.ts";
import { isAppError } from "../contract/errors.ts";
import type { RunnerOrders, RunnerReport } from "../contract/runner.ts";
import type { Home } from "./home.ts";

/** What stops an attempt from outside. */
export type Stop =
  | { readonly kind: "cancel"; readonly reason: string }
  | { readonly kind: "superseded"; readonly reason: string }
  /** The machine is taken away: what can be saved is saved, and nothing final is said. */
  | { readonly kind: "interrupted"; readonly reason: string };

export interface Orders {
  /** Aborted, with a `Stop` as its reason, when the attempt shall end. */
  readonly stopped: AbortSignal;
  stop(order: Stop): void;
  /** Sends a report after those before it. Resolves when it is acknowledged. */
  report(report: Omit<RunnerReport, "attempt" | "at">): Promise<void>;
  /** Starts asking for orders until `end`. */
  listen(): void;
  end(): void;
}

const WAIT_MS = 20_000;
const ASK_MS = 5000;

/** The talk with the home about this attempt: reports out, orders in. */
export function openOrders(home: Home): Orders {
  const stopped = new AbortController();
  const ended = new AbortController();
  let reports: Promise<void> = Promise.resolve();

  function obey(orders: RunnerOrders): void {
    if (orders.superseded) stop({ kind: "superseded", reason: "another attempt has taken over" });
    else if (orders.cancel !== undefined) stop({ kind: "cancel", reason: orders.cancel.reason });
  }

  function stop(order: Stop): void {
    if (!stopped.signal.aborted) stopped.abort(order);
  }

  async function listen(): Promise<void> {
    while (!ended.signal.aborted && !stopped.signal.aborted) {
      const asked = performance.now();
      try {
        const orders = await home.until(
          () =>
            home.client.call(runner.heartbeat, {
              params: { workspace: home.workspace, run: home.run },
              query: { wait_ms: WAIT_MS },
              body: { attempt: home.attempt },
              signal: ended.signal,
            }),
          ended.signal,
        );
        obey(orders);
      } catch (error) {
        if (ended.signal.aborted) return;
        if (isGone(error)) stop({ kind: "superseded", reason: "the run is not known any more" });
      }
      // A home that does not wait, because it pays for its time, must not be flooded with questions.
      if (performance.now() - asked < 1000) await pause(ASK_MS, ended.signal).catch(() => {});
    }
  }

  return {
    stopped: stopped.signal,
    stop,
    report(report) {
      const body: RunnerReport = { ...report, attempt: home.attempt, at: new Date().toISOString() };
      const sent = reports.then(async () => {
        const params = { workspace: home.workspace, run: home.run };
        obey(await home.until(() => home.client.call(runner.report, { params, body })));
      });
      reports = sent.catch(() => {});
      return sent;
    },
    listen: () => void listen(),
    end: () => ended.abort(),
  };
}

/** The home knows this run no more, or no longer lets this runner speak for it. */
export function isGone(error: unknown): boolean {
  return isAppError(error) && ["NotFound", "Unauthenticated", "Forbidden"].includes(error.code);
}
