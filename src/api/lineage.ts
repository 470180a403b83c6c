import { lineage as routes } from "../contract/routes/lineage.ts";
import type { LineageDeps } from "../core/lineage/near.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

export function makeLineageRoutes(deps: LineageDeps): RawRoute[] {
  return [
    implement(routes.get, async ({ params: { workspace }, query }) => {
      // Most functions that start are never asked.
      const { getLineage } = await import("../core/lineage/get-lineage.ts");
      return getLineage(deps, { workspace, ...query });
    }),
  ];
}
