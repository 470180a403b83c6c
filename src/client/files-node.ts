import { createWriteStream } from "node:fs";
import { chmod, constants, copyFile, mkdir, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, relative, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AppError } from "../contract/errors.ts";
import type { FileEntry } from "../contract/files.ts";
import type { Client } from "./client.ts";
import { eachOf } from "./each-of.ts";
import { listFiles, openFile } from "./files.ts";

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default 8. */
  readonly concurrency?: number;
  /** Leaves out files for which it says false. */
  readonly filter?: (path: string) => boolean;
  readonly onFile?: (file: { readonly path: string; readonly sizeBytes: number }) => void;
  /** Copies from the home's own disk where it names a place; default true. Bytes come over HTTP where that fails. */
  readonly sameHost?: boolean;
}

export interface Downloaded {
  /** The URI that answered, references resolved. */
  readonly uri: string;
  readonly isFile: boolean;
  readonly files: number;
  readonly bytes: number;
  /** Where the one file is, when the URI named a file; else the folder. */
  readonly path: string;
}

/**
 * Brings everything under a URI into `folder` (made when absent): files with their executable bits, empty folders, symlinks.
 * A file appears under its name only when it is whole. Paths that would leave the folder are refused.
 */
export async function downloadTo(
  client: Client,
  workspace: string,
  uri: string,
  folder: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const listing = await listFiles(client, workspace, uri, { signal: options.signal });
  const made = new Map<string, Promise<unknown>>();
  const makeFolder = (path: string) => {
    const known = made.get(path);
    if (known !== undefined) return known;
    const making = mkdir(path, { recursive: true });
    made.set(path, making);
    return making;
  };
  await makeFolder(folder);
  let count = 0;
  let bytes = 0;
  let only = folder;
  await eachOf(wanted(listing.files, options.filter), options.concurrency ?? 8, async (entry) => {
    options.signal?.throwIfAborted();
    const path = inside(folder, entry.path);
    await makeFolder(dirname(path));
    await fetchFile(client, entry, path, options);
    count++;
    bytes += entry.size_bytes;
    if (listing.isFile) only = path;
    options.onFile?.({ path: entry.path, sizeBytes: entry.size_bytes });
  });
  for (const empty of listing.folders) await makeFolder(inside(folder, empty));
  for (const link of listing.links) {
    const path = inside(folder, link.path);
    if (isAbsolute(link.target)) throw outside(link.path);
    inside(folder, relative(resolve(folder), resolve(dirname(path), link.target)) || ".");
    await makeFolder(dirname(path));
    await rm(path, { force: true });
    await symlink(link.target, path);
  }
  return { uri: listing.uri, isFile: listing.isFile, files: count, bytes, path: only };
}

async function* wanted(files: AsyncIterable<FileEntry>, filter: ((path: string) => boolean) | undefined) {
  for await (const file of files) if (filter === undefined || filter(file.path)) yield file;
}

async function fetchFile(client: Client, entry: FileEntry, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    if (!(options.sameHost !== false && (await copied(entry, part)))) {
      const body = await openFile(client, entry, options.signal);
      await pipeline(Readable.fromWeb(body), createWriteStream(part), { signal: options.signal });
    }
    if (entry.executable === true) await chmod(part, 0o755);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** The home's own file, copied (as a reflink where the disk can); false when this machine does not have it. */
async function copied(entry: FileEntry, to: string): Promise<boolean> {
  if (entry.local_path === undefined) return false;
  try {
    const found = await stat(entry.local_path);
    if (found.size !== entry.size_bytes) return false;
    await copyFile(entry.local_path, to, constants.COPYFILE_FICLONE);
    // The home keeps its own files read-only; a copy is the caller's.
    await chmod(to, 0o644);
    return true;
  } catch {
    return false;
  }
}

/** `folder/path`, refused when it is not below the folder. */
export function inside(folder: string, path: string): string {
  const clean = normalize(path);
  if (isAbsolute(clean) || clean === ".." || clean.startsWith(`..${sep}`) || path.includes("\0")) throw outside(path);
  return join(folder, clean);
}

function outside(path: string): AppError {
  return new AppError("InvalidPath", `\`${path}\` would be written outside of the folder asked for`);
}
