import type { Message } from "./bus.ts";

/** Wakes somebody later, also after a restart. A firing may come twice and up to a minute late. */
export interface Timer {
  /** Sends the message at `atMs`; setting the same id again replaces it. Each firing needs a message id of its own: the bus drops one it has seen. */
  set(id: string, atMs: number, message: Message): Promise<void>;
  /** Absent is fine. */
  cancel(id: string): Promise<void>;
}
