import { AppError } from "../../contract/errors.ts";
import type { Bus, Delivery, Message } from "../../core/ports/bus.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { checkDelay } from "../../core/ports/message-rules.ts";
import { makeClock } from "../node/clock.ts";
import { type BusStore, type Claimed, openBusStore } from "./bus-store.ts";
import { type Database, openDatabase } from "./database.ts";

/** Clocks jump and laptops sleep: never wait longer than this for a due time. */
const LONGEST_WAIT_MS = 30_000;
/** Pause after a failed write of the bus's own, e.g. on a full disk. */
const TROUBLE_PAUSE_MS = 1_000;

export interface Retry {
  /** Delay after the first failure, doubled with each further one up to `maxMs`. */
  readonly firstMs: number;
  readonly maxMs: number;
  readonly maxAttempts: number;
}

export const DEFAULT_RETRY: Retry = { firstMs: 1_000, maxMs: 60_000, maxAttempts: 10 };

interface Lane {
  readonly handler: (delivery: Delivery) => Promise<void>;
  readonly underWay: Map<number, Promise<void>>;
}

/**
 * The Bus port on SQLite. Messages are rows; an attempt is counted before its handler runs, so one that takes the process down ends
 * among the dead letters too. Each topic has `concurrency` (8) handlers under way at most, so a slow topic holds up no other.
 */
export function openBus(
  options: ({ readonly path: string } | { readonly database: Database }) & {
    readonly clock?: Clock;
    readonly concurrency?: number;
    readonly retry?: Retry;
  },
): Bus {
  const database = "database" in options ? options.database : openDatabase({ path: options.path });
  const clock = options.clock ?? makeClock();
  const concurrency = options.concurrency ?? 8;
  const retry = options.retry ?? DEFAULT_RETRY;
  const store: BusStore = openBusStore(database);
  const lanes = new Map<string, Lane>();
  let state: "new" | "running" | "closed" = "new";
  let timer: NodeJS.Timeout | undefined;
  let pumpQueued = false;
  let pumping: Promise<void> = Promise.resolve();

  /** Looks for due messages soon; many calls are one look. */
  function wake(): void {
    if (state === "running" && !pumpQueued) {
      pumpQueued = true;
      pumping = pumping.then(() => {
        pumpQueued = false;
        return pump();
      });
    }
  }

  function wakeIn(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(wake, Math.min(Math.max(delayMs, 0), LONGEST_WAIT_MS));
  }

  async function pump(): Promise<void> {
    if (state !== "running") {
      return;
    }
    try {
      const due = [...lanes].flatMap(([topic, lane]) =>
        store.due(topic, clock.now(), lane.underWay, concurrency - lane.underWay.size),
      );
      const claimed = due.length === 0 ? [] : await store.claim(due, retry.maxAttempts);
      for (const message of claimed) {
        const lane = lanes.get(message.topic);
        lane?.underWay.set(message.seq, deliver(lane, message));
      }
      const next = store.nextDue(
        [...lanes]
          .filter(([, lane]) => lane.underWay.size < concurrency)
          .map(([topic, lane]) => ({ topic, except: lane.underWay })),
      );
      wakeIn(next === undefined ? LONGEST_WAIT_MS : next - clock.now());
    } catch {
      wakeIn(TROUBLE_PAUSE_MS);
    }
  }

  async function deliver(lane: Lane, { seq, ...delivery }: Claimed): Promise<void> {
    try {
      await settle(seq, delivery, await failureOf(lane, delivery));
    } catch {
      // The outcome could not be written: the message comes again, but not at once.
      await new Promise((resolve) => setTimeout(resolve, TROUBLE_PAUSE_MS));
    } finally {
      lane.underWay.delete(seq);
      wake();
    }
  }

  async function failureOf(lane: Lane, delivery: Delivery): Promise<string | undefined> {
    try {
      await lane.handler(delivery);
      return undefined;
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  }

  async function settle(seq: number, delivery: Delivery, failure: string | undefined): Promise<void> {
    if (failure === undefined) {
      await store.remove(seq);
    } else if (delivery.attempt >= retry.maxAttempts) {
      await store.bury(seq, failure);
    } else {
      const delayMs = Math.min(retry.firstMs * 2 ** (delivery.attempt - 1), retry.maxMs);
      await store.postpone(seq, clock.now() + delayMs, failure);
    }
  }

  return {
    async send(messages: readonly Message[], { delaySec = 0 } = {}) {
      if (state === "closed") {
        throw new AppError("Unavailable", "the bus is closed");
      }
      checkDelay(delaySec);
      await store.add(messages, clock.now(), delaySec * 1000);
      wake();
    },
    subscribe(topic, handler) {
      if (state !== "new" || lanes.has(topic)) {
        throw new AppError(
          "Internal",
          `topic \`${topic}\` ${state === "new" ? "has a handler already" : "is subscribed to after the start"}`,
        );
      }
      lanes.set(topic, { handler, underWay: new Map() });
    },
    async start() {
      if (state !== "new") {
        throw new AppError("Internal", `the bus can't start: it is \`${state}\``);
      }
      state = "running";
      wake();
    },
    async close() {
      state = "closed";
      clearTimeout(timer);
      await pumping;
      clearTimeout(timer);
      await Promise.all([...lanes.values()].flatMap((lane) => [...lane.underWay.values()]));
      if (!("database" in options)) {
        database.close();
      }
    },
    async deadLetters() {
      return store.dead();
    },
  };
}
