import { AppError, isAppError } from "../../contract/errors.ts";
import type { ByteRange, ObjectBody, Objects } from "../ports/objects.ts";
import { artifactKey, artifactPath, mayWriteArtifact, proxiedPath } from "./artifact-paths.ts";
import { invalid, notFound } from "./errors.ts";
import type { LoggedModelStore, RunStore } from "./ports.ts";
import type { Caller } from "./runs.ts";

export interface ArtifactDeps {
  readonly objects: Objects;
  readonly runs: Pick<RunStore, "get">;
  readonly loggedModels: Pick<LoggedModelStore, "get">;
}

export interface ArtifactEntry {
  /** Relative to the folder listed. */
  readonly name: string;
  readonly isDir: boolean;
  readonly sizeBytes?: number;
}

/** Lists of more entries are cut: nobody reads them, and one answer is held in memory. */
const LIST_LIMIT = 50_000;

/** One level of a folder, by name; empty for one that is not there. */
export async function listArtifacts(
  deps: Pick<ArtifactDeps, "objects">,
  workspace: string,
  folder: string,
): Promise<readonly ArtifactEntry[]> {
  const prefix = `${artifactKey(workspace, artifactPath(folder))}/`;
  const entries: ArtifactEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await deps.objects.list({
      prefix,
      delimiter: "/",
      limit: 1000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { key, sizeBytes } of page.objects)
      entries.push({ name: key.slice(prefix.length), isDir: false, sizeBytes });
    for (const key of page.prefixes) entries.push({ name: key.slice(prefix.length, -1), isDir: true });
    cursor = page.cursor;
  } while (cursor !== undefined && entries.length < LIST_LIMIT);
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Entries below `root` (an artifact URI), with paths relative to it. Places the server does not keep are the client's to read. */
export async function listBelow(
  deps: Pick<ArtifactDeps, "objects">,
  workspace: string,
  root: string,
  path: string,
): Promise<readonly (ArtifactEntry & { readonly path: string })[]> {
  const clean = artifactPath(path);
  const base = proxiedPath(root);
  if (base === undefined) return [];
  const entries = await listArtifacts(deps, workspace, clean === "" ? base : `${base}/${clean}`);
  return entries.map((entry) => ({ ...entry, path: clean === "" ? entry.name : `${clean}/${entry.name}` }));
}

export async function readArtifact(
  deps: Pick<ArtifactDeps, "objects">,
  workspace: string,
  path: string,
  range?: ByteRange,
): Promise<ObjectBody> {
  const clean = artifactPath(path);
  const body = clean === "" ? undefined : await opened(deps.objects, artifactKey(workspace, clean), clean, range);
  if (body !== undefined) return body;
  const below = await deps.objects.list({ prefix: `${artifactKey(workspace, clean)}/`, limit: 1 });
  if (clean === "" || below.objects.length > 0)
    throw invalid(`Artifact path refers to a directory, not a file: '${clean === "" ? "." : path}'`);
  throw notFound(`No such artifact: '${path}'`);
}

/** Where it is kept is not told to who asks for a range that is not there. */
async function opened(objects: Objects, key: string, path: string, range?: ByteRange): Promise<ObjectBody | undefined> {
  try {
    return await objects.get(key, range);
  } catch (error) {
    if (!(isAppError(error) && error.code === "InvalidRange")) throw error;
    throw new AppError("InvalidRange", error.message.replace(key, path), error.details, { cause: error });
  }
}

export async function writeArtifact(
  deps: ArtifactDeps,
  { workspace, principal }: Caller,
  path: string,
  body: ReadableStream<Uint8Array> | Uint8Array,
): Promise<void> {
  const clean = artifactPath(path);
  if (clean === "") throw new AppError("InvalidPath", "Invalid path");
  await mayWriteArtifact(deps, principal, workspace, clean);
  await deps.objects.put(artifactKey(workspace, clean), body);
}

/** A file, or a folder with all below it; absent is fine. */
export async function deleteArtifact(
  deps: ArtifactDeps,
  { workspace, principal }: Caller,
  path: string,
): Promise<void> {
  const clean = artifactPath(path);
  if (clean === "") throw new AppError("InvalidPath", "Invalid path");
  await mayWriteArtifact(deps, principal, workspace, clean);
  const key = artifactKey(workspace, clean);
  await deps.objects.delete([key]);
  for (;;) {
    const page = await deps.objects.list({ prefix: `${key}/`, limit: 1000 });
    if (page.objects.length === 0) return;
    await deps.objects.delete(page.objects.map((object) => object.key));
  }
}
