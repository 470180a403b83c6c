import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { AppError } from "../contract/errors.ts";
import { bodyOf, discard } from "./http-body.ts";

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
  readonly handle: (request: Request) => Promise<Response>;
  /** Words a request that is refused before it reaches `handle`. */
  readonly refuse: (error: AppError) => Response;
  /** Told of requests whose answer could not be sent for a reason of ours. */
  readonly onFault: (error: unknown, about: string) => void;
}

/** Serves a fetch-style handler on the loopback interface: bodies stream both ways with backpressure, a client that leaves aborts its request's signal. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const server = createServer({
    keepAliveTimeout: 70_000,
    headersTimeout: 30_000,
    requestTimeout: 0,
    maxHeaderSize: HEADERS_LIMIT_BYTES,
  });
  server.on("clientError", refuseUnparsed);
  // A refused or failed request must not cost the connection's other requests an answer, nor the process its life.
  server.on("request", (incoming, outgoing) => {
    if (options.intercept?.(incoming, outgoing) === true) return;
    answer(options, incoming, outgoing).catch((error: unknown) => {
      options.onFault(error, `${incoming.method ?? ""} ${incoming.url ?? ""}`);
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
  const leaving = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) leaving.abort();
  });
  let response: Response;
  try {
    response = await options.handle(toRequest(incoming, leaving.signal));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    response = options.refuse(error);
  }
  await send(response, incoming, outgoing);
  discard(incoming);
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const url = checkedUrl(incoming);
  const headers = new Headers();
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  const method = incoming.method ?? "GET";
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers, signal });
  // fetch's Request refuses these three; a name nobody answers gets the frame's own 405.
  const asked = ["TRACE", "TRACK", "CONNECT"].includes(method) ? `X-${method}` : method;
  const hasBody = headers.has("content-length") || headers.has("transfer-encoding");
  if (!hasBody) return new Request(url, { method: asked, headers, signal });
  return new Request(url, { method: asked, headers, signal, body: bodyOf(incoming), duplex: "half" });
}

/** Only loopback names are answered, so that a web page whose name resolves to this machine (DNS rebinding) can't talk to the home; nor can a page of another origin. */
function checkedUrl(incoming: IncomingMessage): URL {
  const { host, origin } = incoming.headers;
  const path = incoming.url ?? "/";
  if (host === undefined || !isLoopback(host)) {
    const hint = "use the address `yard up` printed";
    throw new AppError("Forbidden", `host \`${host ?? ""}\` is not a name of this machine's loopback interface`, {
      hint,
    });
  }
  if (origin !== undefined && !isSameOrigin(origin, host)) {
    throw new AppError("Forbidden", `pages of origin \`${origin}\` may not call this home`);
  }
  if (!path.startsWith("/")) throw new AppError("InvalidPath", "the request's target must begin with `/`");
  try {
    return new URL(`http://${host}${path}`);
  } catch (cause) {
    throw new AppError("InvalidPath", "the request's address is not a valid URL", {}, { cause });
  }
}

const LOOPBACK = /^(?:localhost|[a-z0-9-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

function isSameOrigin(origin: string, host: string): boolean {
  return origin.toLowerCase() === `http://${host.toLowerCase()}`;
}

async function send(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== "set-cookie") outgoing.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (response.body === null || incoming.method === "HEAD") {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  if (isWhole(response)) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    outgoing.setHeader("content-length", bytes.byteLength);
    outgoing.end(bytes);
    return;
  }
  await pump(response.body, outgoing);
}

/** JSON answers are in memory already: sent in one piece with their length. What knows its length is a file, of whatever type, and streams. */
function isWhole(response: Response): boolean {
  const { headers } = response;
  return !headers.has("content-length") && /^application\/(?:problem\+)?json/.test(headers.get("content-type") ?? "");
}

async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader();
  outgoing.once("close", () => {
    // Fails only for a stream that has failed already.
    reader.cancel().catch(() => undefined);
  });
  outgoing.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (outgoing.destroyed) return;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off("drain", go);
      outgoing.off("close", go);
      resolve();
    };
    outgoing.once("drain", go);
    outgoing.once("close", go);
  });
}
