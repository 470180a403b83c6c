/** One HTTP request. `body` as a function makes a fresh stream, so that the request can be tried again. */
export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array> | (() => ReadableStream<Uint8Array>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What callers use of a response; the platform's `Response` is one. */
export interface WireResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
  text(): Promise<string>;
}

/** Carries requests; rejects with a TypeError or a system error when no response came. */
export type Transport = (request: WireRequest) => Promise<WireResponse>;

/** The platform's fetch as a transport. Redirects are not followed: a token goes only where the caller sent it. */
export function makeFetchTransport(fetcher: typeof fetch = fetch): Transport {
  return (request) => {
    const body = typeof request.body === "function" ? request.body() : request.body;
    const init: RequestInit & { duplex?: "half" } = {
      method: request.method,
      headers: { ...request.headers },
      redirect: "manual",
    };
    if (body !== undefined) init.body = body as NonNullable<RequestInit["body"]>;
    if (body instanceof ReadableStream) init.duplex = "half";
    if (request.signal !== undefined) init.signal = request.signal;
    return fetcher(request.url, init);
  };
}
