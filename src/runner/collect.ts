import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import { type UploadFile, uploadFiles } from "../client/files.ts";
import type { Home } from "./home.ts";

export interface Collected {
  readonly files: number;
  readonly bytes: number;
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
  signal?: AbortSignal,
): Promise<Collected> {
  const found =
    "folder" in from
      ? (await filesBelow(from.folder)).map((file) => ({ ...file, path: `${from.prefix ?? ""}${file.path}` }))
      : [{ path: from.name, full: from.file, sizeBytes: (await stat(from.file)).size }];
  const files = found.map(
    (file): UploadFile => ({
      path: file.path,
      sizeBytes: file.sizeBytes,
      // A file that is still written to must not outgrow the length that was announced.
      open: () =>
        Readable.toWeb(
          createReadStream(file.full, { end: Math.max(0, file.sizeBytes - 1), highWaterMark: 256 * 1024 }),
        ) as ReadableStream<Uint8Array>,
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
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}
