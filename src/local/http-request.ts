import type { IncomingMessage, ServerResponse } from "node:http";
import type { ApiRequest } from "../api/raw-route.ts";
import { checkTarget, withoutQuery } from "../api/target.ts";
import { AppError } from "../contract/errors.ts";
import { allOf, bodyOf } from "./http-body.ts";

/** A request as the API takes it. Body and signal are made when they are asked for: most requests need no stream, and none of them an AbortController. */
export function toRequest(incoming: IncomingMessage, outgoing: ServerResponse): ApiRequest {
  const url = checkedUrl(incoming);
  const { headers } = incoming;
  const method = incoming.method ?? "GET";
  const isBare = method === "GET" || method === "HEAD";
  const hasBody = !isBare && (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined);
  let body: ReadableStream<Uint8Array> | null | undefined;
  let signal: AbortSignal | undefined;
  return {
    method,
    url,
    headers: {
      get(name) {
        const value = headers[name.toLowerCase()];
        return value === undefined ? null : typeof value === "string" ? value : value.join(", ");
      },
    },
    get signal() {
      signal ??= leavingOf(outgoing);
      return signal;
    },
    get body() {
      if (body === undefined) body = hasBody ? bodyOf(incoming) : null;
      return body;
    },
    readAll: (limit) => (hasBody ? allOf(incoming, limit) : Promise.resolve(new Uint8Array(0))),
  };
}

/** Aborted when the client leaves before its answer is complete. */
function leavingOf(outgoing: ServerResponse): AbortSignal {
  const leaving = new AbortController();
  const check = (): void => {
    if (!outgoing.writableFinished) leaving.abort();
  };
  if (outgoing.destroyed) check();
  else outgoing.once("close", check);
  return leaving.signal;
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
  checkTarget(withoutQuery(path));
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
