import type { data } from "../client/routes.ts";
import type { AssetSummary, UpdateAsset } from "../contract/assets.ts";
import { AppError } from "../contract/errors.ts";
import { type Command, command, flag, missing } from "./command.ts";
import { ago, archivedQuery, collect, confirm, flags, keyValues } from "./common-flags.ts";
import type { Ctx } from "./context.ts";
import { type Column, list, nothing, one, type Shown } from "./output/shown.ts";

/** The routes that all kinds of assets share; only fields common to all of them are used here. */
export type AssetRoutes = Pick<
  typeof data,
  "list" | "versions" | "get" | "update" | "delete" | "putLabel" | "deleteLabel"
>;

export interface AssetKind {
  /** `data asset`, in sentences. */
  readonly noun: string;
  readonly routes: AssetRoutes;
}

/** What every kind of asset has. */
export interface AnyAsset {
  readonly name: string;
  readonly version: string;
  readonly description?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly labels: readonly string[];
  readonly archived: boolean;
  readonly created_at: string;
}

const SUMMARY: readonly Column<AssetSummary>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Latest", of: (it) => it.latest_version },
  { head: "Type", of: (it) => it.type },
  { head: "Description", of: (it) => it.description },
  { head: "Updated", of: (it) => ago(it.updated_at) },
];
const VERSION: readonly Column<AnyAsset>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Version", of: (it) => it.version },
  { head: "Labels", of: (it) => it.labels },
  { head: "Description", of: (it) => it.description },
  { head: "Archived", of: (it) => (it.archived ? "yes" : "") },
  { head: "Created", of: (it) => ago(it.created_at) },
];

/** `--version` and `--label`: which version of an asset. */
export const which = {
  version: flag.text("Version", { short: "v", placeholder: "version" }),
  label: flag.text("Version a label points at; `latest` is the newest", { short: "l", placeholder: "label" }),
};

/** For a path: the version, or `@label`; the newest when neither is given. */
export function versionOf(given: { readonly version: string | undefined; readonly label: string | undefined }): string {
  if (given.version !== undefined && given.label !== undefined) {
    throw new AppError("InvalidArgument", "both a version and a label are given", { hint: "give one of them" });
  }
  return given.version ?? `@${given.label ?? "latest"}`;
}

/** Registry assets of Azure do not exist here; scripts that ask for one should hear so. */
export const registry = {
  registryName: flag.text("Refused: there are no Azure registries here", { hidden: true, placeholder: "name" }),
};

export function refuseRegistry(name: string | undefined): void {
  if (name === undefined) return;
  throw new AppError("NotSupported", `there is no registry \`${name}\` here`, {
    hint: "assets live in workspaces; leave `--registry-name` out",
  });
}

