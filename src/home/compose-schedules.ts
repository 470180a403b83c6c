import { makeScheduleRoutes } from "../api/schedules.ts";
import type { Bus } from "../core/ports/bus.ts";
import type { Timer } from "../core/ports/timer.ts";
import { makeAlarm, SCHEDULE_TOPICS } from "../core/schedules/alarm.ts";
import { doFiring, type FireDeps, fireDue, lookForLost } from "../core/schedules/fire.ts";
import type { Ears, ScheduledJobs } from "../core/schedules/put-schedule.ts";
import type { Ground, Part } from "./part.ts";
import type { Stores } from "./stores.ts";
import { listWorkspaceNames } from "./workspace-names.ts";

/** Schedules and triggers. Messages of the bus move them; `round` sends the one that looks for what was lost. */
export function composeSchedules(
  ground: Ground,
  stores: Stores,
  others: {
    readonly bus: Pick<Bus, "send" | "subscribe">;
    readonly timer: Timer;
    readonly scheduledJobs: ScheduledJobs;
    readonly refreshData: FireDeps["refreshData"];
    readonly ears: Ears;
  },
): Part & { readonly round: () => Promise<void> } {
  const { bus, timer, ...rest } = others;
  const deps = {
    ...ground,
    ...stores,
    ...rest,
    bus,
    alarm: makeAlarm(timer),
    hasData: async (workspace: string, name: string) =>
      (await stores.assets.head(workspace, "data", name))?.latest !== undefined,
    isThere: stores.workspaces.isThere,
    workspaces: () => listWorkspaceNames(ground.table),
  };
  bus.subscribe(SCHEDULE_TOPICS.due, ({ body: { workspace, name, mark } }) =>
    fireDue(deps, String(workspace), String(name), String(mark)),
  );
  bus.subscribe(SCHEDULE_TOPICS.fire, ({ body: { workspace, schedule, id } }) =>
    doFiring(deps, String(workspace), String(schedule), String(id)),
  );
  bus.subscribe(SCHEDULE_TOPICS.round, () => lookForLost(deps));
  return {
    routes: makeScheduleRoutes(deps),
    round: () => bus.send([{ topic: SCHEDULE_TOPICS.round, id: ground.ids.hex32(), body: {} }]),
  };
}
