import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { type UploadFile, uploadFiles } from "../client/files.ts";
import { treeText } from "../contract/tree-text.ts";
import type { Home } from "./home.ts";

export interface Collected {
  readonly files: number;
  readonly bytes: number;
  /** Where it was asked for: the id (hex) that a tree of these files has, none of them executable. */
  readonly digest?: string;
}

/** Every regular file below a folder, in path order; links are followed, but not in circles. */
export async function filesBelow(folder: string): Promise<{ path: string; full: string; sizeBytes: number }[]> {
  const found: { path: string; full: string; sizeBytes: number }[] = [];
  const above = new Set<string>();
  async function walk(at: string): Promise<void> {
    const real = await realpath(at).catch(() => undefined);
    if (real === undefined || above.has(real)) return;
    above.add(real);
    const entries = await readdir(at, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const full = join(at, entry.name);
      const info = await stat(full).catch(() => undefined);
      if (info?.isDirectory()) await walk(full);
      else if (info?.isFile())
        found.push({ path: relative(folder, full).split(sep).join("/"), full, sizeBytes: info.size });
    }
    above.delete(real);
  }
  await walk(folder).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  });
  return found;
}

/** Stores what is below a folder (or one file) under a URI. Retries until it is there or the home refuses. */
export async function collect(
  home: Home,
  uri: string,
  from: { readonly folder: string; readonly prefix?: string } | { readonly file: string; readonly name: string },
  options: { readonly signal?: AbortSignal | undefined; readonly withDigest?: boolean } = {},
): Promise<Collected> {
  const { signal, withDigest = false } = options;
  const found =
    "folder" in from
      ? (await filesBelow(from.folder)).map((file) => ({ ...file, path: `${from.prefix ?? ""}${file.path}` }))
      : [{ path: from.name, full: from.file, sizeBytes: (await stat(from.file)).size }];
  const hashes = new Map<string, string>();
  const files = found.map(
    ({ path, full, sizeBytes }): UploadFile => ({
      path,
      sizeBytes,
      open: () =>
        ReadableStream.from(bytesOf(full, sizeBytes, withDigest ? (sha256) => hashes.set(path, sha256) : undefined)),
    }),
  );
  const pending = new Set(files);
  if (files.length > 0) {
    await home.until(
      () =>
        uploadFiles(home.client, home.workspace, uri, [...pending], {
          concurrency: 4,
          signal,
          onFile: (file) => pending.delete(file),
        }),
      signal,
    );
  }
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return { files: files.length, bytes, ...(withDigest ? { digest: digestOf(files, hashes) } : {}) };
}

/** The first `sizeBytes` of a file, since one that is still written to must not outgrow what was announced; hashed on their way, so that no file is read twice. */
async function* bytesOf(
  full: string,
  sizeBytes: number,
  onHash: ((sha256: string) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  const hash = onHash === undefined ? undefined : createHash("sha256");
  for await (const chunk of createReadStream(full, { end: Math.max(0, sizeBytes - 1), highWaterMark: 256 * 1024 })) {
    hash?.update(chunk as Uint8Array);
    yield chunk as Uint8Array;
  }
  if (hash !== undefined) onHash?.(hash.digest("hex"));
}

const NOTHING = createHash("sha256").digest("hex");

/** An empty file is announced, and not opened. */
function digestOf(files: readonly UploadFile[], hashes: ReadonlyMap<string, string>): string {
  const entries = files.map(
    ({ path, sizeBytes }) =>
      ({ kind: "file", path, sha256: hashes.get(path) ?? NOTHING, size_bytes: sizeBytes }) as const,
  );
  return createHash("sha256").update(treeText(entries)).digest("hex");
}
