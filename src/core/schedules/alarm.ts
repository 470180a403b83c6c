import type { Bus, Message } from "../ports/bus.ts";
import type { Timer } from "../ports/timer.ts";
import type { FiringRecord, ScheduleRecord } from "./ports.ts";

export const SCHEDULE_TOPICS = {
  /** A schedule's time has come. */
  due: "schedules.due",
  /** A firing is to be done. */
  fire: "schedules.fire",
  /** Something happened: whoever waits for it is looked for. */
  happened: "activities.happened",
  /** What was lost is looked for. */
  round: "schedules.round",
} as const;

/** Wakes schedules at their times. */
export interface Alarm {
  /** Sets a schedule's next time, or none. */
  set(record: ScheduleRecord): Promise<void>;
}

export function makeAlarm(timer: Timer): Alarm {
  return {
    async set({ workspace, name, mark, isEnabled, nextMs }) {
      const id = `schedule.${workspace}.${name}`;
      if (!isEnabled || nextMs === undefined) return timer.cancel(id);
      const body = { workspace, name, mark };
      await timer.set(id, nextMs, { topic: SCHEDULE_TOPICS.due, id: `${id}.${mark}.${nextMs}`, body });
    },
  };
}

/** Asks for firings to be done. */
export async function askToFire(bus: Pick<Bus, "send">, firings: readonly FiringRecord[], again = ""): Promise<void> {
  const messages = firings.map(
    ({ workspace, schedule, id }): Message => ({
      topic: SCHEDULE_TOPICS.fire,
      id: `${workspace}.${id}${again}`,
      body: { workspace, schedule, id },
    }),
  );
  if (messages.length > 0) await bus.send(messages);
}
