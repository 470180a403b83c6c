import { gunzipSync, gzipSync } from "node:zlib";
import type { Message } from "../../core/ports/bus.ts";

/** A message as it lies in the queue. */
export interface Envelope {
  readonly message: Message;
  /** Milliseconds since the epoch before which it must not be delivered. */
  readonly notBeforeMs?: number;
  /** The firing of a timer: void unless the timer still stands with this mark. */
  readonly timer?: { readonly id: string; readonly mark: string };
}

interface Wire extends Omit<Envelope, "message"> {
  readonly topic: string;
  readonly id: string;
  readonly body?: Message["body"];
  /** The body's JSON, gzipped, in base64. */
  readonly packed?: string;
}

/** Escapes can make a body of 256 KB six times as long in JSON, more than a queue takes; packed they are short again. */
const PLAIN_LIMIT_CHARS = 64 * 1024;

export function encodeEnvelope({ message, ...rest }: Envelope): string {
  const { topic, id, body } = message;
  const text = JSON.stringify(body);
  const carried = text.length > PLAIN_LIMIT_CHARS ? { packed: gzipSync(text).toString("base64") } : { body };
  return JSON.stringify({ topic, id, ...carried, ...rest } satisfies Wire);
}

/** Throws for text that is no envelope. */
export function decodeEnvelope(text: string): Envelope {
  const { topic, id, body, packed, ...rest } = JSON.parse(text) as Wire;
  const unpacked = packed === undefined ? body : JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString("utf8"));
  if (typeof topic !== "string" || typeof id !== "string" || typeof unpacked !== "object" || unpacked === null) {
    throw new Error("a message in the queue is not one of this system's");
  }
  return { message: { topic, id, body: unpacked as Message["body"] }, ...rest };
}
