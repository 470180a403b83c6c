import { advance, reconcileComposite } from "../core/coordinator/advance.ts";
import { lookAtChildren } from "../core/coordinator/hands.ts";
import { type DispatchDeps, dispatchJobs } from "../core/jobs/dispatch-jobs.ts";
import type { Compose, Nudge } from "../core/jobs/ports.ts";
import { reconcileJob, reconcileJobs, tidyJobs } from "../core/jobs/reconcile-jobs.ts";
import type { Bus, Message } from "../core/ports/bus.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Turns } from "../store/turns.ts";
import { advanceDeps } from "./compose-composites.ts";
import type { MakeMover, MoverOptions } from "./job-loop.ts";

export const TOPICS = {
  dispatch: "jobs.dispatch",
  attempt: "jobs.attempt",
  compose: "jobs.compose",
  round: "jobs.round",
} as const;

/** Rounds while jobs are under way, and while one of them waits for its image or could not be launched yet. */
const ROUND_SEC = 120;
const SOON_SEC = 15;

/**
 * Moves jobs on in functions that live as long as a message: a nudge is a message, whoever gets it dispatches; the service's events are messages too,
 * and what they fail to tell is found by rounds, which go on by themselves while any job is under way.
 */
export function makeBusMover(options: {
  readonly bus: Pick<Bus, "send" | "subscribe">;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Which run an event of the service that runs attempts is about; undefined where it is none of ours. */
  readonly runOf: (body: Message["body"]) => Promise<{ readonly workspace: string; readonly run: string } | undefined>;
}): {
  readonly make: MakeMover;
  /** Sends what was nudged since. A function calls it before it ends. */
  settle(): Promise<void>;
} {
  const { bus, turns, clock, ids, runOf } = options;
  let wanted = new Map<string, Message["body"]>();
  let composed = new Map<string, Message["body"]>();
  let looks = new Map<string, Message["body"] & { readonly atMs: number }>();
  let rounds = new Set<number>();

  const nudge: Nudge = (workspace, compute, job) => {
    const body = { workspace, compute, ...(job === undefined ? {} : { job }) };
    wanted.set(JSON.stringify(body), body);
    rounds.add(ROUND_SEC);
  };

  const compose: Compose = (workspace, composite) => {
    composed.set(`${workspace} ${composite}`, { workspace, composite });
    rounds.add(ROUND_SEC);
  };

  function remind(workspace: string, composite: string, atMs: number): void {
    looks.set(`${workspace} ${composite} ${atMs}`, { workspace, composite, atMs });
  }

  /** Rounds of one time are one message, however often they are asked for. */
  async function sendRound(inSec: number): Promise<void> {
    const nowSec = clock.now() / 1000;
    const atSec = Math.ceil((nowSec + inSec) / SOON_SEC) * SOON_SEC;
    const message = { topic: TOPICS.round, id: `at.${atSec}`, body: {} };
    await bus.send([message], { delaySec: Math.max(0, Math.round(atSec - nowSec)) });
  }

  function subscribe({ deps: makeDeps, computes, workspaces, log }: MoverOptions): void {
    const tell = { nudge, compose, remind };
    const deps = makeDeps(tell);
    const deciding = advanceDeps({ ...deps, ...tell });
    const decide = (workspace: string, composite: string, isRound: boolean): Promise<void> =>
      turns.take(`${TOPICS.compose} ${workspace} ${composite}`, async () => {
        if (isRound) await reconcileComposite(deciding, workspace, composite);
        else await advance(deciding, workspace, composite);
      });
    bus.subscribe(TOPICS.compose, async ({ body }) => {
      const { workspace, composite, atMs } = body as { workspace: string; composite: string; atMs?: number };
      if (atMs !== undefined) await lookAtChildren(deps, workspace, composite, atMs);
      await decide(workspace, composite, false);
    });

    bus.subscribe(TOPICS.dispatch, async ({ body }) => {
      const { workspace, compute, job } = body as { workspace: string; compute: string; job?: string };
      if (job !== undefined) {
        await reconcileJob(deps, workspace, job);
        return;
      }
      await turns.take(turnOf(workspace, compute), async () => {
        if ((await dispatchJobs(deps, workspace, compute)) > 0) rounds.add(SOON_SEC);
      });
    });

    bus.subscribe(TOPICS.attempt, async ({ body }) => {
      const about = await runOf(body);
      if (about !== undefined) await reconcileJob(deps, about.workspace, about.run);
    });

    bus.subscribe(TOPICS.round, async () => {
      const places = await computes();
      for (const { workspace, compute } of places) {
        // What is wrong with one compute must neither keep others waiting nor end the rounds.
        await lookAt(deps, workspace, compute).catch((error: unknown) => {
          log.fault("jobs could not be moved on", error, { workspace, compute });
          rounds.add(ROUND_SEC);
        });
      }
      for (const workspace of await workspaces()) {
        await tidyJobs(deps, workspace);
        for (const composite of await deps.jobs.openComposites(workspace)) {
          rounds.add(ROUND_SEC);
          await decide(workspace, composite, true).catch((error: unknown) =>
            log.fault("a composite job could not be moved on", error, { workspace, job: composite }),
          );
        }
      }
    });
  }

  function lookAt(deps: DispatchDeps, workspace: string, compute: string): Promise<void> {
    return turns.take(turnOf(workspace, compute), async () => {
      const { held, unlaunched } = await reconcileJobs(deps, workspace, compute);
      const begun = await dispatchJobs(deps, workspace, compute);
      if (unlaunched + begun > 0) rounds.add(SOON_SEC);
      else if (held > 0) rounds.add(ROUND_SEC);
    });
  }

  return {
    make(moverOptions) {
      subscribe(moverOptions);
      return { nudge, compose, look: () => undefined, start: async () => undefined, close: async () => undefined };
    },
    async settle() {
      const [bodies, delays] = [[...wanted.values()], [...rounds]];
      const [composites, later] = [[...composed.values()], [...looks.values()]];
      wanted = new Map();
      composed = new Map();
      looks = new Map();
      rounds = new Set();
      if (bodies.length > 0) {
        await bus.send(bodies.map((body) => ({ topic: TOPICS.dispatch, id: ids.hex32(), body })));
      }
      if (composites.length > 0) {
        await bus.send(composites.map((body) => ({ topic: TOPICS.compose, id: ids.hex32(), body })));
      }
      for (const body of later) {
        const delaySec = Math.max(0, Math.ceil((body.atMs - clock.now()) / 1000));
        await bus.send([{ topic: TOPICS.compose, id: ids.hex32(), body }], { delaySec });
      }
      for (const inSec of delays) await sendRound(inSec);
    },
  };
}

function turnOf(workspace: string, compute: string): string {
  return `${TOPICS.dispatch} ${workspace} ${compute}`;
}
