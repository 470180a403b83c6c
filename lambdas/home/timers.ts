import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { openTimer } from "../../src/adapters/aws/timer.ts";
import type { Timer } from "../../src/core/ports/timer.ts";
import type { Ground } from "../../src/home/part.ts";
import { openQueue } from "./queue.ts";
import type { TimerSettings } from "./settings.ts";

/** Timers whose messages go to the home's queue. */
export function openTimers(
  ground: Pick<Ground, "table" | "clock">,
  { queueUrl, timers }: { readonly queueUrl: string; readonly timers: TimerSettings },
): Timer {
  const { table, clock } = ground;
  const scheduler = { client: new SchedulerClient({}), ...timers };
  return openTimer({ table, clock, bus: openQueue(ground, queueUrl), scheduler });
}
