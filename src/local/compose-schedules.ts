import { refreshData } from "../core/data/refresh-data.ts";
import type { Files } from "../core/files/ports.ts";
import type { Digest } from "../core/ports/digest.ts";
import type { ScheduledJobs } from "../core/schedules/put-schedule.ts";
import { composeSchedules as compose } from "../home/compose-schedules.ts";
import type { Part } from "../home/part.ts";
import type { Stores } from "../home/stores.ts";
import type { Ground } from "./part.ts";

/** What was lost is looked for so often; the timers of this process lose nothing while it lives. */
const ROUND_MS = 10 * 60_000;

/** Schedules on a laptop: timers in this process, and its own eyes on folders. */
export function composeSchedules(
  ground: Ground,
  stores: Stores,
  others: { readonly files: Files; readonly digest: Digest; readonly scheduledJobs: ScheduledJobs },
): Part {
  const { bus, timer } = ground;
  const part = compose(ground, stores, {
    bus,
    timer,
    scheduledJobs: others.scheduledJobs,
    refreshData: (input) => refreshData({ ...ground, ...stores, ...others }, input),
    ears: { tune: async () => undefined },
  });
  let rounds: NodeJS.Timeout | undefined;
  return {
    routes: part.routes ?? [],
    async start() {
      // What passed while the home was off.
      await part.round();
      rounds = setInterval(() => {
        part.round().catch((error: unknown) => ground.log.fault("schedules could not be looked after", error));
      }, ROUND_MS).unref();
    },
    close: () => clearInterval(rounds),
  };
}
