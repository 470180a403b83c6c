import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { UNTOUCHED_HEADER } from "../contract/replica.ts";

const ID_CHARS = 100;

/** Ids as Azure ML's server answers them, for the answers that are the proxy's own. */
export function idHeaders(incoming: IncomingMessage): Record<string, string> {
  const asked = incoming.headers["x-request-id"];
  const id = typeof asked === "string" && asked.length <= ID_CHARS ? asked : randomUUID();
  const client = incoming.headers["x-ms-client-request-id"];
  return {
    "x-request-id": id,
    "x-ms-request-id": typeof client === "string" && client.length <= ID_CHARS ? client : id,
  };
}

export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly retryAfterSec?: number;
  /** Nothing of the request reached the model. */
  readonly untouched?: boolean;
  /** The model had the request and failed on it. */
  readonly runFailed?: boolean;
}

/** An error in the words of the scoring contract: `{"message": …}`. */
export function refuse(incoming: IncomingMessage, outgoing: ServerResponse, refusal: Refusal): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  const body = JSON.stringify({ message: refusal.message });
  outgoing.writeHead(refusal.status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-ms-run-function-failed": refusal.runFailed === true ? "True" : "False",
    ...idHeaders(incoming),
    ...(refusal.retryAfterSec === undefined ? {} : { "retry-after": String(refusal.retryAfterSec) }),
    ...(refusal.untouched === true ? { [UNTOUCHED_HEADER]: "1" } : {}),
  });
  outgoing.end(body);
}
