import { makeBatchEndpointRoutes } from "../api/batch-endpoints.ts";
import type { BatchEndpointDeps } from "../core/batch-endpoints/ports.ts";
import { openBatchEndpointStore } from "../store/batch-endpoints.ts";
import type { Ground, Part } from "./part.ts";
import type { Stores } from "./stores.ts";

/** Published pipelines. Its records are opened here: no other room reads them. */
export function composeBatchEndpoints(
  ground: Ground,
  stores: Stores,
  others: Pick<BatchEndpointDeps, "digest" | "submit">,
): Part {
  const batchEndpoints = openBatchEndpointStore(ground);
  return { routes: makeBatchEndpointRoutes({ ...ground, ...stores, ...others, batchEndpoints }) };
}
