import { hash } from "node:crypto";
import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { TreeSource } from "../../client/trees.ts";
import { AppError } from "../../contract/errors.ts";
import { treeText } from "../../contract/tree-text.ts";
import type { TreeEntry } from "../../contract/trees.ts";
import { bytesText, type Progress } from "../progress.ts";
import type { HashCache } from "./hash-cache.ts";
import { hashFile, readHashed, streamFile } from "./read-file.ts";
import { type Found, type FoundFile, walk } from "./walk.ts";

/** A folder (or one file) by its content, ready to be stored. */
export interface Snapshot extends TreeSource {
  readonly id: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly warnings: readonly string[];
}

export interface TakeOptions {
  readonly cache?: HashCache;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** See `WalkOptions`. */
  readonly asData?: boolean;
  /** More folders and files, put beside the first one's content under their own names. */
  readonly includes?: readonly string[];
}

const BREATH_MS = 50;

/** Reads and hashes what a folder holds. Throws Conflict for files that change meanwhile. */
export async function takeSnapshot(path: string | undefined, options: TakeOptions = {}): Promise<Snapshot> {
  const found: Found = path === undefined ? { files: [], folders: [], links: [], warnings: [] } : find(path, options);
  for (const extra of options.includes ?? []) include(found, extra, options);
  const entries: TreeEntry[] = [
    ...found.folders.map((folder) => ({ kind: "folder" as const, path: folder })),
    ...found.links.map((link) => ({ kind: "symlink" as const, ...link })),
  ];
  const places = new Map<string, { absolute: string; sha256: string }>();
  let sizeBytes = 0;
  let breath = performance.now();
  for (const [i, file] of found.files.entries()) {
    const sha256 = hashOf(file, options.cache);
    entries.push(entryOf(sha256.file, sha256.sha256));
    places.set(file.path, { absolute: file.absolute, sha256: sha256.sha256 });
    sizeBytes += sha256.file.stats.size;
    if (performance.now() - breath > BREATH_MS) {
      options.progress?.update(`${i + 1} of ${found.files.length} files, ${bytesText(sizeBytes)}`);
      await new Promise(setImmediate);
      options.signal?.throwIfAborted();
      breath = performance.now();
    }
  }
  const place = (name: string) => {
    const known = places.get(name);
    if (known === undefined) throw new AppError("Internal", `\`${name}\` is not in the snapshot`);
    return known;
  };
  return {
    id: hash("sha256", treeText(entries), "hex"),
    entries,
    fileCount: found.files.length,
    sizeBytes,
    warnings: found.warnings,
    read: async (name) => readHashed(place(name).absolute, name, place(name).sha256),
    stream: (name) => streamFile(place(name).absolute),
  };
}

function find(path: string, options: TakeOptions): Found {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new AppError("InvalidArgument", `\`${path}\` does not exist`);
  if (stats.isDirectory()) return walk(path, { asData: options.asData === true });
  return {
    files: [{ path: basename(resolve(path)), absolute: path, stats }],
    folders: [],
    links: [],
    warnings: [],
  };
}

/** `additional_includes`: a folder arrives under its own name. */
function include(found: Found, extra: string, options: TakeOptions): void {
  const more = find(extra, options);
  const isFolder = statSync(extra).isDirectory();
  const prefix = isFolder ? `${basename(resolve(extra))}/` : "";
  const taken = new Set(found.files.map((file) => file.path));
  for (const file of more.files) {
    const path = `${prefix}${file.path}`;
    if (taken.has(path))
      throw new AppError("InvalidSpec", `additional_includes: \`${path}\` is in the code folder, too`);
    found.files.push({ ...file, path });
  }
  for (const folder of more.folders) found.folders.push(`${prefix}${folder}`);
  for (const link of more.links) found.links.push({ ...link, path: `${prefix}${link.path}` });
  found.warnings.push(...more.warnings);
}

function hashOf(file: FoundFile, cache: HashCache | undefined): { sha256: string; file: FoundFile } {
  const known = cache?.get(file.absolute, file.stats);
  if (known !== undefined) return { sha256: known, file };
  const { sha256, stats, readAtMs } = hashFile(file.absolute, file.path);
  cache?.set(file.absolute, stats, sha256, readAtMs);
  return { sha256, file: { ...file, stats } };
}

function entryOf(file: FoundFile, sha256: string): TreeEntry {
  const executable = (file.stats.mode & 0o111) !== 0;
  return {
    kind: "file",
    path: file.path,
    sha256,
    size_bytes: file.stats.size,
    ...(executable ? { executable } : {}),
  };
}
