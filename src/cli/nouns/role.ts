import { roles } from "../../client/routes.ts";
import type { Role, RoleSpec } from "../../contract/access.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { collect, confirm, flags } from "../common-flags.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";

const COLUMNS: readonly Column<Role>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Description", of: (it) => it.description },
  { head: "Built in", of: (it) => (it.is_built_in ? "yes" : "") },
  { head: "Rights", of: (it) => `${it.rights.slice(0, 3).join(", ")}${it.rights.length > 3 ? ", …" : ""}` },
];

export const role: Noun = {
  brief: "Roles: what members may do",
  verbs: {
    create: command({
      brief: "Make a role of the workspace's own, or change it",
      flags: {
        name: flags.name("role"),
        rights: flag.many("RESOURCE/ACTION ..., with `*` for any: job/* '*/read'", { placeholder: "right" }),
        description: flag.text("What it is for", { placeholder: "text" }),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const rights = given.rights.flatMap((it) => it.split(/[\s,]+/)).filter((it) => it !== "");
        if (rights.length === 0) throw missing("what it may do", "`--rights 'job/*' '*/read'`");
        const { name, description } = given;
        const body: RoleSpec = { rights, ...(description === undefined ? {} : { description }) };
        return one(await client.call(roles.put, { params: { workspace, name }, body }));
      },
    }),
    list: command({
      brief: "Roles of the workspace, the built-in ones first",
      run: async (ctx) => {
        const { client, workspace } = await ctx.link();
        return list(
          await collect(ctx, undefined, (query) => client.call(roles.list, { params: { workspace }, query })),
          COLUMNS,
        );
      },
    }),
    show: command({
      brief: "One role, with all it may do",
      flags: { name: flags.name("role") },
      run: async (ctx, { name }) => {
        const { client, workspace } = await ctx.link();
        return one(await client.call(roles.get, { params: { workspace, name } }));
      },
    }),
    delete: command({
      brief: "Delete a role that nobody has",
      flags: { name: flags.name("role"), yes: flags.yes() },
      run: async (ctx, { name, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete role ${name}?`);
        await client.call(roles.delete, { params: { workspace, name } });
        return nothing();
      },
    }),
  },
};
