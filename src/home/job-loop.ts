import { advance, reconcileComposite } from "../core/coordinator/advance.ts";
import { type HandsDeps, lookAtChildren } from "../core/coordinator/hands.ts";
import { type DispatchDeps, dispatchJobs } from "../core/jobs/dispatch-jobs.ts";
import type { Compose, Nudge } from "../core/jobs/ports.ts";
import { reconcileJobs, tidyJobs } from "../core/jobs/reconcile-jobs.ts";
import { advanceDeps } from "./deciding.ts";
import type { Log } from "./part.ts";

const ROUND_MS = 2000;
const SOON_MS = 20;
/** Rounds from one that compares composites with their children to the next. */
const DEEP_ROUNDS = 10;

/** Moves jobs on. */
export interface Mover {
  readonly nudge: Nudge;
  readonly compose: Compose;
  /** Has a round soon. */
  readonly look: () => void;
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface MoverOptions {
  readonly deps: (tell: Tell) => MoverDeps;
  /** Those that are not deleted. */
  readonly workspaces: () => Promise<readonly string[]>;
  /** All places work can be in. */
  readonly computes: () => Promise<readonly { readonly workspace: string; readonly compute: string }[]>;
  readonly log: Log;
}

/** Whom jobs tell what happened to them. */
export type Tell = Pick<HandsDeps, "nudge" | "compose" | "remind">;
export type MoverDeps = DispatchDeps & Omit<HandsDeps, "remind">;

export type MakeMover = (options: MoverOptions) => Mover;

/**
 * Moves jobs on in a process that stays: at once when nudged, and in rounds that compare the record with the machine. The queue itself is durable, so a nudge that is lost
 * with the process is made up for by the first round of the next one.
 */
export const makeJobLoop: MakeMover = (options) => {
  const { log } = options;
  const tell = { nudge, compose, remind };
  const deps = options.deps(tell);
  const deciding = advanceDeps({ ...deps, ...tell });
  const busy = new Map<string, { again: boolean; done: Promise<void> }>();
  let started = false;
  let closed = false;
  let running = false;
  let wanted = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();
  let rounds = 0;
  const timers = new Map<string, NodeJS.Timeout>();

  /** One dispatch at a time for each compute; a call meanwhile makes it look once more. */
  function nudge(workspace: string, compute: string, job?: string): void {
    if (job !== undefined) look();
    oneAtATime(`${workspace} ${compute}`, () => dispatch(workspace, compute));
  }

  function oneAtATime(key: string, work: () => Promise<void>): void {
    if (!started || closed) return;
    const under = busy.get(key);
    if (under !== undefined) {
      under.again = true;
      return;
    }
    const entry = { again: false, done: Promise.resolve() };
    busy.set(key, entry);
    entry.done = work().finally(() => {
      busy.delete(key);
      if (entry.again) oneAtATime(key, work);
    });
  }

  /** One decision at a time for each composite; what happens meanwhile is its next. */
  function compose(workspace: string, composite: string): void {
    oneAtATime(`${workspace} ${composite} #`, () => decide(workspace, composite));
  }

  async function decide(workspace: string, composite: string, isRound = false): Promise<void> {
    try {
      if (isRound) await reconcileComposite(deciding, workspace, composite);
      else await advance(deciding, workspace, composite);
    } catch (error) {
      log.fault("a composite job could not be moved on", error, { workspace, job: composite });
    }
  }

  /** Asked for again by each round, as a timer is lost with its process. */
  function remind(workspace: string, composite: string, atMs: number): void {
    const key = `${workspace} ${composite} ${atMs}`;
    if (timers.has(key)) return;
    const timer = setTimeout(
      () => {
        timers.delete(key);
        lookAtChildren(deps, workspace, composite, atMs)
          .then(() => compose(workspace, composite))
          .catch((error: unknown) =>
            log.fault("children could not be looked at", error, { workspace, job: composite }),
          );
      },
      Math.max(0, atMs - deps.clock.now()),
    );
    timer.unref();
    timers.set(key, timer);
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
    const isDeep = rounds++ % DEEP_ROUNDS === 0;
    for (const workspace of await options.workspaces()) {
      await tidyJobs(deps, workspace);
      for (const composite of await deps.jobs.openComposites(workspace)) {
        if (isDeep) oneAtATime(`${workspace} ${composite} #`, () => decide(workspace, composite, true));
        else compose(workspace, composite);
      }
    }
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
    compose,
    look,
    async start() {
      started = true;
      await runRound();
      schedule(ROUND_MS);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      for (const waiting of timers.values()) clearTimeout(waiting);
      await round;
      await Promise.all([...busy.values()].map((entry) => entry.done));
    },
  };
};
