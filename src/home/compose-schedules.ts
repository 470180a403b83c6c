import { makeNotificationRoutes } from "../api/notifications.ts";
import { makeScheduleRoutes } from "../api/schedules.ts";
import type { Activity } from "../contract/activities.ts";
import { holds } from "../core/auth/rights.ts";
import { notifyOf, sendNotice } from "../core/notifications/notify.ts";
import { type Courier, type Notice, SEND_TOPIC } from "../core/notifications/ports.ts";
import type { Bus } from "../core/ports/bus.ts";
import type { Timer } from "../core/ports/timer.ts";
import { makeAlarm, SCHEDULE_TOPICS } from "../core/schedules/alarm.ts";
import { doFiring, type FireDeps, fireDue, lookForLost } from "../core/schedules/fire.ts";
import { fireForActivity } from "../core/schedules/happened.ts";
import type { Ears, ScheduledJobs } from "../core/schedules/put-schedule.ts";
import type { Ground, Part } from "./part.ts";
import type { Stores } from "./stores.ts";
import { listWorkspaceNames } from "./workspace-names.ts";

/** Schedules, triggers and notifications. Messages of the bus move them; `round` sends the one that looks for what was lost. */
export function composeSchedules(
  ground: Ground,
  stores: Stores,
  others: {
    readonly bus: Pick<Bus, "send" | "subscribe">;
    readonly timer: Timer;
    readonly scheduledJobs: ScheduledJobs;
    readonly refreshData: FireDeps["refreshData"];
    readonly ears: Ears;
    readonly courier: Courier;
  },
): Part & { readonly round: () => Promise<void>; readonly deps: FireDeps } {
  const { bus, timer, ...rest } = others;
  const deps = {
    ...ground,
    ...stores,
    ...rest,
    bus,
    alarm: makeAlarm(timer),
    mayCreateJobs: async (workspace: string, actor: string) =>
      holds(await stores.members.grantsOf(actor.replace(/^user:/, "")), "job/create", workspace),
    hasData: async (workspace: string, name: string) =>
      (await stores.assets.head(workspace, "data", name))?.latest !== undefined,
    isThere: stores.workspaces.isThere,
    endedJob: async (workspace: string, name: string) => {
      const job = await stores.jobs.get(workspace, name);
      // A composite tells of its own end.
      if (job === undefined || job.composite !== undefined) return undefined;
      return { experimentName: job.experimentName, tags: job.spec.tags ?? {} };
    },
    workspaces: () => listWorkspaceNames(ground.table),
  };
  bus.subscribe(SCHEDULE_TOPICS.due, ({ body: { workspace, name, mark } }) =>
    fireDue(deps, String(workspace), String(name), String(mark)),
  );
  bus.subscribe(SCHEDULE_TOPICS.fire, ({ body: { workspace, schedule, id } }) =>
    doFiring(deps, String(workspace), String(schedule), String(id)),
  );
  bus.subscribe(SCHEDULE_TOPICS.happened, async ({ body: { workspace, ...activity } }) => {
    const happened = activity as unknown as Activity;
    await fireForActivity(deps, String(workspace), happened);
    await notifyOf(deps, String(workspace), happened);
  });
  bus.subscribe(SEND_TOPIC, ({ body: { to, notice } }) => sendNotice(deps, String(to), notice as unknown as Notice));
  bus.subscribe(SCHEDULE_TOPICS.round, () => lookForLost(deps));
  return {
    deps,
    routes: [...makeScheduleRoutes(deps), ...makeNotificationRoutes(deps)],
    round: () => bus.send([{ topic: SCHEDULE_TOPICS.round, id: ground.ids.hex32(), body: {} }]),
  };
}
