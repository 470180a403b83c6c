import { imports as routes } from "../contract/routes/imports.ts";
import { importLoggedModel, importRun } from "../core/tracking/import.ts";
import type { LoggedModelDeps } from "../core/tracking/logged-models.ts";
import type { RunDeps } from "../core/tracking/runs.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

/** What MLflow's own calls can't make: runs and logged models with ids of elsewhere. The rest of a move goes through MLflow's API. */
export function makeImportRoutes(deps: RunDeps & LoggedModelDeps): RawRoute[] {
  return [
    implement(routes.run, async ({ params, body, call }) => {
      const { run, made } = await importRun(deps, {
        workspace: params.workspace,
        principal: call.principal,
        runId: params.run,
        experimentId: body.experiment_id,
        name: body.name,
        userId: body.user_id,
        startMs: body.start_time,
        tags: Object.entries(body.tags),
      });
      return { run_id: run.runId, artifact_uri: run.artifactUri, made };
    }),
    implement(routes.loggedModel, async ({ params, body, call }) => {
      const { model, made } = await importLoggedModel(deps, {
        workspace: params.workspace,
        principal: call.principal,
        modelId: params.model,
        experimentId: body.experiment_id,
        name: body.name,
        modelType: body.model_type,
        sourceRunId: body.source_run_id,
        createdMs: body.creation_time,
        params: Object.entries(body.params),
        tags: Object.entries(body.tags),
      });
      return { model_id: model.modelId, artifact_uri: model.artifactUri, made };
    }),
  ];
}
