import type * as z from "zod";
import type { EnvironmentAssetSpec } from "../contract/assets.ts";
import { environments as routes } from "../contract/routes/assets.ts";
import type { AssetVersion } from "../core/assets/ports.ts";
import { readEnvironment } from "../core/environment-assets/body.ts";
import { type RegisterEnvironmentDeps, registerEnvironment } from "../core/environment-assets/register-environment.ts";
import { makeAssetRoutes, viewBase } from "./assets.ts";
import type { RawRoute } from "./raw-route.ts";

export function makeEnvironmentRoutes(deps: RegisterEnvironmentDeps): RawRoute[] {
  const register = (input: Parameters<typeof registerEnvironment>[1]) => registerEnvironment(deps, input);
  return makeAssetRoutes<z.output<typeof EnvironmentAssetSpec>>(deps, "environment", routes, register, view);
}

function view(asset: AssetVersion, labels: readonly string[]) {
  return { ...viewBase(asset, labels), ...readEnvironment(asset), curated: asset.createdBy === "system" };
}
