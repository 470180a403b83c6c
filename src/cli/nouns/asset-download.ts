import { join, resolve } from "node:path";
import type { data } from "../../client/routes.ts";
import type { Ctx } from "../context.ts";
import { one, type Shown } from "../output/shown.ts";
import { bytesText } from "../progress.ts";
import { bring } from "./job-download.ts";

/** Puts the files of a data or model version under `<folder>/<name>/`. */
export async function downloadAsset(
  ctx: Ctx,
  routes: { readonly get: (typeof data)["get"] },
  name: string,
  version: string,
  downloadPath: string | undefined,
): Promise<Shown> {
  const { client, workspace } = await ctx.link();
  const asset = await client.call(routes.get, { params: { workspace, name, version } });
  const folder = join(resolve(ctx.io.cwd, downloadPath ?? "."), asset.name);
  const done = await bring(ctx, asset.path, folder);
  return one({ name: asset.name, version: asset.version, ...done }, (it) => [
    [`${it.name}:${it.version}`, `${it.path}  (${it.files} files, ${bytesText(it.bytes)})`],
  ]);
}
