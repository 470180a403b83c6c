import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ReplicaAssignment } from "../contract/endpoints.ts";
import { SECRET_HEADER } from "../contract/replica.ts";
import { idHeaders, refuse } from "./answers.ts";
import { readBody } from "./body.ts";
import type { Counters } from "./counters.ts";
import { forward } from "./forward.ts";
import type { Gate } from "./gate.ts";
import type { ModelServer } from "./model-server.ts";

export interface ProxyOptions {
  readonly secret: string;
  readonly settings: ReplicaAssignment["request_settings"];
  readonly model: ModelServer;
  readonly gate: Gate;
  readonly counters: Counters;
}

export interface ReplicaProxy {
  readonly port: number;
  /** Requests that have come and not been answered. */
  readonly open: number;
  /** Milliseconds since the last request was answered or came. */
  quietMs(): number;
  close(): Promise<void>;
}

const BODY_LIMIT_BYTES = 256 * 1024 * 1024;
/** Past its time limit, a request that still holds the model server for this long shows that the server hangs. */
const STUCK_MS = 30_000;
/** How often a waiting request looks whether the model server is back. */
const RETURN_POLL_MS = 25;

/** Stands in front of the model server on a loopback port of the system's choice: who may ask, how many at a time, for how long. */
export async function openProxy(options: ProxyOptions): Promise<ReplicaProxy> {
  const secret = Buffer.from(options.secret);
  let open = 0;
  let lastMs = performance.now();
  const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 });
  server.on("request", (incoming, outgoing) => {
    const begun = performance.now();
    lastMs = begun;
    open++;
    outgoing.once("close", () => {
      open--;
      lastMs = performance.now();
      options.counters.answered(outgoing.statusCode, lastMs - begun);
    });
    answer(options, secret, incoming, outgoing).catch(() => outgoing.destroy());
  });
  const port = await listen(server);
  return {
    port,
    get open() {
      return open;
    },
    quietMs: () => (open > 0 ? 0 : performance.now() - lastMs),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => resolve((server.address() as AddressInfo).port));
  });
}

async function answer(
  options: ProxyOptions,
  secret: Buffer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { model, gate, counters } = options;
  if (!knows(incoming.headers[SECRET_HEADER], secret)) {
    refuse(incoming, outgoing, { status: 401, message: "requests come through the endpoint's scoring address" });
    return;
  }
  const path = (incoming.url ?? "/").split("?", 1)[0];
  if (path === "/-/metrics") {
    outgoing.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
    outgoing.end(
      counters.render({ active: gate.active, waiting: gate.waiting, up: model.upstream === undefined ? 0 : 1 }),
    );
    return;
  }
  if (path === "/" && (incoming.method === "GET" || incoming.method === "HEAD")) {
    health(options, incoming, outgoing);
    return;
  }
  const body = await readBody(incoming, BODY_LIMIT_BYTES);
  if (body === undefined) {
    refuse(incoming, outgoing, {
      status: 413,
      message: `the request's body is larger than ${BODY_LIMIT_BYTES} bytes`,
      untouched: true,
    });
    return;
  }
  await scored(options, incoming, body, outgoing);
}

function knows(shown: string | string[] | undefined, secret: Buffer): boolean {
  const bytes = Buffer.from(typeof shown === "string" ? shown : "");
  return bytes.byteLength === secret.byteLength && timingSafeEqual(bytes, secret);
}

/** Answered here: a busy server can't answer for itself, and is healthy all the same. */
function health({ model }: ProxyOptions, incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (model.upstream === undefined) {
    refuse(incoming, outgoing, {
      status: 503,
      message: "the model server is not ready",
      retryAfterSec: 1,
      untouched: true,
    });
    return;
  }
  outgoing.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-length": 7, ...idHeaders(incoming) });
  outgoing.end("Healthy");
}

async function scored(
  options: ProxyOptions,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
): Promise<void> {
  const { gate, counters, settings } = options;
  const leaving = new AbortController();
  outgoing.once("close", () => leaving.abort());
  const entry = await gate.enter(leaving.signal);
  if (!entry.ok) {
    counters.refused("busy");
    const message = `too many requests are waiting for this deployment (it takes ${settings.max_concurrent_requests_per_instance} at a time for each instance)`;
    refuse(incoming, outgoing, { status: 429, message, retryAfterSec: 1, untouched: true });
    return;
  }
  try {
    await held(options, incoming, body, outgoing, leaving.signal);
  } finally {
    entry.release();
  }
}

/** With a place of the gate, which is kept until the model server is done, also after the caller was told that it took too long. */
async function held(
  options: ProxyOptions,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
  left: AbortSignal,
): Promise<void> {
  const { model, counters, settings } = options;
  const until = performance.now() + settings.max_queue_wait_ms;
  for (;;) {
    while (model.upstream === undefined && performance.now() < until && !left.aborted) {
      await new Promise((resolve) => setTimeout(resolve, RETURN_POLL_MS));
    }
    if (left.aborted) return;
    const { upstream } = model;
    if (upstream === undefined) {
      counters.refused("down");
      const message = "the deployment's model server is not running; it is being started again";
      refuse(incoming, outgoing, { status: 503, message, retryAfterSec: 1, untouched: true });
      return;
    }
    const exchange = forward(incoming, body, outgoing, upstream);
    const limit = setTimeout(() => {
      exchange.abandon();
      counters.refused("timeout");
      const message = `Scoring timeout after ${settings.request_timeout_ms} ms`;
      refuse(incoming, outgoing, { status: 504, message, runFailed: true });
    }, settings.request_timeout_ms);
    const stuck = setTimeout(
      () => model.restart(`a request held the model server ${STUCK_MS / 1000} s beyond its time limit`),
      settings.request_timeout_ms + STUCK_MS,
    );
    const outcome = await exchange.done;
    clearTimeout(limit);
    clearTimeout(stuck);
    if (outcome === "answered" || outgoing.writableEnded) return;
    if (outcome === "refused") {
      // Gone between our look and our call: it saw nothing, so waiting for the next one is safe.
      await new Promise((resolve) => setTimeout(resolve, RETURN_POLL_MS));
      if (performance.now() < until) continue;
    }
    model.doubt(upstream);
    counters.refused("broken");
    const message = "the deployment's model server ended while it had this request; it is being started again";
    refuse(incoming, outgoing, { status: 502, message, retryAfterSec: 1, runFailed: true });
    return;
  }
}
