import { tokens } from "../../client/routes.ts";
import type { Token, TokenSpec } from "../../contract/access.ts";
import { command, flag, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";

const COLUMNS: readonly Column<Token>[] = [
  { head: "Id", of: (it) => it.id },
  { head: "Name", of: (it) => it.name },
  { head: "Person", of: (it) => it.person },
  {
    head: "Roles",
    of: (it) =>
      Object.entries(it.roles)
        .map(([place, role]) => `${place}=${role}`)
        .join(" "),
  },
  { head: "Last used", of: (it) => ago(it.last_used_at) },
  { head: "Expires", of: (it) => it.expires_at.slice(0, 10) },
];

export const token: Noun = {
  brief: "Personal access tokens: what programs sign in with",
  verbs: {
    create: command({
      brief: "Make a token; it is shown this one time",
      flags: {
        name: flag.required("What it is for", { short: "n", placeholder: "words" }),
        role: flag.text("Role it has at most; default: all that you may, or reader where workspaces are named", {
          placeholder: "role",
        }),
        workspaces: flag.many("Workspaces it is for; default: with a role, the one commands work in", {
          placeholder: "workspace",
        }),
        allWorkspaces: flag.is("For every workspace"),
        person: flag.text("Whom it stands for; default: you", { placeholder: "person" }),
        days: flag.number("Days it is good for, 1 to 366; default: 90", { placeholder: "days" }),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const places = given.allWorkspaces ? ["*"] : given.workspaces.length > 0 ? given.workspaces : undefined;
        const body: TokenSpec = {
          name: given.name,
          ...(given.role === undefined && places === undefined
            ? {}
            : { roles: Object.fromEntries((places ?? [workspace]).map((place) => [place, given.role ?? "reader"])) }),
          days: given.days ?? 90,
          ...(given.person === undefined ? {} : { person: given.person }),
        };
        const made = await client.call(tokens.create, { body });
        if (ctx.human)
          ctx.note("keep it now: it is not shown again; set it as TRAINYARD_TOKEN or MLFLOW_TRACKING_TOKEN");
        return one(made);
      },
    }),
    list: command({
      brief: "Your tokens; everybody's for an owner of the home",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, { maxResults }) => {
        const { client } = await ctx.link();
        return list(await collect(ctx, maxResults, (query) => client.call(tokens.list, { query })), COLUMNS);
      },
    }),
    delete: command({
      brief: "Revoke a token",
      flags: { id: flag.required("Id of the token", { placeholder: "id" }), yes: flags.yes() },
      run: async (ctx, { id, yes }) => {
        const { client } = await ctx.link();
        await confirm(ctx, yes, `revoke token ${id}?`);
        await client.call(tokens.delete, { params: { id } });
        return nothing();
      },
    }),
  },
};
