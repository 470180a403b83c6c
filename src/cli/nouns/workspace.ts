import { workspaces } from "../../client/routes.ts";
import type { Workspace } from "../../contract/workspaces.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { ago, collect, confirm, flags, keyValues } from "../common-flags.ts";
import { secondsOf } from "../length-of-time.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";
import { loadFields } from "../take-in.ts";

const COLUMNS: readonly Column<Workspace>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Description", of: (it) => it.description ?? it.display_name },
  { head: "Created", of: (it) => ago(it.created_at) },
  { head: "Freed", of: (it) => it.deletes_at },
];

const AZURE = {
  location: flag.text("Accepted for Azure scripts; no effect", { short: "l", hidden: true }),
  managedNetwork: flag.text("Accepted for Azure scripts; no effect", { short: "m", hidden: true }),
  noWait: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
};
const WORDS = {
  displayName: flag.text("Name for people", { placeholder: "text" }),
  description: flag.text("What it is for", { placeholder: "text" }),
  tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
  retention: flag.text("What was deleted longer ago is freed by itself, every day: 30d; `none` ends that", {
    placeholder: "time",
  }),
};

const STORAGE = {
  storageBucket: flag.text("Bucket of its own: an ARN, or `own` for a new one", { placeholder: "arn" }),
  kmsKey: flag.text("KMS key of that bucket and of its own secret: an ARN, or `own`", { placeholder: "arn" }),
  secret: flag.text("Secret by which its secrets are encrypted: an ARN, or `own`", { placeholder: "arn" }),
  repository: flag.text("ECR repository of its environments' images: an ARN, or `own`", { placeholder: "arn" }),
};

/** What storage a workspace is to have of its own. Azure's resources, which a file may name, are none of it. */
function storageOf(
  file: Record<string, unknown>,
  given: { readonly [Flag in keyof typeof STORAGE]: string | undefined },
  note: (line: string) => void,
): Record<string, unknown> | undefined {
  const customerKey = (file.customer_managed_key as { readonly key_uri?: unknown } | undefined)?.key_uri;
  const asked = {
    bucket: ["storage_account", given.storageBucket ?? file.storage_account],
    key: ["customer_managed_key", given.kmsKey ?? customerKey],
    secret: ["key_vault", given.secret ?? file.key_vault],
    repository: ["container_registry", given.repository ?? file.container_registry],
  } as const;
  const storage = Object.entries(asked).flatMap(([what, [field, value]]) => {
    if (value === undefined || value === null) return [];
    if (!/^(?:\/?subscriptions\/|https?:)/i.test(String(value))) return [[what, value]];
    note(`\`${field}\` names a resource of Azure: this workspace uses the home's`);
    return [];
  });
  return storage.length === 0 ? undefined : Object.fromEntries(storage);
}

function retentionOf(text: string | undefined, standing: Workspace["retention"]): Workspace["retention"] {
  if (text === undefined) return standing;
  return text === "none" ? undefined : { ...standing, deleted_days: secondsOf("--retention", text) / 86_400 };
}

function spec(
  file: Record<string, unknown>,
  given: {
    displayName: string | undefined;
    description: string | undefined;
    tags: readonly string[];
    retention: string | undefined;
  },
  standing?: Workspace["retention"],
) {
  const words = {
    display_name: given.displayName ?? file.display_name,
    description: given.description ?? file.description,
  };
  const tags = given.tags.length > 0 ? keyValues("--tags", given.tags) : file.tags;
  return Object.fromEntries(
    Object.entries({ ...words, tags, retention: retentionOf(given.retention, standing) }).filter(
      ([, value]) => value !== undefined && value !== null,
    ),
  );
}

