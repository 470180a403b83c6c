import { experiments } from "../../client/routes.ts";
import type { ExperimentSummary } from "../../contract/jobs.ts";
import { command, type Noun } from "../command.ts";
import { ago, archivedQuery, collect, flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { type Column, list, one } from "../output/shown.ts";

const COLUMNS: readonly Column<ExperimentSummary>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Id", of: (it) => it.id },
  { head: "Archived", of: (it) => (it.archived ? "yes" : "") },
  { head: "Updated", of: (it) => ago(it.updated_at) },
];

async function archive(ctx: Ctx, name: string, archived: boolean) {
  const { client, workspace } = await ctx.link();
  return one(await client.call(experiments.update, { params: { workspace, name }, body: { archived } }));
}

export const experiment: Noun = {
  brief: "Experiments: jobs that belong together",
  verbs: {
    list: command({
      brief: "Experiments of the workspace",
      flags: {
        maxResults: flags.maxResults(),
        archivedOnly: flags.archivedOnly(),
        includeArchived: flags.includeArchived(),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const items = await collect(ctx, given.maxResults, (page) =>
          client.call(experiments.list, { params: { workspace }, query: { ...page, ...archivedQuery(given) } }),
        );
        return list(items, COLUMNS);
      },
    }),
    show: command({
      brief: "One experiment",
      flags: { name: flags.name("experiment") },
      run: async (ctx, { name }) => {
        const { client, workspace } = await ctx.link();
        return one(await client.call(experiments.get, { params: { workspace, name } }));
      },
    }),
    archive: command({
      brief: "Hide an experiment from lists",
      flags: { name: flags.name("experiment") },
      run: (ctx, { name }) => archive(ctx, name, true),
    }),
    restore: command({
      brief: "Show an archived experiment in lists again",
      flags: { name: flags.name("experiment") },
      run: (ctx, { name }) => archive(ctx, name, false),
    }),
  },
};
