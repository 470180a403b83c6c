import { AppError } from "../contract/errors.ts";
import type { Routing } from "../core/endpoints/ports.ts";
import { type EndpointRoute, type RouteDeps, readRoute } from "../core/endpoints/route.ts";
import { ABSENT, type Clause, type Table, type Value, type Write } from "../core/ports/table.ts";
import { routeKey } from "./facts/keys.ts";

const TRIES = 10;

/** What routers in other processes go by: one record an endpoint, which they read with each request. */
export interface RouteStore extends Routing {
  get(workspace: string, endpoint: string): Promise<EndpointRoute | undefined>;
}

export function openRouteReader(deps: { readonly table: Table }): Pick<RouteStore, "get"> {
  return {
    async get(workspace, endpoint) {
      const item = await deps.table.get(routeKey(workspace, endpoint));
      return item === undefined ? undefined : (item.route as unknown as EndpointRoute);
    },
  };
}

/** `refresh` makes the record equal to the records it sums up: it was read after what it replaces, or it is read again. */
export function openRouteStore(deps: RouteDeps & { readonly table: Table; readonly newId: () => string }): RouteStore {
  const { table, newId } = deps;

  async function tryRefresh(workspace: string, endpoint: string): Promise<boolean> {
    const key = routeKey(workspace, endpoint);
    const before = await table.get(key);
    const when: readonly Clause[] =
      before === undefined ? ABSENT : [{ attr: "mark", op: "eq", value: String(before.mark) }];
    const route = await readRoute(deps, workspace, endpoint);
    if (route === undefined && before === undefined) return true;
    const write: Write =
      route === undefined
        ? { kind: "delete", key, when }
        : { kind: "put", item: { ...key, type: "ROUTE", v: 1, mark: newId(), route: plain(route) }, when };
    return (await table.transact([write])).ok;
  }

  return {
    ...openRouteReader(deps),
    async refresh(workspace, endpoint) {
      for (let i = 0; i < TRIES; i++) if (await tryRefresh(workspace, endpoint)) return;
      throw new AppError("Unavailable", `the way to endpoint \`${endpoint}\` is changed by too many at once`, {
        hint: "repeat",
      });
    },
  };
}

function plain(value: EndpointRoute): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
