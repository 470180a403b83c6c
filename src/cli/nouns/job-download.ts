import { join, resolve } from "node:path";
import { downloadTo } from "../../client/files-node.ts";
import { jobs } from "../../client/routes.ts";
import { AppError, isAppError } from "../../contract/errors.ts";
import { command, flag } from "../command.ts";
import { flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { one } from "../output/shown.ts";
import { bytesText } from "../progress.ts";

export const download = command({
  brief: "Bring a job's artifacts (artifacts/), or outputs (named-outputs/NAME/), here",
  flags: {
    name: flags.name("job"),
    outputName: flag.text("Only this output; `default` for the artifacts", { placeholder: "name" }),
    downloadPath: flag.text("Folder; default: here", { short: "p", placeholder: "dir" }),
    all: flag.is("Artifacts and every named output"),
  },
  run: async (ctx, given) => {
    const { client, workspace } = await ctx.link();
    const { name, outputName } = given;
    const job = await client.call(jobs.get, { params: { workspace, name }, query: {} });
    const folder = resolve(ctx.io.cwd, given.downloadPath ?? ".");
    const known = Object.keys(job.outputs);
    if (outputName !== undefined && outputName !== "default" && !known.includes(outputName)) {
      throw new AppError("NotFound", `job \`${name}\` has no output \`${outputName}\``, {
        hint: known.length === 0 ? "it has no named outputs" : `its outputs: ${known.join(", ")}`,
      });
    }
    const parts: { name: string; uri: string; to: string }[] = [];
    if (outputName === undefined || outputName === "default" || given.all) {
      parts.push({ name: "artifacts", uri: `runs:/${name}/`, to: join(folder, "artifacts") });
    }
    for (const output of known) {
      if (output !== outputName && !given.all) continue;
      parts.push({ name: output, uri: job.outputs[output]?.path ?? "", to: join(folder, "named-outputs", output) });
    }
    const done: { name: string; path: string; files: number; bytes: number }[] = [];
    for (const part of parts) {
      // A job that failed may have left some outputs unwritten; what there is comes all the same.
      const optional = given.all || part.name === "artifacts";
      const brought = await bring(ctx, part.uri, part.to, { optional });
      if (brought.files === 0) ctx.note(`${part.name}: nothing is there`);
      done.push({ name: part.name, ...brought });
    }
    return one({ name, downloads: done }, (it) =>
      it.downloads.map((part) => [part.name, `${part.path}  (${part.files} files, ${bytesText(part.bytes)})`]),
    );
  },
});

/** Downloads what is under a URI; nothing there is an error unless that is `optional`. */
export async function bring(
  ctx: Ctx,
  uri: string,
  to: string,
  { optional = false } = {},
): Promise<{ path: string; files: number; bytes: number }> {
  const { client, workspace } = await ctx.link();
  const progress = ctx.progress(`downloading to ${to}`);
  let files = 0;
  let bytes = 0;
  try {
    const result = await downloadTo(client, workspace, uri, to, {
      signal: ctx.io.signal,
      onFile: (file) => {
        files++;
        bytes += file.sizeBytes;
        progress.update(`${files} files, ${bytesText(bytes)}`);
      },
    });
    return { path: result.path, files: result.files, bytes: result.bytes };
  } catch (error) {
    if (isAppError(error) && error.code === "NotFound" && files === 0 && optional)
      return { path: to, files: 0, bytes: 0 };
    throw error;
  } finally {
    progress.end();
  }
}
