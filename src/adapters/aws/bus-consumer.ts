import type { Delivery } from "../../core/ports/bus.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { ABSENT, type Item, type Table } from "../../core/ports/table.ts";
import { deadLetterKey, messageKey, timerKey } from "../../store/facts/keys.ts";
import { decodeEnvelope, type Envelope } from "./bus-envelope.ts";

export interface Retry {
  /** Delay after the first failure, doubled with each further one up to `maxMs`. */
  readonly firstMs: number;
  readonly maxMs: number;
  readonly maxAttempts: number;
}

export const DEFAULT_RETRY: Retry = { firstMs: 1_000, maxMs: 60_000, maxAttempts: 10 };

export type Handlers = ReadonlyMap<string, (delivery: Delivery) => Promise<void>>;

/** One copy of a message, as the queue hands it out. */
export interface Copy {
  /** The queue's own id of this copy, the same each time it is handed out. */
  readonly copyId: string;
  readonly text: string;
}

/** `done`: take the copy out of the queue. `later`: hand it out again after so long. */
export type Outcome = { readonly kind: "done" } | { readonly kind: "later"; readonly delaySec: number };

interface Claimed {
  readonly kind: "claimed";
  readonly attempt: number;
  /** When the first attempt began. */
  readonly sinceMs: number;
  /** What the attempt before said. */
  readonly error?: string;
}

const DONE: Outcome = { kind: "done" };
const DAY_SEC = 24 * 60 * 60;
/** The longest a queue hides a message. */
const HIDE_LIMIT_SEC = 12 * 60 * 60;

/**
 * Handles copies of messages. A standard queue hands one message out more than once and knows nothing of sends of one id, so the first copy that is handled
 * takes the message's record; other copies are dropped while that record lasts, a day. The record also counts attempts, before the handler runs,
 * so a message that takes the process down ends among the dead letters too.
 */
export function makeConsumer(options: {
  readonly table: Table;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly retry?: Retry;
}): (copy: Copy) => Promise<Outcome> {
  const { table, handlers, clock, retry = DEFAULT_RETRY } = options;

  return async (copy) => {
    const envelope = decodeEnvelope(copy.text);
    const { message, notBeforeMs = 0 } = envelope;
    const waitMs = notBeforeMs - clock.now();
    if (waitMs > 0) return later(Math.min(Math.ceil(waitMs / 1000), HIDE_LIMIT_SEC));
    const handler = handlers.get(message.topic);
    if (handler === undefined) return later(Math.max(1, retry.maxMs / 1000));
    const body = await bodyOf(envelope);
    if (body === undefined) return DONE;

    const claim = await claimFor(copy, envelope);
    if (claim.kind !== "claimed") return claim;
    const { attempt, sinceMs } = claim;
    if (attempt > retry.maxAttempts) {
      const error = claim.error ?? "the process ended while the message was handled";
      return bury(copy, sinceMs, { ...message, body, attempt: attempt - 1 }, error);
    }
    const failure = await failureOf(() => handler({ ...message, body, attempt }));
    if (failure === undefined) {
      await forgetTimer(envelope);
      return DONE;
    }
    if (attempt >= retry.maxAttempts) return bury(copy, sinceMs, { ...message, body, attempt }, failure);
    await noteFailure(message, attempt, failure);
    return later(Math.min(retry.firstMs * 2 ** (attempt - 1), retry.maxMs) / 1000);
  };

  /** A timer's record holds the body of its message; the firing of one that was cancelled or set anew is void. */
  async function bodyOf({ message, timer }: Envelope): Promise<Delivery["body"] | undefined> {
    if (timer === undefined) return message.body;
    const item = await table.get(timerKey(timer.id));
    return item?.mark === timer.mark ? (item.body as Delivery["body"]) : undefined;
  }

  async function forgetTimer({ timer }: Envelope): Promise<void> {
    if (timer === undefined) return;
    const when = [{ attr: "mark", op: "eq", value: timer.mark }] as const;
    await table.transact([{ kind: "delete", key: timerKey(timer.id), when }]);
  }

  async function claimFor(copy: Copy, { message }: Envelope): Promise<Outcome | Claimed> {
    const nowSec = Math.floor(clock.now() / 1000);
    const key = messageKey(message.topic, message.id);
    const item = await table.get(key);
    const isFresh = item === undefined || (item.expires ?? 0) <= nowSec;
    if (!isFresh && item.copy !== copy.copyId) return DONE;
    const attempt = (isFresh ? 0 : Number(item.attempt)) + 1;
    const error = isFresh ? undefined : (item.error as string | undefined);
    const sinceMs = isFresh ? clock.now() : Number(item.since);
    const record: Item = {
      ...key,
      type: "MESSAGE",
      v: 1,
      copy: copy.copyId,
      attempt,
      since: sinceMs,
      expires: nowSec + DAY_SEC,
      ...(error === undefined ? {} : { error }),
    };
    const { ok } = await table.transact([{ kind: "put", item: record, when: unchanged(item) }]);
    // Another copy was quicker: it will be seen next time.
    if (!ok) return later(1);
    return { kind: "claimed", attempt, sinceMs, ...(error === undefined ? {} : { error }) };
  }

  async function noteFailure(message: Envelope["message"], attempt: number, error: string): Promise<void> {
    const key = messageKey(message.topic, message.id);
    const when = [{ attr: "attempt", op: "eq", value: attempt }] as const;
    await table.transact([{ kind: "update", key, set: { error }, when }]);
  }

  async function bury(
    copy: Copy,
    sinceMs: number,
    { topic, id, body, attempt }: Delivery,
    error: string,
  ): Promise<Outcome> {
    // Named by the copy and when it was first tried, so that burying it twice is once.
    const item: Item = {
      ...deadLetterKey(sinceMs, copy.copyId),
      type: "DEAD_LETTER",
      v: 1,
      topic,
      id,
      body: { ...body },
      attempt,
      error,
    };
    await table.transact([{ kind: "put", item }]);
    return DONE;
  }
}

function later(delaySec: number): Outcome {
  return { kind: "later", delaySec: Math.round(delaySec) };
}

function unchanged(item: Item | undefined) {
  if (item === undefined) return ABSENT;
  return [
    { attr: "copy", op: "eq", value: String(item.copy) },
    { attr: "attempt", op: "eq", value: Number(item.attempt) },
  ] as const;
}

async function failureOf(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
