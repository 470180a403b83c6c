import { homeMembers, members } from "../../client/routes.ts";
import type { Member } from "../../contract/access.ts";
import { command, flag, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";

const COLUMNS: readonly Column<Member>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Role", of: (it) => it.role },
  { head: "Workspace", of: (it) => it.workspace },
  { head: "Since", of: (it) => ago(it.created_at) },
  { head: "By", of: (it) => it.created_by },
];

const EVERYWHERE = flag.is("In every workspace of the home, also those to come");

export const member: Noun = {
  brief: "Members: who has which role in a workspace",
  verbs: {
    create: command({
      brief: "Give a person a role, or another one",
      flags: {
        name: flag.required("User name or e-mail address", { short: "n", placeholder: "person" }),
        role: flag.required("owner, contributor, reader, or a role of the workspace's own", { placeholder: "role" }),
        allWorkspaces: EVERYWHERE,
      },
      run: async (ctx, { name, role, allWorkspaces }) => {
        const { client, workspace } = await ctx.link();
        const body = { role };
        return one(
          allWorkspaces
            ? await client.call(homeMembers.put, { params: { name }, body })
            : await client.call(members.put, { params: { workspace, name }, body }),
        );
      },
    }),
    list: command({
      brief: "Who has a role in the workspace",
      flags: { allWorkspaces: flag.is("Who has a role in every workspace"), maxResults: flags.maxResults() },
      run: async (ctx, { allWorkspaces, maxResults }) => {
        const { client, workspace } = await ctx.link();
        const items = await collect(ctx, maxResults, (query) =>
          allWorkspaces
            ? client.call(homeMembers.list, { query })
            : client.call(members.list, { params: { workspace }, query }),
        );
        return list(items, COLUMNS);
      },
    }),
    delete: command({
      brief: "Take a person's role away",
      flags: {
        name: flag.required("User name or e-mail address", { short: "n", placeholder: "person" }),
        allWorkspaces: EVERYWHERE,
        yes: flags.yes(),
      },
      run: async (ctx, { name, allWorkspaces, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(
          ctx,
          yes,
          `take ${name}'s role ${allWorkspaces ? "in every workspace" : `in ${workspace}`} away?`,
        );
        if (allWorkspaces) await client.call(homeMembers.delete, { params: { name } });
        else await client.call(members.delete, { params: { workspace, name } });
        return nothing();
      },
    }),
  },
};
