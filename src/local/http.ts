import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { ApiRequest } from "../api/raw-route.ts";
import type { Reply } from "../api/reply.ts";
import { withoutQuery } from "../api/target.ts";
import { AppError } from "../contract/errors.ts";
import { discard } from "./http-body.ts";
import { send } from "./http-reply.ts";
import { toRequest } from "./http-request.ts";

/** How long open requests may go on after `close` was asked for. */
const CLOSE_GRACE_MS = 1200;

/** An address may hold a filter of 5,300 characters, each of them nine bytes of percent-encoding. */
const HEADERS_LIMIT_BYTES = 131_072;

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /** Takes no new requests, lets those under way finish for a moment, then cuts them. */
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly port: number;
  /** Answers requests that need no frame (scoring), as quickly as it can; false for all others. */
  readonly intercept?: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;
  /** Never throws. */
  readonly handle: (request: ApiRequest) => Promise<Reply>;
  /** Words a request that is refused before it reaches `handle`. */
  readonly refuse: (error: AppError) => Response;
  /** Told of requests whose answer could not be sent for a reason of ours; `about`: method and path. */
  readonly onFault: (error: unknown, about: string) => void;
}

/** Serves the API's handler on the loopback interface: bodies stream both ways with backpressure, a client that leaves aborts its request's signal. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const server = createServer({
    keepAliveTimeout: 70_000,
    headersTimeout: 30_000,
    requestTimeout: 0,
    maxHeaderSize: HEADERS_LIMIT_BYTES,
    // As fetch's Headers have it; else the first of two credentials would count, and the second go unseen.
    joinDuplicateHeaders: true,
  });
  server.on("clientError", refuseUnparsed);
  // A refused or failed request must not cost the connection's other requests an answer, nor the process its life.
  server.on("request", (incoming, outgoing) => {
    if (options.intercept?.(incoming, outgoing) === true) return;
    answer(options, incoming, outgoing).catch((error: unknown) => {
      options.onFault(error, `${incoming.method ?? ""} ${withoutQuery(incoming.url ?? "")}`);
      outgoing.destroy();
    });
  });
  const port = await listen(server, options.port);
  return { port, url: `http://127.0.0.1:${port}`, close: () => close(server) };
}

/** What node:http can't parse never becomes a request; the answer still is problem+json. */
function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const [status, code, detail] = isTooLarge
    ? [431, "TooLarge", `the address and headers are larger than ${HEADERS_LIMIT_BYTES} bytes`]
    : [400, "InvalidArgument", "the request is not valid HTTP"];
  const body = JSON.stringify({
    type: `urn:trainyard:error:${code}`,
    title: STATUS_CODES[status],
    status,
    code,
    detail,
  });
  const headers = `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n\r\n${body}`);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(wordListenError(error, port)));
    server.listen({ port, host: "127.0.0.1", backlog: 1024 }, () => resolve((server.address() as AddressInfo).port));
  });
}

function wordListenError(error: NodeJS.ErrnoException, port: number): unknown {
  if (error.code === "EADDRINUSE") {
    const hint =
      "stop the program that uses it, or start with `--port` and another number (`--port 0` takes any free one)";
    return new AppError("Conflict", `port ${port} is taken by another program`, { port, hint }, { cause: error });
  }
  if (error.code === "EACCES") {
    const hint = "use a port from 1024 up with `--port`";
    return new AppError("Forbidden", `this account may not listen on port ${port}`, { port, hint }, { cause: error });
  }
  return error;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(cut);
}

async function answer(options: HttpOptions, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  let reply: Reply;
  try {
    reply = await options.handle(toRequest(incoming, outgoing));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    reply = options.refuse(error);
  }
  await send(reply, incoming, outgoing);
  discard(incoming);
}
