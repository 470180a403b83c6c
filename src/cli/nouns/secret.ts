import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { secrets } from "../../client/routes.ts";
import type { Secret } from "../../contract/secrets.ts";
import { command, flag, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";

const COLUMNS: readonly Column<Secret>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Description", of: (it) => it.description },
  { head: "Updated", of: (it) => ago(it.updated_at) },
  { head: "By", of: (it) => it.updated_by },
];

export const secret: Noun = {
  brief: "Values that jobs may have and nobody is shown: `${{secrets.NAME}}` among a job's environment variables",
  verbs: {
    set: command({
      brief: "Make a secret, or give it another value; without --value and --file it is read from stdin",
      flags: {
        name: flags.name("secret"),
        value: flag.text("The value; others of this machine may see it in the list of processes", {
          placeholder: "text",
        }),
        file: flag.text("File whose text is the value", { short: "f", placeholder: "file" }),
        description: flag.text("What it is for", { placeholder: "text" }),
      },
      run: async (ctx, { name, value, file, description }) => {
        const { client, workspace } = await ctx.link();
        const text =
          value ??
          (file === undefined
            ? // A value that is typed or piped ends with its line.
              (await ctx.io.readStdin()).replace(/\r?\n$/, "")
            : readFileSync(resolve(ctx.io.cwd, file), "utf8"));
        const body = { value: text, ...(description === undefined ? {} : { description }) };
        return one(await client.call(secrets.put, { params: { workspace, name }, body }));
      },
    }),
    list: command({
      brief: "Secrets of the workspace, without their values",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        return list(
          await collect(ctx, given.maxResults, (query) => client.call(secrets.list, { params: { workspace }, query })),
          COLUMNS,
        );
      },
    }),
    delete: command({
      brief: "Delete a secret; jobs that name it and have not started will fail",
      flags: { name: flags.name("secret"), yes: flags.yes() },
      run: async (ctx, { name, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete secret ${name}?`);
        await client.call(secrets.delete, { params: { workspace, name } });
        return nothing();
      },
    }),
  },
};
