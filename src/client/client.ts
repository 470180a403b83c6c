import { ERRORS, isAppError } from "../contract/errors.ts";
import { type RetryPolicy, retrying } from "./retry.ts";
import { makeFetchTransport, type Transport, type WireRequest, type WireResponse } from "./transport.ts";
import type { CallAnswer, CallInput, RouteFacts } from "./types.ts";
import { errorOf, unreachable } from "./wire-error.ts";

export interface ClientOptions {
  /** The home's address: `http://127.0.0.1:7878`. A function is asked before each attempt: a restarted home may have moved. */
  readonly url: string | (() => string | Promise<string>);
  readonly token?: string | undefined | (() => string | undefined);
  readonly transport?: Transport;
  readonly fetch?: typeof fetch;
  readonly retry?: Partial<RetryPolicy>;
  /** For one attempt of a JSON call; default 60,000. Long polls wait 25,000 at most. */
  readonly timeoutMs?: number;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: WireRequest["body"];
  readonly signal?: AbortSignal | undefined;
}

/** The contract over HTTP. Failures are AppErrors: the server's own, or `Unavailable` when no answer came. */
export interface Client {
  /** Calls a route of the contract and answers its data. */
  call<R extends RouteFacts>(route: R, input: CallInput<R>): Promise<CallAnswer<R>>;
  /** The same, with status and headers (ETag, …). */
  full<R extends RouteFacts>(
    route: R,
    input: CallInput<R>,
  ): Promise<{ readonly value: CallAnswer<R>; readonly status: number; readonly headers: WireResponse["headers"] }>;
  /**
   * Bytes both ways, for addresses the API gave: one that starts with `/` is the home's and gets the token; an absolute one gets
   * only the headers given. Error statuses throw.
   */
  raw(url: string, request?: RawRequest): Promise<WireResponse>;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE"]);

export function makeClient(options: ClientOptions): Client {
  const transport = options.transport ?? makeFetchTransport(options.fetch);
  const policy: RetryPolicy = { attempts: 5, baseMs: 50, maxMs: 2000, ...options.retry };
  const timeoutMs = options.timeoutMs ?? 60_000;

  async function base(): Promise<string> {
    const url = typeof options.url === "string" ? options.url : await options.url();
    return url.replace(/\/+$/, "");
  }

  function authorization(): Record<string, string> {
    const token = typeof options.token === "function" ? options.token() : options.token;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** One attempt: rejects for statuses of 300 and above, too. */
  async function attempt(request: WireRequest, about: string): Promise<WireResponse> {
    let response: WireResponse;
    try {
      response = await transport(request);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw unreachable(error, request.url);
    }
    const elsewhere = redirected(request, response);
    if (elsewhere !== undefined) {
      await response.text();
      return attempt(elsewhere, about);
    }
    if (response.status >= 300) {
      const error = await errorOf(response, about);
      const after = Number(response.headers.get("retry-after") ?? Number.NaN);
      throw Number.isFinite(after) ? Object.assign(error, { retryAfterMs: after * 1000 }) : error;
    }
    return response;
  }

  function mayRetry(method: string, body: WireRequest["body"], error: unknown): boolean {
    if (body instanceof ReadableStream || !isAppError(error)) return false;
    if (!ERRORS[error.code].retry || error.code === "Internal") return false;
    // A refused connection or a turned-away request did nothing, whatever its method.
    const untouched = error.details.cause === "ECONNREFUSED" || error.code === "TooManyRequests";
    return untouched || IDEMPOTENT.has(method);
  }

  /** `read` is part of each attempt: half an answer is no answer. */
  async function send<T>(
    path: string,
    request: RawRequest,
    read: (response: WireResponse) => T | Promise<T>,
    timeout?: number,
  ): Promise<T> {
    const method = request.method ?? "GET";
    return retrying(
      policy,
      async () => {
        const ours = path.startsWith("/");
        const limit = limited(request.signal, timeout);
        const url = ours ? `${await base()}${path}` : path;
        const wire: WireRequest = {
          method,
          url,
          headers: { ...(ours ? authorization() : {}), ...request.headers },
          ...(request.body === undefined ? {} : { body: request.body }),
          ...(limit.signal === undefined ? {} : { signal: limit.signal }),
        };
        try {
          return await read(await attempt(wire, `${method} ${path.split("?", 1)[0]}`));
        } catch (error) {
          request.signal?.throwIfAborted();
          throw isAppError(error) ? error : unreachable(error, url);
        } finally {
          limit.clear();
        }
      },
      (error) => mayRetry(method, request.body, error),
      request.signal,
    );
  }

  async function full<R extends RouteFacts>(route: R, input: CallInput<R>) {
    const { path, bytesIn, bytesOut } = place(route, input);
    const headers: Record<string, string> = { accept: "application/json", ...input.headers };
    const body = input.body as unknown;
    if (body !== undefined) headers["content-type"] ??= bytesIn ? "application/octet-stream" : "application/json";
    const { response, value } = await send(
      path,
      {
        method: route.method,
        headers,
        body: body === undefined ? undefined : bytesIn ? (body as Uint8Array) : JSON.stringify(body),
        signal: input.signal,
      },
      async (got) => ({ response: got, value: (bytesOut ? got : await json(got)) as CallAnswer<R> }),
      bytesIn || bytesOut ? undefined : timeoutMs,
    );
    return { value, status: response.status, headers: response.headers };
  }

  return {
    call: async (route, input) => (await full(route, input)).value,
    full,
    raw: (url, request = {}) => send(url, request, (response) => response),
  };
}

/** Where a home sends a reader for bytes that it does not carry itself: another host, which gets no token and sends nobody on. */
function redirected(request: WireRequest, response: WireResponse): WireRequest | undefined {
  const location = response.headers.get("location");
  if (![302, 303, 307, 308].includes(response.status) || request.method !== "GET" || location === null)
    return undefined;
  const [from, to] = [new URL(request.url), new URL(location, request.url)];
  if (to.origin === from.origin || request.headers.authorization === undefined) return undefined;
  const { range } = request.headers;
  return { ...request, url: to.href, headers: range === undefined ? {} : { range } };
}

/** The caller's signal and a timeout in one, until the answer's head is there. By hand: `AbortSignal.any` takes 5 ms at its first use. */
function limited(signal: AbortSignal | undefined, timeoutMs: number | undefined) {
  if (timeoutMs === undefined) return { signal, clear: () => undefined };
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new DOMException("the home did not answer in time", "TimeoutError")),
    timeoutMs,
  );
  const onAbort = () => abort.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: abort.signal,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

async function json(response: WireResponse): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("the answer is not JSON; is this a Trainyard address?", { cause });
  }
}

/** The address of a call, and whether bytes travel. */
function place(route: RouteFacts, input: { readonly params?: object; readonly query?: object }) {
  const params = (input.params ?? {}) as Record<string, unknown>;
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new TypeError(`${route.id}: parameter ${name} is missing`);
    return encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) query.set(key, String(value));
  }
  const known = route as RouteFacts & { body?: unknown; answer?: unknown; bytesIn?: true; bytesOut?: true };
  return {
    path: query.size === 0 ? path : `${path}?${query}`,
    bytesIn: known.bytesIn === true || known.body === "bytes",
    bytesOut: known.bytesOut === true || known.answer === "bytes",
  };
}
