import type { data, environments, models } from "../../client/routes.ts";
import type { Data, Environment, Model } from "../../contract/assets.ts";
import { refuseRegistry, registry, which } from "../asset-verbs.ts";
import { flag, missing } from "../command.ts";
import { flags, keyValues } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { takeInPath, takeInSpec } from "../take-in.ts";

/** Flags that making a version takes, whatever the kind of asset. */
export const createFlags = (noun: string) => ({
  name: flags.maybeName(noun),
  version: which.version,
  file: flags.maybeFile(),
  set: flags.set(),
  description: flag.text("What it is", { short: "d", placeholder: "text" }),
  tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
  ...registry,
});

interface Given {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly file: string | undefined;
  readonly set: readonly string[];
  readonly description: string | undefined;
  readonly tags: readonly string[];
  readonly registryName: string | undefined;
}

interface Kinds {
  readonly data: { readonly routes: typeof data; readonly asset: Data };
  readonly model: { readonly routes: typeof models; readonly asset: Model };
  readonly environment: { readonly routes: typeof environments; readonly asset: Environment };
}

/** Makes a version from a file, with flags over what it says; `own` answers the fields of this kind, knowing whether there is a file. */
export async function createAsset<K extends keyof Kinds>(
  ctx: Ctx,
  kind: K,
  routes: Kinds[K]["routes"],
  given: Given,
  own: (fromFile: Readonly<Record<string, unknown>> | undefined) => Promise<Readonly<Record<string, unknown>>>,
): Promise<Kinds[K]["asset"]> {
  refuseRegistry(given.registryName);
  const { client, workspace } = await ctx.link();
  const { file, set, name: named, version: versioned } = given;
  const taken =
    file === undefined ? undefined : await takeInSpec(ctx, kind, file, { set, name: named, version: versioned });
  const name = taken?.name ?? named;
  if (name === undefined) throw missing("the name", "`--name NAME`");
  const body = {
    ...taken?.spec,
    ...(await own(taken?.spec)),
    ...(given.description === undefined ? {} : { description: given.description }),
    ...(given.tags.length === 0 ? {} : { tags: keyValues("--tags", given.tags) }),
  };
  const version = taken?.version ?? versioned;
  // The kinds' routes are alike but for the body, which the home checks.
  const { create, put } = routes as unknown as Kinds["data"]["routes"];
  const spec = body as never;
  const made =
    version === undefined
      ? client.call(create, { params: { workspace, name }, body: spec })
      : client.call(put, { params: { workspace, name, version }, body: spec });
  return made as Promise<unknown> as Promise<Kinds[K]["asset"]>;
}

/** The path of data or a model: the flag's, brought in, or the file's. */
export async function pathOf(
  ctx: Ctx,
  use: "data" | "model",
  path: string | undefined,
  fromFile: Readonly<Record<string, unknown>> | undefined,
): Promise<unknown> {
  const found = path === undefined ? fromFile?.path : await takeInPath(ctx, path, use);
  if (found === undefined) throw missing("the path", "`--path PATH` or `--file FILE`");
  return found;
}
