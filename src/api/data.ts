import type * as z from "zod";
import type { Data, DataSpec } from "../contract/assets.ts";
import { data as routes } from "../contract/routes/assets.ts";
import type { AssetVersion } from "../core/assets/ports.ts";
import { registerData } from "../core/data/register-data.ts";
import type { Files } from "../core/files/ports.ts";
import type { Digest } from "../core/ports/digest.ts";
import { type AssetRouteDeps, makeAssetRoutes, viewBase } from "./assets.ts";
import type { RawRoute } from "./raw-route.ts";

export function makeDataRoutes(deps: AssetRouteDeps & { readonly files: Files; readonly digest: Digest }): RawRoute[] {
  return makeAssetRoutes<z.output<typeof DataSpec>>(deps, "data", routes, (input) => registerData(deps, input), view);
}

function view(asset: AssetVersion, labels: readonly string[]) {
  const { path, size_bytes, file_count, content_hash, changes } = asset.body as Partial<Data>;
  return {
    ...viewBase(asset, labels),
    type: asset.type,
    path,
    ...(size_bytes === undefined ? {} : { size_bytes }),
    ...(file_count === undefined ? {} : { file_count }),
    ...(content_hash === undefined ? {} : { content_hash }),
    ...(changes === undefined ? {} : { changes }),
  };
}
