import type { ExperimentUseDeps } from "../../core/tracking/experiments.ts";
import type { LoggedModelDeps } from "../../core/tracking/logged-models.ts";
import type { RawRoute } from "../raw-route.ts";
import { type ArtifactRouteDeps, artifactRoutes } from "./artifacts.ts";
import { experimentRoutes } from "./experiments.ts";
import { loggedModelRoutes } from "./logged-models.ts";
import { registryRoutes } from "./registry.ts";
import { type RunRouteDeps, runRoutes } from "./runs.ts";
import { serverRoutes } from "./server.ts";

export type MlflowDeps = ExperimentUseDeps & RunRouteDeps & LoggedModelDeps & ArtifactRouteDeps;

/** The MLflow server: tracking, logged models, registry, artifacts; under `/w/WORKSPACE` and at the root. */
export function makeMlflowRoutes(deps: MlflowDeps): RawRoute[] {
  return [
    ...serverRoutes(),
    ...experimentRoutes(deps),
    ...runRoutes(deps),
    ...loggedModelRoutes(deps),
    ...registryRoutes(deps),
    ...artifactRoutes(deps),
  ];
}
