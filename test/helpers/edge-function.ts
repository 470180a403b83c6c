import crypto from "node:crypto";
import { readFileSync } from "node:fs";

/** What the edge's function is, as text: it runs in the service's own language. */
export const EDGE_SOURCE = readFileSync(new URL("../../lambdas/edge/artifacts.js", import.meta.url), "utf8");

export interface EdgeRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Record<string, { value: string }>;
  readonly querystring: Record<string, { value: string }>;
  readonly cookies: object;
}

/** Runs the function as the service does; `stored` reads its store. Answers the request that goes on, and where. */
export async function runAtEdge(
  request: EdgeRequest,
  stored: (key: string) => Promise<string | undefined>,
): Promise<{ readonly request: EdgeRequest; readonly origin: string }> {
  let origin = "api";
  const cf = {
    kvs: () => ({
      exists: async (key: string) => (await stored(key)) !== undefined,
      async get(key: string) {
        const value = await stored(key);
        if (value === undefined) throw new Error(`the store has no \`${key}\``);
        return value;
      },
    }),
    selectRequestOriginById: (id: string) => {
      origin = id;
    },
  };
  const body = EDGE_SOURCE.replace(/^import .*$/gm, "");
  const handler = new Function("cf", "crypto", "Buffer", `${body}\nreturn handler;`)(cf, crypto, Buffer);
  return { request: await handler({ request }), origin };
}
