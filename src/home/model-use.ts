import type { ModelUse } from "../core/endpoints/ports.ts";
import type { Table } from "../core/ports/table.ts";
import { modelReleaseWrites, modelUseWrites } from "../store/models.ts";

/** Deployments' holds on registered models, as writes of a change. */
export function makeModelUse(table: Table): ModelUse {
  const partsOf = (asset: string) => {
    const [, name = "", version = ""] = /^azureml:(.+):([^:]+)$/.exec(asset) ?? [];
    return { name, version };
  };
  return {
    use: (workspace, asset, user) => modelUseWrites(table, { workspace, ...partsOf(asset), user }),
    release: (workspace, asset, user) => modelReleaseWrites(table, { workspace, ...partsOf(asset), user }),
  };
}
