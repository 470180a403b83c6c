import { join, resolve } from "node:path";
import { type data, files } from "../../client/routes.ts";
import type { Ctx } from "../context.ts";
import { one, type Shown } from "../output/shown.ts";
import { bytesText } from "../progress.ts";
import { bring } from "./job-download.ts";

/** Puts the files of a version under `<folder>/<name>/`; with `keepFolder`, those of a folder under its own name there, as Azure does with models. */
export async function downloadAsset(
  ctx: Ctx,
  routes: { readonly get: (typeof data)["get"] },
  name: string,
  version: string,
  downloadPath: string | undefined,
  options: { readonly keepFolder?: boolean } = {},
): Promise<Shown> {
  const { client, workspace } = await ctx.link();
  const asset = await client.call(routes.get, { params: { workspace, name, version } });
  const own = options.keepFolder === true ? await folderName(ctx, asset.path) : "";
  const folder = join(resolve(ctx.io.cwd, downloadPath ?? "."), asset.name, own);
  const done = await bring(ctx, asset.path, folder);
  return one({ name: asset.name, version: asset.version, ...done }, (it) => [
    [`${it.name}:${it.version}`, `${it.path}  (${it.files} files, ${bytesText(it.bytes)})`],
  ]);
}

async function folderName(ctx: Ctx, uri: string): Promise<string> {
  const { client, workspace } = await ctx.link();
  const { is_file: isFile } = await client.call(files.list, { params: { workspace }, query: { uri, limit: 1 } });
  return isFile ? "" : ownName(uri);
}

/** `model` of `runs:/ID/model`; nothing for the top of a tree or datastore. */
function ownName(uri: string): string {
  const below =
    /^(?:azureml:\/\/trees\/[0-9a-f]+|azureml:\/\/(?:datastores|jobs)\/.+?\/paths|runs:\/+[^/]+)\/(.+)$/.exec(uri)?.[1];
  const last = below?.split("/").findLast((part) => part !== "") ?? "";
  return last === "." || last === ".." ? "" : last;
}
