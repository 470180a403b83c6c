import { AppError } from "../../../contract/errors.ts";
import { finishDockerfile, type ImagePlan } from "../../../core/environments/image-plan.ts";
import type { Files, FoundFile } from "../../../core/files/ports.ts";
import { readAll } from "../../../core/files/streams.ts";
import type { ArchiveEntry, Archiver } from "../../../core/ports/archive.ts";

const DOCKERFILE_LIMIT_BYTES = 1024 * 1024;

/** What CodeBuild gets as its source: `Dockerfile`, and the build context in `context/`. */
export async function archiveContext(
  deps: { readonly files: Files; readonly archiver: Archiver },
  workspace: string,
  plan: ImagePlan,
): Promise<ReadableStream<Uint8Array>> {
  const entries: ArchiveEntry[] = [{ kind: "folder", path: "context" }];
  const dockerfile = plan.dockerfile ?? (await readDockerfile(deps.files, workspace, plan));
  entries.push(textEntry("Dockerfile", dockerfile));
  for (const [path, text] of Object.entries(plan.files)) entries.push(textEntry(`context/${path}`, text));
  if (plan.context !== undefined) entries.push(...(await treeEntries(deps.files, workspace, plan.context.path)));
  return deps.archiver.zip(entries);
}

function textEntry(path: string, text: string): ArchiveEntry {
  const open = async () => streamOf(new TextEncoder().encode(text));
  return { kind: "file", path, executable: false, open };
}

async function readDockerfile(files: Files, workspace: string, plan: ImagePlan): Promise<string> {
  const uri = `${plan.context?.path}/${plan.context?.dockerfile}`;
  const found = await files.open(workspace, uri);
  if (found === undefined)
    throw new AppError("InvalidSpec", `the build context has no \`${plan.context?.dockerfile}\``);
  return finishDockerfile(new TextDecoder().decode(await readAll(found.body, DOCKERFILE_LIMIT_BYTES)));
}

async function treeEntries(files: Files, workspace: string, uri: string): Promise<readonly ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await files.list(workspace, uri, cursor === undefined ? {} : { cursor });
    for (const path of page.folders) entries.push({ kind: "folder", path: `context/${path}` });
    for (const { path, target } of page.links) entries.push({ kind: "symlink", path: `context/${path}`, target });
    for (const file of page.files) entries.push(fileEntry(files, workspace, file));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}

function fileEntry(files: Files, workspace: string, file: FoundFile): ArchiveEntry {
  return {
    kind: "file",
    path: `context/${file.path}`,
    executable: file.executable ?? false,
    open: async () => {
      const found = await files.open(workspace, file.uri);
      if (found === undefined) throw new AppError("Internal", `\`${file.path}\` of a build context is gone`);
      return found.body;
    },
  };
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
