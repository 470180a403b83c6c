import { AppError } from "../contract/errors.ts";
import { refreshData } from "../core/data/refresh-data.ts";
import type { Files } from "../core/files/ports.ts";
import type { Courier } from "../core/notifications/ports.ts";
import type { Digest } from "../core/ports/digest.ts";
import { forgetFiles, lookForFiles } from "../core/schedules/look-for-files.ts";
import type { ScheduleRecord } from "../core/schedules/ports.ts";
import type { Ears, ScheduledJobs } from "../core/schedules/put-schedule.ts";
import { composeSchedules as compose } from "../home/compose-schedules.ts";
import type { Part } from "../home/part.ts";
import type { Stores } from "../home/stores.ts";
import { listWorkspaceNames } from "../home/workspace-names.ts";
import { followActivities } from "./follow-activities.ts";
import type { Ground } from "./part.ts";

/** What was lost is looked for so often; the timers of this process lose nothing while it lives. */
const ROUND_MS = 10 * 60_000;
/** Folders of this machine are looked at so often, others once in so many times. */
const LOOK_MS = 5_000;
const FAR_EVERY = 12;

/** Schedules on a laptop: timers in this process, its own activities as they are written, and its own eyes on folders. */
export function composeSchedules(
  ground: Ground,
  stores: Stores,
  others: {
    readonly files: Files;
    readonly digest: Digest;
    readonly scheduledJobs: ScheduledJobs;
    readonly courier: Courier;
  },
): Part & { readonly look: () => Promise<void>; readonly settle: () => Promise<void> } {
  const { bus, timer, log } = ground;
  const lookDeps = () => ({ ...ground, ...stores, ...others, ...part.deps });
  const ears: Ears = {
    async tune(schedule) {
      const { type } = schedule.trigger;
      if (type === "event")
        throw new AppError("NotSupported", "a laptop hears no events of EventBridge", {
          hint: "an AWS home does; `webhook` is fired by a signed request",
        });
      // What is there now does not fire it.
      if (type === "file" && schedule.isEnabled) await lookForFiles(lookDeps(), schedule);
      else await forgetFiles(ground.objects, schedule);
    },
  };
  const part = compose(ground, stores, {
    bus,
    timer,
    scheduledJobs: others.scheduledJobs,
    refreshData: (input) => refreshData({ ...ground, ...stores, ...others }, input),
    ears,
    courier: others.courier,
  });
  const all = () => allSchedules(ground, stores);
  const follower = followActivities(ground, stores, {
    isAwaited: async (workspace) =>
      (await stores.schedules.list(workspace, { limit: 1 })).items.length > 0 ||
      (await stores.notifications.list(workspace, { limit: 1 })).items.length > 0,
  });
  const timers: NodeJS.Timeout[] = [];
  let looking: Promise<void> | undefined;
  let looks = 0;

  async function look(): Promise<void> {
    const isFarsTurn = looks++ % FAR_EVERY === 0;
    for (const schedule of await all()) {
      if (schedule.trigger.type !== "file" || !schedule.isEnabled) continue;
      if (!isFarsTurn && !(await isNear(stores, schedule.workspace, schedule.trigger.path))) continue;
      await lookForFiles(lookDeps(), schedule).catch((error: unknown) =>
        log.fault("a folder could not be looked at", error, { schedule: schedule.name }),
      );
    }
  }

  async function round(): Promise<void> {
    await follower.catchUp();
    await part.round();
  }

  const repeat = (ms: number, work: () => Promise<void>) =>
    timers.push(
      setInterval(() => work().catch((error: unknown) => log.fault("schedules were not seen to", error)), ms).unref(),
    );

  return {
    routes: part.routes ?? [],
    look,
    settle: follower.settle,
    async start() {
      // What passed while the home was off.
      await round();
      repeat(ROUND_MS, round);
      repeat(LOOK_MS, async () => {
        looking ??= look().finally(() => {
          looking = undefined;
        });
        await looking;
      });
    },
    async close() {
      for (const each of timers) clearInterval(each);
      await looking;
      await follower.settle();
    },
  };
}

/** True for folders of this machine; looking at others costs a network, and money. */
async function isNear({ datastores }: Stores, workspace: string, path: string): Promise<boolean> {
  const [, name = ""] = /^azureml:\/\/datastores\/([^/]+)\//.exec(path) ?? [];
  const type = (await datastores.get(workspace, name))?.type;
  return type === "workspace" || type === "local";
}

async function allSchedules(ground: Ground, stores: Stores): Promise<readonly ScheduleRecord[]> {
  const names = await listWorkspaceNames(ground.table);
  const pages = await Promise.all(names.map((workspace) => stores.schedules.list(workspace, { limit: 1000 })));
  return pages.flatMap(({ items }) => items);
}
