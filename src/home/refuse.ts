import type { RawRoute } from "../api/raw-route.ts";
import { AppError } from "../contract/errors.ts";
import type { Access, Method } from "../contract/route.ts";

/** What of a route is known without its implementation. */
interface Named {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly access: Access;
}

/** Routes of a room that this home has not: each says so, to those who may call it. */
export function refuseAll(routes: readonly Named[], reason: string, hint: string): RawRoute[] {
  return routes.map(({ id, method, path, access }) => ({
    id,
    method,
    path,
    access,
    base: "root",
    handle: () => {
      throw new AppError("NotSupported", reason, { hint });
    },
  }));
}
