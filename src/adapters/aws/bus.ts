import { SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { AppError } from "../../contract/errors.ts";
import type { Bus, Delivery, Message } from "../../core/ports/bus.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { checkDelay, checkMessage } from "../../core/ports/message-rules.ts";
import type { Item, Table } from "../../core/ports/table.ts";
import { checkKey } from "../../core/ports/table-rules.ts";
import { DEAD_LETTERS, messageKey } from "../../store/facts/keys.ts";
import { makeClock } from "../node/clock.ts";
import { type Copy, makeConsumer, type Outcome, type Retry } from "./bus-consumer.ts";
import { type Envelope, encodeEnvelope } from "./bus-envelope.ts";
import { startPoller } from "./bus-poller.ts";
import { rethrowFrom } from "./fault.ts";

const BATCH = 10;
const BATCH_BYTES = 900 * 1024;
/** The longest a queue holds a message back by itself; the consumer holds it back for the rest. */
const DELAY_LIMIT_SEC = 900;

export interface AwsBus extends Bus {
  /** Sends envelopes, which need not be messages of their own accord: timers use it. */
  sendEnvelopes(envelopes: readonly Envelope[]): Promise<void>;
  /** Handles one copy that a service took out of the queue, by the handlers subscribed so far. */
  consume(copy: Copy): Promise<Outcome>;
}

/** The Bus port on one standard SQS queue, with the records of messages in the table. `start` polls; where a service takes messages out, `consume` is called instead. */
export function openBus(options: {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly table: Table;
  readonly clock?: Clock;
  readonly retry?: Retry;
}): AwsBus {
  const { client, queueUrl: QueueUrl, table, clock = makeClock(), retry } = options;
  const handlers = new Map<string, (delivery: Delivery) => Promise<void>>();
  const consume = makeConsumer({ table, handlers, clock, ...(retry === undefined ? {} : { retry }) });
  let state: "new" | "running" | "closed" = "new";
  let poller: { close(): Promise<void> } | undefined;

  async function sendEnvelopes(envelopes: readonly Envelope[]): Promise<void> {
    const entries = envelopes.map((envelope) => ({ text: encodeEnvelope(envelope), delaySec: delayOf(envelope) }));
    for (const batch of batchesOf(entries)) {
      const Entries = batch.map(({ text, delaySec }, at) => ({
        Id: String(at),
        MessageBody: text,
        DelaySeconds: delaySec,
      }));
      const { Failed = [] } = await client
        .send(new SendMessageBatchCommand({ QueueUrl, Entries }))
        .catch(rethrowFrom("the queue"));
      if (Failed.length > 0) {
        throw new AppError("Unavailable", `${Failed.length} messages were not taken: ${Failed[0]?.Message ?? ""}`, {
          hint: "send them again; those that were taken are not doubled",
        });
      }
    }
  }

  function delayOf({ notBeforeMs = 0 }: Envelope): number {
    return Math.min(DELAY_LIMIT_SEC, Math.max(0, Math.floor((notBeforeMs - clock.now()) / 1000)));
  }

  return {
    sendEnvelopes,
    consume,
    async send(messages: readonly Message[], { delaySec = 0 } = {}) {
      if (state === "closed") throw new AppError("Unavailable", "the bus is closed");
      checkDelay(delaySec);
      for (const message of messages) {
        checkMessage(message);
        checkKey(messageKey(message.topic, message.id));
      }
      const notBeforeMs = clock.now() + delaySec * 1000;
      await sendEnvelopes(messages.map((message) => ({ message, ...(delaySec === 0 ? {} : { notBeforeMs }) })));
    },
    subscribe(topic, handler) {
      if (state !== "new" || handlers.has(topic)) {
        throw new AppError(
          "Internal",
          `topic \`${topic}\` ${state === "new" ? "has a handler already" : "is subscribed to after the start"}`,
        );
      }
      handlers.set(topic, handler);
    },
    async start() {
      if (state !== "new") throw new AppError("Internal", `the bus can't start: it is \`${state}\``);
      state = "running";
      poller = startPoller({ client, queueUrl: QueueUrl, consume });
    },
    async close() {
      state = "closed";
      await poller?.close();
    },
    async deadLetters() {
      const items: Item[] = [];
      let cursor: string | undefined;
      do {
        const page = await table.query({ pk: DEAD_LETTERS, ...(cursor === undefined ? {} : { cursor }) });
        items.push(...page.items);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return items.map(({ topic, id, body, attempt, error }) => ({
        topic: String(topic),
        id: String(id),
        body: body as Message["body"],
        attempt: Number(attempt),
        error: String(error),
      }));
    },
  };
}

function* batchesOf<T extends { readonly text: string }>(entries: readonly T[]): Generator<readonly T[]> {
  let batch: T[] = [];
  let sizeBytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.text);
    if (batch.length === BATCH || (batch.length > 0 && sizeBytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(entry);
    sizeBytes += size;
  }
  if (batch.length > 0) yield batch;
}
