import { artifactPath } from "../../core/tracking/artifact-paths.ts";
import { type ArtifactDeps, listBelow } from "../../core/tracking/artifacts.ts";
import { missing } from "../../core/tracking/errors.ts";
import {
  createLoggedModel,
  deleteLoggedModel,
  finalizeLoggedModel,
  getLoggedModel,
  type LoggedModelDeps,
  logModelParams,
  searchLoggedModels,
  tagLoggedModel,
  untagLoggedModel,
} from "../../core/tracking/logged-models.ts";
import type { RawRoute } from "../raw-route.ts";
import { LOGGED_MODEL_STATUS } from "./args.ts";
import { requiredTexts } from "./experiments.ts";
import { filesJson, loggedModelJson } from "./render.ts";
import { type MlflowCall, mlflowRoutes } from "./route.ts";

const P = "/2.0/mlflow/logged-models";
const READ = { resource: "tracking", action: "read" } as const;
const CREATE = { resource: "tracking", action: "create" } as const;
const UPDATE = { resource: "tracking", action: "update" } as const;
const DELETE = { resource: "tracking", action: "delete" } as const;

const idOf = ({ call }: MlflowCall): string => call.params.model_id ?? "";

export function loggedModelRoutes(deps: LoggedModelDeps & ArtifactDeps): RawRoute[] {
  return [
    ...mlflowRoutes("POST", P, CREATE, async (call) => {
      const { args } = call;
      const model = await createLoggedModel(deps, {
        ...call,
        experimentId: args.required("experiment_id"),
        name: args.text("name"),
        modelType: args.text("model_type"),
        sourceRunId: args.text("source_run_id"),
        params: args.pairs("params"),
        tags: args.pairs("tags"),
      });
      return { model: loggedModelJson(model) };
    }),
    ...mlflowRoutes("POST", `${P}/search`, READ, async (call) => {
      const { args, workspace } = call;
      const { models, next } = await searchLoggedModels(deps, workspace, {
        experimentIds: requiredTexts(call, "experiment_ids"),
        filter: args.text("filter"),
        datasets: args
          .objects("datasets")
          .map((dataset) => ({ name: dataset.required("dataset_name"), digest: dataset.text("dataset_digest") })),
        orderBy: args.objects("order_by").map((order) => {
          const name = order.text("dataset_name");
          return {
            field: order.required("field_name"),
            ascending: order.flag("ascending") ?? true,
            dataset: name === undefined || name === "" ? undefined : { name, digest: order.text("dataset_digest") },
          };
        }),
        maxResults: args.int("max_results") || undefined,
        pageToken: args.text("page_token"),
      });
      return {
        ...(models.length === 0 ? {} : { models: models.map(loggedModelJson) }),
        ...(next === undefined ? {} : { next_page_token: next }),
      };
    }),
    ...mlflowRoutes("GET", `${P}/{model_id}`, READ, async (call) => ({
      model: loggedModelJson(await getLoggedModel(deps, call.workspace, idOf(call))),
    })),
    ...mlflowRoutes("PATCH", `${P}/{model_id}`, UPDATE, async (call) => {
      call.args.required("model_id");
      const status = call.args.oneOf("status", LOGGED_MODEL_STATUS);
      if (status === undefined) throw missing("status");
      return { model: loggedModelJson(await finalizeLoggedModel(deps, call, idOf(call), status)) };
    }),
    ...mlflowRoutes("DELETE", `${P}/{model_id}`, DELETE, (call) => deleteLoggedModel(deps, call, idOf(call))),
    ...mlflowRoutes("PATCH", `${P}/{model_id}/tags`, UPDATE, async (call) => {
      // The address names the model; the body may, as text.
      call.args.text("model_id");
      await tagLoggedModel(deps, call, idOf(call), call.args.pairs("tags"));
    }),
    ...mlflowRoutes("DELETE", `${P}/{model_id}/tags/{key+}`, UPDATE, async (call) => {
      await untagLoggedModel(deps, call, idOf(call), call.call.params.key ?? "");
    }),
    ...mlflowRoutes("POST", `${P}/{model_id}/params`, UPDATE, async (call) => {
      call.args.required("model_id");
      await logModelParams(deps, call, idOf(call), call.args.pairs("params"));
    }),
    ...mlflowRoutes("GET", `${P}/{model_id}/artifacts/directories`, READ, async (call) => {
      // A bad path is told before anything is looked up.
      const path = artifactPath(call.args.text("artifact_directory_path") ?? "");
      const model = await getLoggedModel(deps, call.workspace, idOf(call));
      const files = await listBelow(deps, call.workspace, model.artifactUri, path);
      return { root_uri: model.artifactUri, ...(files.length === 0 ? {} : { files: filesJson(files) }) };
    }),
  ];
}
