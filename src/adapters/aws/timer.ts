import { randomBytes } from "node:crypto";
import { CreateScheduleCommand, type SchedulerClient } from "@aws-sdk/client-scheduler";
import type { Clock } from "../../core/ports/clock.ts";
import { checkTimer } from "../../core/ports/message-rules.ts";
import type { Table } from "../../core/ports/table.ts";
import type { Timer } from "../../core/ports/timer.ts";
import { timerKey } from "../../store/facts/keys.ts";
import { makeClock } from "../node/clock.ts";
import type { AwsBus } from "./bus.ts";
import { type Envelope, encodeEnvelope } from "./bus-envelope.ts";
import { nameOf, rethrowFrom } from "./fault.ts";

/** Nearer times wait in the queue itself, which is finer than the scheduler's minute. */
const QUEUE_DELAY_LIMIT_MS = 900_000;

export interface AwsTimerOptions {
  readonly table: Table;
  readonly bus: AwsBus;
  readonly scheduler: {
    readonly client: SchedulerClient;
    readonly queueArn: string;
    /** What the scheduler assumes to send to the queue. */
    readonly roleArn: string;
    /** Group of the schedules. @default the account's default group */
    readonly group?: string;
  };
  readonly clock?: Clock;
  /** Times at least so far away go to the scheduler. @default 15 minutes */
  readonly fromMs?: number;
}

/**
 * The Timer port on a record, and a message that is on its way: held back by the queue, or by a one-time schedule that removes itself. The record's mark says which firing
 * counts, so setting anew and cancelling are one write each, whatever is under way already.
 */
export function openTimer(options: AwsTimerOptions): Timer {
  const { table, bus, scheduler, clock = makeClock(), fromMs = QUEUE_DELAY_LIMIT_MS } = options;

  async function schedule(mark: string, atMs: number, envelope: Envelope): Promise<void> {
    await scheduler.client
      .send(
        new CreateScheduleCommand({
          Name: `trainyard-${mark}`,
          GroupName: scheduler.group,
          ScheduleExpression: `at(${new Date(atMs).toISOString().slice(0, 19)})`,
          FlexibleTimeWindow: { Mode: "OFF" },
          ActionAfterCompletion: "DELETE",
          Target: { Arn: scheduler.queueArn, RoleArn: scheduler.roleArn, Input: encodeEnvelope(envelope) },
        }),
      )
      .catch((error: unknown) => {
        // Its name is nobody else's: the answer to an earlier try was lost.
        if (nameOf(error) !== "ConflictException") rethrowFrom("the scheduler")(error);
      });
  }

  return {
    async set(id, atMs, message) {
      checkTimer(id, atMs, message);
      const mark = randomBytes(16).toString("hex");
      // The body stays in the record: a schedule's input is shorter than a message may be.
      const envelope: Envelope = { message: { ...message, body: {} }, notBeforeMs: atMs, timer: { id, mark } };
      // First the record: a firing that overtakes it would be taken for a cancelled one.
      const item = { ...timerKey(id), type: "TIMER", v: 1, at: atMs, mark, body: { ...message.body } };
      await table.transact([{ kind: "put", item }]);
      if (atMs - clock.now() >= fromMs) await schedule(mark, atMs, envelope);
      else await bus.sendEnvelopes([envelope]);
    },
    async cancel(id) {
      if (id === "") return;
      await table.transact([{ kind: "delete", key: timerKey(id) }]);
    },
  };
}
