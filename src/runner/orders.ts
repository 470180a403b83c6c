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

type Report = Omit<RunnerReport, "attempt" | "at" | "before">;

export interface Orders {
  /** Aborted, with a `Stop` as its reason, when the attempt shall end. */
  readonly stopped: AbortSignal;
  stop(order: Stop): void;
  /** Sends a report, with those that were noted and after those that were sent. Resolves when it is acknowledged. */
  report(report: Report): Promise<void>;
  /** A report that goes with the next, or soon. */
  note(report: Report): void;
  /** Starts asking for orders, soon, until `end`. */
  listen(): void;
  end(): void;
}

const WAIT_MS = 20_000;
const ASK_MS = 5000;
/** What lasts no longer is told in one go, and hears orders as the answer. */
const HOLD_MS = 50;
const LISTEN_AFTER_MS = 150;

/** The talk with the home about this attempt: reports out, orders in. */
export function openOrders(home: Home): Orders {
  const stopped = new AbortController();
  const ended = new AbortController();
  let reports: Promise<void> = Promise.resolve();
  let held: (Report & { readonly at: string })[] = [];
  let holding: NodeJS.Timeout | undefined;

  function obey(orders: RunnerOrders): void {
    if (orders.superseded) stop({ kind: "superseded", reason: "another attempt has taken over" });
    else if (orders.cancel !== undefined) stop({ kind: "cancel", reason: orders.cancel.reason });
  }

  function stop(order: Stop): void {
    if (!stopped.signal.aborted) stopped.abort(order);
  }

  async function listen(): Promise<void> {
    await pause(LISTEN_AFTER_MS, ended.signal).catch(() => {});
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

  function hold(report: Report): void {
    held.push({ ...report, at: new Date().toISOString() });
  }

  /** Sends what is held, after what is under way. */
  function send(): Promise<void> {
    clearTimeout(holding);
    holding = undefined;
    const sent = reports.then(async () => {
      const told = held;
      held = [];
      const last = told.at(-1);
      if (last === undefined) return;
      const body: RunnerReport = {
        ...last,
        attempt: home.attempt,
        ...(told.length === 1 ? {} : { before: told.slice(0, -1) }),
      };
      const params = { workspace: home.workspace, run: home.run };
      obey(await home.until(() => home.client.call(runner.report, { params, body })));
    });
    reports = sent.catch(() => {});
    return sent;
  }

  return {
    stopped: stopped.signal,
    stop,
    report(report) {
      hold(report);
      return send();
    },
    note(report) {
      hold(report);
      holding ??= setTimeout(() => void send().catch(() => {}), HOLD_MS);
    },
    listen: () => void listen(),
    end: () => ended.abort(),
  };
}

/** The home knows this run no more, or no longer lets this runner speak for it. */
export function isGone(error: unknown): boolean {
  return isAppError(error) && ["NotFound", "Unauthenticated", "Forbidden"].includes(error.code);
}