/** list, show, update, archive, restore, delete, label: the verbs that need no more than the common fields. */
export function assetVerbs(kind: AssetKind): Readonly<Record<string, Command>> {
  const { noun, routes } = kind;
  const named = { name: flags.name(noun) };
  return {
    list: command({
      brief: `Names with their newest version; with --name, the versions of one ${noun}`,
      flags: {
        name: flag.text(`Versions of this ${noun}`, { short: "n", placeholder: "name" }),
        tag: flags.tag(),
        maxResults: flags.maxResults(),
        archivedOnly: flags.archivedOnly(),
        includeArchived: flags.includeArchived(),
        ...registry,
      },
      run: async (ctx, given): Promise<Shown> => {
        refuseRegistry(given.registryName);
        const { client, workspace } = await ctx.link();
        const filter = { tag: given.tag, ...archivedQuery(given) };
        const { name } = given;
        if (name === undefined) {
          const items = await collect(ctx, given.maxResults, (page) =>
            client.call(routes.list, { params: { workspace }, query: { ...page, ...filter } }),
          );
          return list(items, SUMMARY);
        }
        return list(await versions(ctx, routes, name, filter, given.maxResults), VERSION);
      },
    }),
    show: command({
      brief: `One version of a ${noun}; default: the newest`,
      flags: { ...named, ...which, ...registry },
      run: async (ctx, given) => {
        refuseRegistry(given.registryName);
        const { client, workspace } = await ctx.link();
        const params = { workspace, name: given.name, version: versionOf(given) };
        return one(await client.call(routes.get, { params }));
      },
    }),
    update: command({
      brief: `Change words and tags of a version`,
      flags: {
        ...named,
        ...which,
        description: flag.text("What it is", { placeholder: "text" }),
        tags: flag.many("Tags: key=value ...; a tag with no value is removed", { placeholder: "key=value" }),
        set: flag.many("Changes a field: description=..., tags.KEY=..., properties.KEY=..., stage=...", {
          placeholder: "key=value",
        }),
      },
      run: async (ctx, given) => {
        const tags = given.tags.length === 0 ? {} : { tags: emptyToNull(keyValues("--tags", given.tags)) };
        const body: UpdateAsset = {
          ...changesOf(given.set),
          ...(given.description === undefined ? {} : { description: given.description }),
          ...tags,
        };
        return one(await change(ctx, routes, given.name, versionOf(given), body));
      },
    }),
    archive: command({
      brief: `Hide a version from lists; without a version, the ${noun} whole`,
      flags: { ...named, ...which, ...registry },
      run: (ctx, given) => archive(ctx, kind, given, true),
    }),
    restore: command({
      brief: `Show an archived version in lists again; without a version, the ${noun} whole`,
      flags: { ...named, ...which, ...registry },
      run: (ctx, given) => archive(ctx, kind, given, false),
    }),
    delete: command({
      brief: "Delete a version; refused while something uses it",
      flags: { ...named, version: which.version, yes: flags.yes() },
      run: async (ctx, given) => {
        const { name, version } = given;
        if (version === undefined) throw missing("the version", "`--version V`; `archive` hides all versions");
        await confirm(ctx, given.yes, `delete ${noun} ${name} version ${version}?`);
        const { client, workspace } = await ctx.link();
        await client.call(routes.delete, { params: { workspace, name, version } });
        return nothing();
      },
    }),
    label: command({
      brief: "Point a label at a version, or remove it",
      flags: {
        ...named,
        version: which.version,
        label: flag.required("The label", { short: "l", placeholder: "label" }),
        remove: flag.is("Removes the label"),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const { name, label, version } = given;
        if (given.remove) {
          await client.call(routes.deleteLabel, { params: { workspace, name, label } });
          return nothing();
        }
        if (version === undefined) throw missing("the version", "`--version V`, or `--remove`");
        return one(await client.call(routes.putLabel, { params: { workspace, name, label }, body: { version } }));
      },
    }),
  };
}

interface Filter {
  readonly tag?: string | undefined;
  readonly archived?: "true" | "all";
}

/** Versions of one asset, newest first. */
async function versions(
  ctx: Ctx,
  routes: AssetRoutes,
  name: string,
  filter: Filter,
  most: number | undefined,
): Promise<AnyAsset[]> {
  const { client, workspace } = await ctx.link();
  return collect(ctx, most, (page) =>
    client.call(routes.versions, { params: { workspace, name }, query: { ...page, ...filter } }),
  );
}

async function change(
  ctx: Ctx,
  routes: AssetRoutes,
  name: string,
  version: string,
  body: UpdateAsset,
): Promise<AnyAsset> {
  const { client, workspace } = await ctx.link();
  return client.call(routes.update, { params: { workspace, name, version }, body });
}

async function archive(
  ctx: Ctx,
  { routes }: AssetKind,
  given: {
    readonly name: string;
    readonly version: string | undefined;
    readonly label: string | undefined;
    readonly registryName: string | undefined;
  },
  archived: boolean,
): Promise<Shown> {
  refuseRegistry(given.registryName);
  if (given.version !== undefined || given.label !== undefined) {
    return one(await change(ctx, routes, given.name, versionOf(given), { archived }));
  }
  const all = await versions(ctx, routes, given.name, { archived: "all" }, undefined);
  const changed: AnyAsset[] = [];
  for (const version of all) {
    if (version.archived !== archived)
      changed.push(await change(ctx, routes, given.name, version.version, { archived }));
  }
  return list(changed, VERSION);
}

function emptyToNull(tags: Record<string, string>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, value === "" ? null : value]));
}

function changesOf(set: readonly string[]): UpdateAsset {
  const changes: { -readonly [K in keyof UpdateAsset]: UpdateAsset[K] } = {};
  for (const text of set) {
    const at = text.indexOf("=");
    const key = text.slice(0, Math.max(0, at));
    const value = text.slice(at + 1);
    const [, group, entry] = /^(tags|properties)\.(.+)$/.exec(key) ?? [];
    if (group === "tags" || group === "properties") {
      changes[group] = { ...changes[group], [entry ?? ""]: value === "" || value === "null" ? null : value };
    } else if (key === "description" || key === "stage") changes[key] = value;
    else {
      throw new AppError("InvalidArgument", `\`--set ${text}\`: only words and tags of a version can change`, {
        hint: "description=..., tags.KEY=..., properties.KEY=..., stage=...; other content is a new version",
      });
    }
  }
  return changes;
}
