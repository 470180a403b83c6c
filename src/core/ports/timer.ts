import type { Message } from "./bus.ts";

/** Wakes somebody later, also after a restart. A firing may come twice and up to a minute late. */
export interface Timer {
  /** Sends the message at `atMs`; setting the same id again replaces it. */
  set(id: string, atMs: number, message: Message): Promise<void>;
  /** Absent is fine. */
  cancel(id: string): Promise<void>;
}
