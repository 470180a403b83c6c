import { onTestFinished } from "vitest";
import { makeApp } from "../../src/api/app.ts";
import type { RawRoute } from "../../src/api/raw-route.ts";
import { grantsOf } from "../../src/core/auth/rights.ts";
import { tokenOf } from "../../src/core/auth/tokens.ts";
import { openHttp } from "../../src/local/http.ts";

export const FRAME_TOKEN = "frame-token";

/** The real frame over HTTP with handlers of the test's own; knows one token, whose holder may do everything. */
export async function serveFrame(
  routes: readonly RawRoute[],
): Promise<{ readonly url: string; readonly requests: string[] }> {
  let count = 0;
  const requests: string[] = [];
  const handle = makeApp({
    routes,
    authenticate: async (request) =>
      tokenOf(request.headers.get("authorization")) === FRAME_TOKEN
        ? { kind: "user", name: "user:tester", grants: grantsOf({ "*": "owner" }) }
        : undefined,
    requestId: () => `request-${++count}`,
    onFault: () => undefined,
  });
  const server = await openHttp({
    port: 0,
    handle: (request) => {
      const { pathname, search } = new URL(request.url);
      requests.push(`${request.method} ${pathname}${search}`);
      return handle(request);
    },
    refuse: (error) => new Response(error.message, { status: 400 }),
    onFault: () => undefined,
  });
  onTestFinished(() => server.close());
  return { url: server.url, requests };
}
