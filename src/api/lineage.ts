import { lineage as routes } from "../contract/routes/lineage.ts";
import { getLineage } from "../core/lineage/get-lineage.ts";
import type { LineageDeps } from "../core/lineage/near.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

export function makeLineageRoutes(deps: LineageDeps): RawRoute[] {
  return [implement(routes.get, ({ params: { workspace }, query }) => getLineage(deps, { workspace, ...query }))];
}
