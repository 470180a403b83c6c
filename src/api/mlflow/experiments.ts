import { missing } from "../../core/tracking/errors.ts";
import {
  createExperiment,
  deleteExperimentTag,
  type ExperimentUseDeps,
  findExperiment,
  renameExperiment,
  searchExperiments,
  setExperimentLifecycle,
  setExperimentTag,
} from "../../core/tracking/experiments.ts";
import { experimentOf } from "../../core/tracking/runs.ts";
import { type SearchDeps, searchDatasets } from "../../core/tracking/search-runs.ts";
import type { RawRoute } from "../raw-route.ts";
import { viewOf } from "./args.ts";
import { experimentJson } from "./render.ts";
import { type MlflowCall, mlflowRoutes } from "./route.ts";

const P = "/2.0/mlflow/experiments";
const READ = { resource: "tracking", action: "read" } as const;
const CREATE = { resource: "tracking", action: "create" } as const;
const UPDATE = { resource: "tracking", action: "update" } as const;
const DELETE = { resource: "tracking", action: "delete" } as const;

export function experimentRoutes(deps: ExperimentUseDeps & SearchDeps): RawRoute[] {
  const search = async ({ args, workspace }: MlflowCall) => {
    const { experiments, next } = await searchExperiments(deps, workspace, {
      filter: args.text("filter"),
      orderBy: args.texts("order_by"),
      view: viewOf(args, "view_type"),
      maxResults: args.int("max_results") ?? 0,
      pageToken: args.text("page_token"),
    });
    return {
      ...(experiments.length === 0 ? {} : { experiments: experiments.map((each) => experimentJson(each, workspace)) }),
      ...(next === undefined ? {} : { next_page_token: next }),
    };
  };
  return [
    ...mlflowRoutes("POST", `${P}/create`, CREATE, async (call) => {
      const { args } = call;
      const experiment = await createExperiment(deps, {
        ...call,
        name: args.required("name"),
        artifactLocation: args.text("artifact_location"),
        tags: args.pairs("tags"),
      });
      return { experiment_id: experiment.id };
    }),
    ...mlflowRoutes("GET", `${P}/get`, READ, async ({ args, workspace }) => ({
      experiment: experimentJson(await experimentOf(deps, workspace, args.required("experiment_id")), workspace),
    })),
    ...mlflowRoutes("GET", `${P}/get-by-name`, READ, async ({ args, workspace }) => ({
      experiment: experimentJson(await findExperiment(deps, workspace, args.required("experiment_name")), workspace),
    })),
    ...mlflowRoutes("POST", `${P}/search`, READ, search),
    ...mlflowRoutes("GET", `${P}/search`, READ, search),
    ...mlflowRoutes("POST", `${P}/delete`, DELETE, (call) =>
      setExperimentLifecycle(deps, call, call.args.required("experiment_id"), "deleted"),
    ),
    ...mlflowRoutes("POST", `${P}/restore`, UPDATE, (call) =>
      setExperimentLifecycle(deps, call, call.args.required("experiment_id"), "active"),
    ),
    ...mlflowRoutes("POST", `${P}/update`, UPDATE, (call) =>
      renameExperiment(deps, call, call.args.required("experiment_id"), call.args.required("new_name")),
    ),
    ...mlflowRoutes("POST", `${P}/set-experiment-tag`, UPDATE, (call) => {
      const { args } = call;
      return setExperimentTag(
        deps,
        call,
        args.required("experiment_id"),
        args.required("key"),
        args.text("value") ?? "",
      );
    }),
    ...mlflowRoutes("POST", `${P}/delete-experiment-tag`, UPDATE, (call) =>
      deleteExperimentTag(deps, call, call.args.required("experiment_id"), call.args.required("key")),
    ),
    ...mlflowRoutes("POST", `${P}/search-datasets`, READ, async ({ args, workspace }) => {
      const found = await searchDatasets(deps, workspace, args.texts("experiment_ids"));
      if (found.length === 0) return {};
      return {
        dataset_summaries: found.map(({ experimentId, name, digest, context }) => ({
          experiment_id: experimentId,
          name,
          digest,
          ...(context === undefined || context === "" ? {} : { context }),
        })),
      };
    }),
  ];
}

/** Absent lists are errors where the call makes no sense without. */
export function requiredTexts(call: MlflowCall, name: string): string[] {
  if (call.args.raw(name) === undefined) throw missing(name);
  return call.args.texts(name);
}
