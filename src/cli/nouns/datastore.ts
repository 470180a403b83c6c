import { datastores } from "../../client/routes.ts";
import type { Datastore, DatastoreSpec } from "../../contract/datastores.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { collect, confirm, flags, keyValues } from "../common-flags.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";
import { bytesText } from "../progress.ts";
import { takeInSpec } from "../take-in.ts";

const COLUMNS: readonly Column<Datastore>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Type", of: (it) => it.type },
  { head: "Default", of: (it) => (it.is_default ? "yes" : "") },
  { head: "Description", of: (it) => it.description },
];

export const datastore: Noun = {
  brief: "Places that hold data",
  verbs: {
    create: command({
      brief: "Make or change a datastore; credentials go to the vault and are not shown again",
      flags: { name: flags.maybeName("datastore"), file: flags.file(), set: flags.set() },
      run: async (ctx, given) => {
        const { name, spec } = await takeInSpec(ctx, "datastore", given.file, { set: given.set, name: given.name });
        if (name === undefined) throw missing("the name", "`--name NAME`");
        const { client, workspace } = await ctx.link();
        return one(await client.call(datastores.put, { params: { workspace, name }, body: spec }));
      },
    }),
    list: command({
      brief: "Datastores of the workspace",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        return list(
          await collect(ctx, given.maxResults, (query) =>
            client.call(datastores.list, { params: { workspace }, query }),
          ),
          COLUMNS,
        );
      },
    }),
    show: command({
      brief: "One datastore, without its credentials",
      flags: {
        name: flags.name("datastore"),
        includeSecrets: flag.is("Refused: secrets are never shown", { hidden: true }),
      },
      run: async (ctx, given) => {
        if (given.includeSecrets) ctx.warn("credentials stay in the vault; they are not shown");
        const { client, workspace } = await ctx.link();
        return one(await client.call(datastores.get, { params: { workspace, name: given.name } }));
      },
    }),
    update: command({
      brief: "Change a datastore's words, tags and settings; its credentials stay as they are",
      flags: {
        name: flags.name("datastore"),
        description: flag.text("What it is for", { placeholder: "text" }),
        tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
        set: flags.set(),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const now = await client.call(datastores.get, { params: { workspace, name: given.name } });
        const set = keyValues("--set", given.set);
        const spec = {
          ...now.settings,
          ...set,
          type: now.type,
          ...(given.description === undefined
            ? now.description === undefined
              ? {}
              : { description: now.description }
            : { description: given.description }),
          tags: given.tags.length > 0 ? keyValues("--tags", given.tags) : now.tags,
        };
        return one(
          await client.call(datastores.put, {
            params: { workspace, name: given.name },
            body: spec as unknown as DatastoreSpec,
          }),
        );
      },
    }),
    delete: command({
      brief: "Forget a datastore; its files stay",
      flags: { name: flags.name("datastore"), yes: flags.yes() },
      run: async (ctx, { name, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `forget datastore ${name}?`);
        await client.call(datastores.delete, { params: { workspace, name } });
        return nothing();
      },
    }),
    browse: command({
      brief: "What is in a folder of a datastore",
      flags: {
        name: flags.name("datastore"),
        path: flag.text("Folder; default: the top", { short: "p", placeholder: "path" }),
        maxResults: flags.maxResults(),
      },
      run: async (ctx, { name, path, maxResults }) => {
        const { client, workspace } = await ctx.link();
        const items = await collect(ctx, maxResults, (page) =>
          client.call(datastores.browse, { params: { workspace, name }, query: { ...page, path } }),
        );
        return list(items, [
          { head: "Path", of: (it) => (it.is_folder ? `${it.path.replace(/\/$/, "")}/` : it.path) },
          { head: "Size", of: (it) => (it.size_bytes === undefined ? "" : bytesText(it.size_bytes)) },
          { head: "Modified", of: (it) => it.modified_at },
        ]);
      },
    }),
  },
};
