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

/** The same routes, but for those named in `ids`, which say why they are not to be had. Throws for an id there is not. */
export function refuseSome(
  routes: readonly RawRoute[],
  ids: readonly string[],
  reason: string,
  hint: string,
): RawRoute[] {
  const unknown = ids.find((id) => !routes.some((route) => route.id === id));
  if (unknown !== undefined) throw new Error(`there is no route \`${unknown}\` to refuse`);
  return routes.flatMap((route) => (ids.includes(route.id) ? refuseAll([route], reason, hint) : [route]));
}
