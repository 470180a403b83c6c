import { type DispatchDeps, dispatchJobs } from "../core/jobs/dispatch-jobs.ts";
import type { Nudge } from "../core/jobs/ports.ts";
import { reconcileJobs, tidyJobs } from "../core/jobs/reconcile-jobs.ts";
import type { Log } from "./part.ts";

const ROUND_MS = 2000;
const SOON_MS = 20;

/** Moves jobs on. */
export interface Mover {
  readonly nudge: Nudge;
  /** Has a round soon. */
  readonly look: () => void;
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface MoverOptions {
  readonly deps: (nudge: Nudge) => DispatchDeps;
  /** All places work can be in. */
  readonly computes: () => Promise<readonly { readonly workspace: string; readonly compute: string }[]>;
  readonly log: Log;
}

export type MakeMover = (options: MoverOptions) => Mover;

/**
 * Moves jobs on in a process that stays: at once when nudged, and in rounds that compare the record with the machine. The queue itself is durable, so a nudge that is lost
 * with the process is made up for by the first round of the next one.
 */
export const makeJobLoop: MakeMover = (options) => {
  const { log } = options;
  const deps = options.deps(nudge);
  const busy = new Map<string, { again: boolean; done: Promise<void> }>();
  let started = false;
  let closed = false;
  let running = false;
  let wanted = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  /** One dispatch at a time for each compute; a call meanwhile makes it look once more. */
  function nudge(workspace: string, compute: string): void {
    if (!started || closed) return;
    const key = `${workspace} ${compute}`;
    const under = busy.get(key);
    if (under !== undefined) {
      under.again = true;
      return;
    }
    const entry = { again: false, done: Promise.resolve() };
    busy.set(key, entry);
    entry.done = dispatch(workspace, compute).finally(() => {
      busy.delete(key);
      if (entry.again) nudge(workspace, compute);
    });
  }

  async function dispatch(workspace: string, compute: string): Promise<void> {
    try {
      await dispatchJobs(deps, workspace, compute);
    } catch (error) {
      log.fault("jobs could not be dispatched", error, { workspace, compute });
    }
  }

  async function runRound(): Promise<void> {
    const places = await options.computes();
    for (const { workspace, compute } of places) {
      try {
        await reconcileJobs(deps, workspace, compute);
      } catch (error) {
        log.fault("jobs could not be compared with their machine", error, { workspace, compute });
      }
      nudge(workspace, compute);
    }
    for (const workspace of new Set(places.map((place) => place.workspace))) await tidyJobs(deps, workspace);
  }

  function schedule(inMs: number): void {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = true;
      round = runRound()
        .catch((error: unknown) => log.fault("a round of the job loop failed", error))
        .finally(() => {
          running = false;
          schedule(wanted ? SOON_MS : ROUND_MS);
          wanted = false;
        });
    }, inMs);
    timer.unref();
  }

  function look(): void {
    if (running) wanted = true;
    else if (started) schedule(SOON_MS);
  }

  return {
    nudge,
    look,
    async start() {
      started = true;
      await runRound();
      schedule(ROUND_MS);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await round;
      await Promise.all([...busy.values()].map((entry) => entry.done));
    },
  };
};
