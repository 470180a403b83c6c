import type { Value } from "./table.ts";

export interface Message {
  readonly topic: string;
  /** Two sends of one id on one topic within a day are one message. */
  readonly id: string;
  /** At most 256 KB. */
  readonly body: { readonly [key: string]: Value };
}

export interface Delivery extends Message {
  /** 1 for the first try. */
  readonly attempt: number;
}

/**
 * Durable messages, delivered at least once and in any order. A send that has returned survives a crash.
 * A handler that throws is tried again after a growing delay (1 s, doubled, at most 60 s); after `maxAttempts` (10) the message moves to the dead letters.
 */
export interface Bus {
  send(messages: readonly Message[], options?: { readonly delaySec?: number }): Promise<void>;
  /** One handler a topic, set before `start`; at most 8 calls of it are under way at once. */
  subscribe(topic: string, handler: (delivery: Delivery) => Promise<void>): void;
  start(): Promise<void>;
  /** Waits for handlers under way; messages not delivered stay. */
  close(): Promise<void>;
  deadLetters(): Promise<readonly (Delivery & { readonly error: string })[]>;
}