export const workspace: Noun = {
  brief: "Workspaces: everything else lives in one",
  verbs: {
    create: command({
      brief: "Make a workspace, or change its words",
      flags: {
        name: flags.maybeName("workspace"),
        file: flags.maybeFile(),
        set: flags.set(),
        ...WORDS,
        ...STORAGE,
        ...AZURE,
      },
      run: async (ctx, given) => {
        const { client } = await ctx.link();
        const file = given.file === undefined ? {} : await loadFields(ctx, "workspace", given.file, given.set);
        const name = given.name ?? file.name;
        if (typeof name !== "string") throw missing("the name", "`yard workspace create --name NAME`");
        const storage = storageOf(file, given, (line) => ctx.note(line));
        const body = { ...spec(file, given), ...(storage === undefined ? {} : { storage }) };
        return one(await client.call(workspaces.put, { params: { workspace: name }, body }));
      },
    }),
    list: command({
      brief: "Workspaces of the home",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, given) => {
        const { client } = await ctx.link();
        return list(await collect(ctx, given.maxResults, (query) => client.call(workspaces.list, { query })), COLUMNS);
      },
    }),
    show: command({
      brief: "One workspace; default: the one commands work in",
      flags: { name: flag.text("Name of the workspace", { short: "n", placeholder: "name" }) },
      run: async (ctx, { name }) => {
        const { client, workspace: current } = await ctx.link();
        return one(await client.call(workspaces.get, { params: { workspace: name ?? current } }));
      },
    }),
    update: command({
      brief: "Change a workspace's words and tags",
      flags: {
        name: flag.text("Name of the workspace", { short: "n", placeholder: "name" }),
        file: flags.maybeFile(),
        set: flags.set(),
        ...WORDS,
      },
      run: async (ctx, given) => {
        const { client, workspace: current } = await ctx.link();
        const name = given.name ?? current;
        const now = await client.call(workspaces.get, { params: { workspace: name } });
        const file = given.file === undefined ? {} : await loadFields(ctx, "workspace", given.file, given.set);
        const body = {
          display_name: now.display_name,
          description: now.description,
          tags: now.tags,
          ...spec(file, given, now.retention),
        };
        return one(await client.call(workspaces.put, { params: { workspace: name }, body }));
      },
    }),
    delete: command({
      brief: "Delete a workspace: an empty one at once, or with --all-resources any",
      flags: {
        name: flags.name("workspace"),
        yes: flags.yes(),
        allResources: flag.is("With all that is in it, after a time in which `yard workspace restore` takes it back"),
        grace: flag.text("That time, as 12h or 30d; default: 7d", { placeholder: "time" }),
        noWait: AZURE.noWait,
      },
      run: async (ctx, { name, yes, allResources, grace }) => {
        const { client } = await ctx.link();
        const params = { workspace: name };
        if (!allResources) {
          await confirm(ctx, yes, `delete workspace ${name}?`);
          await client.call(workspaces.delete, { params, query: {} });
          return nothing();
        }
        const { items } = await client.call(workspaces.contents, { params });
        for (const { what, count, is_more } of items) ctx.note(`  ${count}${is_more ? " or more" : ""} ${what}`);
        ctx.note("  and every file in its artifacts, logs and default datastore");
        const { storage = {} } = await client.call(workspaces.get, { params });
        for (const [what, place] of Object.entries(storage)) {
          if (place === undefined) continue;
          const { arn, is_own } = place;
          ctx.note(is_own ? `  and its own ${what}, ${arn}` : `  (${what} ${arn} stays: it was adopted)`);
        }
        await confirm(ctx, yes, `delete workspace ${name} with all of that?`);
        const graceSec = grace === undefined ? {} : { grace_sec: secondsOf("--grace", grace) };
        await client.call(workspaces.delete, { params, query: { contents: "true", ...graceSec } });
        return one(await client.call(workspaces.get, { params }));
      },
    }),
    restore: command({
      brief: "Take back the deletion of a workspace while it can be",
      flags: { name: flags.name("workspace") },
      run: async (ctx, { name }) => {
        const { client } = await ctx.link();
        return one(await client.call(workspaces.restore, { params: { workspace: name } }));
      },
    }),
  },
};
