import { activities } from "../../client/routes.ts";
import { command, flag, type Noun } from "../command.ts";
import { collect, flags } from "../common-flags.ts";
import { list } from "../output/shown.ts";

export const activity: Noun = {
  brief: "What was done, by whom",
  verbs: {
    list: command({
      brief: "What was done, newest first",
      flags: {
        resource: flag.text("Only about this kind: job, model, ...", { placeholder: "kind" }),
        name: flag.text("Only about the thing of this name", { short: "n", placeholder: "name" }),
        actor: flag.text("Only by this actor: user:owner, run:<id>", { placeholder: "actor" }),
        action: flag.text("Only of this action: create, update, delete, status", { placeholder: "action" }),
        maxResults: flags.maxResults(),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const { resource, name, actor, action } = given;
        const items = await collect(ctx, given.maxResults ?? 100, (page) =>
          client.call(activities.list, { params: { workspace }, query: { ...page, resource, name, actor, action } }),
        );
        return list(items, [
          { head: "At", of: (it) => it.at },
          { head: "Actor", of: (it) => it.actor },
          { head: "Action", of: (it) => it.action },
          { head: "Kind", of: (it) => it.resource },
          { head: "Name", of: (it) => it.name },
          { head: "Summary", of: (it) => it.summary },
        ]);
      },
    }),
  },
};
