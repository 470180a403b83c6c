import { makeApp } from "../api/app.ts";
import type { ApiRequest } from "../api/raw-route.ts";
import type { Reply } from "../api/reply.ts";
import { makeAuthenticate } from "./authenticate.ts";
import type { Ground, Part } from "./part.ts";
import type { Stores } from "./stores.ts";

/** The whole API of a home as one function, from its rooms. */
export function makeHandle(
  ground: Ground,
  stores: Stores,
  parts: readonly Part[],
): (request: ApiRequest) => Promise<Reply> {
  return makeApp({
    routes: parts.flatMap((part) => part.routes ?? []),
    authenticate: makeAuthenticate(ground, stores),
    hasWorkspace: stores.workspaces.isThere,
    requestId: () => ground.ids.hex32(),
    onFault: (error, about) => ground.log.fault("a request failed", error, about),
  });
}
