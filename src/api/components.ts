import type * as z from "zod";
import type { ComponentSpec } from "../contract/assets.ts";
import { components as routes } from "../contract/routes/assets.ts";
import type { AssetVersion } from "../core/assets/ports.ts";
import { registerComponent } from "../core/components/register-component.ts";
import type { Digest } from "../core/ports/digest.ts";
import { type AssetRouteDeps, makeAssetRoutes, viewBase } from "./assets.ts";
import type { RawRoute } from "./raw-route.ts";

export function makeComponentRoutes(deps: AssetRouteDeps & { readonly digest: Digest }): RawRoute[] {
  const register = (input: Parameters<typeof registerComponent>[1]) => registerComponent(deps, input);
  return makeAssetRoutes<z.output<typeof ComponentSpec>>(deps, "component", routes, register, view);
}

function view(asset: AssetVersion, labels: readonly string[]) {
  const { spec, display_name } = asset.body;
  return {
    ...viewBase(asset, labels),
    ...(display_name === undefined ? {} : { display_name }),
    type: asset.type,
    spec,
    content_hash: asset.hash,
  };
}
