import type * as z from "zod";
import type { EnvironmentAssetSpec } from "../contract/assets.ts";
import { environments as routes } from "../contract/routes/assets.ts";
import type { AssetVersion } from "../core/assets/ports.ts";
import { readEnvironment } from "../core/environment-assets/body.ts";
import type { ImageBook } from "../core/environment-assets/ports.ts";
import type { RegisterEnvironmentDeps, registerEnvironment } from "../core/environment-assets/register-environment.ts";
import { makeAssetRoutes, viewBase } from "./assets.ts";
import type { RawRoute } from "./raw-route.ts";

export interface EnvironmentRouteDeps extends RegisterEnvironmentDeps {
  /** Absent where environments are made where they are used. */
  readonly images?: ImageBook;
}

export function makeEnvironmentRoutes(deps: EnvironmentRouteDeps): RawRoute[] {
  const register = async (input: Parameters<typeof registerEnvironment>[1]) =>
    (await import("../core/environment-assets/register-environment.ts")).registerEnvironment(deps, input);
  const more = async (asset: AssetVersion, workspace: string) => {
    const image = await deps.images?.stateOf(workspace, readEnvironment(asset).resolved);
    return image === undefined ? {} : { image };
  };
  return makeAssetRoutes<z.output<typeof EnvironmentAssetSpec>>(deps, "environment", routes, register, view, more);
}

function view(asset: AssetVersion, labels: readonly string[]) {
  return { ...viewBase(asset, labels), ...readEnvironment(asset), curated: asset.createdBy === "system" };
}
