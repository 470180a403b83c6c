import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { SECRET_HEADER } from "../contract/replica.ts";
import { readBody } from "./body.ts";
import type { Upstream } from "./model-server.ts";

/** An answer up to this size is taken whole, so that a slow client does not hold the model. */
const BUFFER_LIMIT_BYTES = 32 * 1024 * 1024;

/** What belongs to one connection, and what the model must not see. */
const DROPPED = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "content-length",
  "authorization",
  "azureml-model-deployment",
  SECRET_HEADER,
]);

/** How the exchange with the model server ended. `refused`: it was not there, and saw nothing of the request. */
export type Outcome = "answered" | "refused" | "broken";

export interface Exchange {
  /** Resolves when the model server is done with this request, also if nobody waits for the answer any more. */
  readonly done: Promise<Outcome>;
  /** From now on the answer goes nowhere. */
  abandon(): void;
}

/** Sends one request on and its answer back. Nothing is written to `outgoing` unless the outcome is `answered` or the answer had begun. */
export function forward(
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
  upstream: Upstream,
): Exchange {
  let abandoned = false;
  const done = new Promise<Outcome>((resolve) => {
    const sent = request({
      socketPath: upstream.socket,
      agent: upstream.agent,
      method: incoming.method ?? "POST",
      path: incoming.url ?? "/",
      headers: requestHeaders(incoming, body.byteLength),
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "refused" : "broken");
    });
    sent.on("response", (answer) => {
      pass(answer, outgoing, () => abandoned).then(
        () => resolve("answered"),
        () => resolve("broken"),
      );
    });
    sent.end(body);
  });
  return {
    done,
    abandon() {
      abandoned = true;
    },
  };
}

function requestHeaders(incoming: IncomingMessage, length: number): string[] {
  const headers: string[] = [];
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!DROPPED.has(name.toLowerCase())) headers.push(name, rawHeaders[i + 1] ?? "");
  }
  if (length > 0 || incoming.method !== "GET") headers.push("Content-Length", String(length));
  return headers;
}

const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"]);

async function pass(answer: IncomingMessage, outgoing: ServerResponse, abandoned: () => boolean): Promise<void> {
  const length = Number(answer.headers["content-length"] ?? Number.NaN);
  const headers: string[] = [];
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
    const name = answer.rawHeaders[i] ?? "";
    if (!HOP.has(name.toLowerCase())) headers.push(name, answer.rawHeaders[i + 1] ?? "");
  }
  const status = answer.statusCode ?? 502;
  if (length <= BUFFER_LIMIT_BYTES) {
    const body = await readBody(answer, BUFFER_LIMIT_BYTES);
    if (body === undefined || abandoned()) return;
    outgoing.writeHead(status, [...headers, "Content-Length", String(Number.isNaN(length) ? body.byteLength : length)]);
    outgoing.end(body);
    return;
  }
  if (!abandoned()) outgoing.writeHead(status, headers);
  for await (const chunk of answer) {
    if (abandoned() || outgoing.destroyed) continue;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  if (!abandoned()) outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      outgoing.off("drain", go);
      outgoing.off("close", go);
      resolve();
    };
    outgoing.once("drain", go);
    outgoing.once("close", go);
  });
}
