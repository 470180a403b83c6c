import { advance, reconcileComposite } from "../core/coordinator/advance.ts";
import { lookAtChildren } from "../core/coordinator/hands.ts";
import { dispatchJobs } from "../core/jobs/dispatch-jobs.ts";
import { reconcileJob, reconcileJobs, tidyJobs } from "../core/jobs/reconcile-jobs.ts";
import type { Delivery } from "../core/ports/bus.ts";
import type { Turns } from "../store/turns.ts";
import type { makeBusMover } from "./bus-mover.ts";
import { advanceDeps } from "./deciding.ts";
import type { MoverOptions, Tell } from "./job-loop.ts";
import { ROUND_SEC, SOON_SEC, TOPICS } from "./job-topics.ts";

/** By topic, what its messages have done. */
export type BusWork = Readonly<Record<(typeof TOPICS)[keyof typeof TOPICS], (message: Delivery) => Promise<void>>>;

/** Dispatching, deciding and comparing with the machine, as messages ask for it. */
export function makeBusWork(options: {
  readonly mover: MoverOptions;
  readonly turns: Turns;
  readonly runOf: Parameters<typeof makeBusMover>[0]["runOf"];
  readonly tell: Tell;
  /** Asks for a round in so many seconds. */
  readonly again: (inSec: number) => void;
}): BusWork {
  const { turns, runOf, tell, again } = options;
  const { deps: makeDeps, computes, workspaces, log } = options.mover;
  const deps = makeDeps(tell);
  const deciding = advanceDeps({ ...deps, ...tell });

  const decide = (workspace: string, composite: string, isRound: boolean): Promise<void> =>
    turns.take(`${TOPICS.compose} ${workspace} ${composite}`, async () => {
      if (isRound) await reconcileComposite(deciding, workspace, composite);
      else await advance(deciding, workspace, composite);
    });

  function lookAt(workspace: string, compute: string): Promise<void> {
    return turns.take(turnOf(workspace, compute), async () => {
      const { held, unlaunched } = await reconcileJobs(deps, workspace, compute);
      const begun = await dispatchJobs(deps, workspace, compute);
      if (unlaunched + begun > 0) again(SOON_SEC);
      else if (held > 0) again(ROUND_SEC);
    });
  }

  return {
    [TOPICS.compose]: async ({ body }) => {
      const { workspace, composite, atMs } = body as { workspace: string; composite: string; atMs?: number };
      if (atMs !== undefined) await lookAtChildren(deps, workspace, composite, atMs);
      await decide(workspace, composite, false);
    },

    [TOPICS.dispatch]: async ({ body }) => {
      const { workspace, compute, job } = body as { workspace: string; compute: string; job?: string };
      if (job !== undefined) {
        await reconcileJob(deps, workspace, job);
        return;
      }
      await turns.take(turnOf(workspace, compute), async () => {
        if ((await dispatchJobs(deps, workspace, compute)) > 0) again(SOON_SEC);
      });
    },

    [TOPICS.attempt]: async ({ body }) => {
      const about = await runOf(body);
      if (about !== undefined) await reconcileJob(deps, about.workspace, about.run);
    },

    [TOPICS.round]: async () => {
      const places = await computes();
      for (const { workspace, compute } of places) {
        // What is wrong with one compute must neither keep others waiting nor end the rounds.
        await lookAt(workspace, compute).catch((error: unknown) => {
          log.fault("jobs could not be moved on", error, { workspace, compute });
          again(ROUND_SEC);
        });
      }
      for (const workspace of await workspaces()) {
        await tidyJobs(deps, workspace);
        for (const composite of await deps.jobs.openComposites(workspace)) {
          again(ROUND_SEC);
          await decide(workspace, composite, true).catch((error: unknown) =>
            log.fault("a composite job could not be moved on", error, { workspace, job: composite }),
          );
        }
      }
    },
  };
}

function turnOf(workspace: string, compute: string): string {
  return `${TOPICS.dispatch} ${workspace} ${compute}`;
}
