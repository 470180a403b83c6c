import { AppError } from "../contract/errors.ts";
import type { ExperimentSummary } from "../contract/jobs.ts";
import { experiments as routes } from "../contract/routes/jobs.ts";
import { checkExperimentTag } from "../core/tracking/names.ts";
import type { Experiment, ExperimentStore } from "../core/tracking/ports.ts";
import { mustBePerson } from "../core/tracking/rights.ts";
import { implement } from "./implement.ts";
import { paged } from "./models.ts";
import type { RawRoute } from "./raw-route.ts";

/** Experiments by name; MLflow's calls know the same ones by id. */
export function makeExperimentRoutes(deps: { readonly experiments: ExperimentStore }): RawRoute[] {
  async function find(workspace: string, name: string): Promise<Experiment> {
    const found = await deps.experiments.find(workspace, name);
    if (found === undefined)
      throw new AppError("NotFound", `there is no experiment \`${name}\` in workspace \`${workspace}\``);
    return found;
  }
  return [
    implement(routes.list, async ({ params, query }) => {
      const { archived = "false" } = query;
      const all = await deps.experiments.list(params.workspace);
      const shown = all.filter(
        ({ lifecycle }) => archived === "all" || (lifecycle === "deleted") === (archived === "true"),
      );
      const page = paged(shown, ({ id }) => Number(id), query, "experiments");
      return { ...page, items: page.items.map(viewOf) };
    }),
    implement(routes.get, async ({ params }) => viewOf(await find(params.workspace, params.name))),
    implement(routes.update, async ({ params, body, call }) => {
      mustBePerson(call.principal, "change an experiment");
      const { id } = await find(params.workspace, params.name);
      const { archived, tags = {} } = body;
      for (const [key, value] of Object.entries(tags)) checkExperimentTag(key, value);
      const action = archived === undefined ? "update" : archived ? "archive" : "restore";
      const about = { actor: call.principal.name, action, summary: `experiment \`${params.name}\`: ${action}` };
      const changed = await deps.experiments.change(params.workspace, id, about, (before) => ({
        tags: { ...before.tags, ...tags },
        ...(archived === undefined ? {} : { lifecycle: archived ? "deleted" : "active" }),
      }));
      return viewOf(changed);
    }),
  ];
}

function viewOf(experiment: Experiment): ExperimentSummary {
  return {
    name: experiment.name,
    id: experiment.id,
    archived: experiment.lifecycle === "deleted",
    tags: { ...experiment.tags },
    created_at: new Date(experiment.createdMs).toISOString(),
    updated_at: new Date(experiment.updatedMs).toISOString(),
  };
}
