import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { AppError } from "../../contract/errors.ts";
import { baseName, comparePaths, joinPath } from "../../core/files/paths.ts";
import type { BrowseEntry, Place, PlaceFile } from "../../core/files/place.ts";
import { cursorOf, positionOf, rangeOf } from "./shared.ts";

/**
 * A folder or file of this machine as a place. Links are followed as long as they stay inside.
 * `hidden`: folders that no path may enter (the home's own, which holds keys).
 */
export function makeFolderPlace(
  root: string,
  options: { readonly hidden?: readonly string[]; readonly readOnly?: boolean } = {},
): Place {
  /** Real path of something inside; undefined where there is nothing. */
  async function inside(path: string): Promise<string | undefined> {
    const realRoot = await realOrUndefined(root);
    if (realRoot === undefined) return undefined;
    const real = await realOrUndefined(join(root, path));
    if (real !== undefined) await mustBeInside(realRoot, real, path);
    return real;
  }

  async function mustBeInside(realRoot: string, real: string, path: string): Promise<void> {
    if (!contains(realRoot, real))
      throw new AppError("InvalidPath", `\`${path}\` is a link that leads out of the folder`);
    for (const folder of options.hidden ?? []) {
      const hidden = await realOrUndefined(folder);
      if (hidden !== undefined && contains(hidden, real))
        throw new AppError("InvalidPath", `\`${path}\` is in the home's own folder`);
    }
  }

  async function* walk(
    folder: string,
    prefix: string,
    after: string,
    trail: readonly string[],
  ): AsyncGenerator<PlaceFile> {
    for (const { name, isFolder } of await childrenOf(folder)) {
      const path = prefix + name;
      if (
        isFolder ? comparePaths(`${path}/`, after) < 0 && !after.startsWith(`${path}/`) : comparePaths(path, after) <= 0
      ) {
        continue;
      }
      const real = await insideOrUndefined(join(folder, name), path);
      const info = real === undefined ? undefined : await stat(real);
      if (real === undefined || info === undefined) continue;
      if (info.isFile())
        yield { path, sizeBytes: info.size, mark: etagOf(info), ...programMark(info.mode), localPath: real };
      // A link to a folder that the walk is in already would never end.
      else if (info.isDirectory() && !trail.includes(real)) yield* walk(real, `${path}/`, after, [...trail, real]);
    }
  }

  /** For the walk: what leads out is not listed. */
  async function insideOrUndefined(full: string, path: string): Promise<string | undefined> {
    const [realRoot, real] = await Promise.all([realOrUndefined(root), realOrUndefined(full)]);
    if (realRoot === undefined || real === undefined) return undefined;
    try {
      await mustBeInside(realRoot, real, path);
      return real;
    } catch {
      return undefined;
    }
  }

  const place: Place = {
    list: (path, { limit, cursor }) =>
      worded(root, async () => {
        const real = await inside(path);
        if (real === undefined) return undefined;
        const info = await stat(real);
        if (info.isFile()) {
          const file = {
            path: baseName(path === "" ? root : path),
            sizeBytes: info.size,
            mark: etagOf(info),
            localPath: real,
          };
          return {
            isFile: true,
            files: [{ ...file, ...programMark(info.mode) }],
            links: [],
            folders: [],
            localPath: real,
          };
        }
        const files: PlaceFile[] = [];
        const after = cursor === undefined ? "" : positionOf(cursor);
        const common = { isFile: false, links: [], folders: [], localPath: real };
        for await (const file of walk(real, "", after, [real])) {
          if (files.length === limit) return { ...common, files, cursor: cursorOf(files.at(-1)?.path ?? "") };
          files.push(file);
        }
        return { ...common, files };
      }),
    open: (path, range) =>
      worded(root, async () => {
        const real = await inside(path);
        if (real === undefined) return undefined;
        const info = await stat(real);
        if (!info.isFile()) return undefined;
        const { start, end } = rangeOf(range, info.size, path);
        const whole = { key: path, sizeBytes: info.size, modifiedMs: Math.floor(info.mtimeMs), etag: etagOf(info) };
        if (end === start) return { ...whole, body: new Blob([]).stream() };
        const body = Readable.toWeb(createReadStream(real, { start, end: end - 1 })) as ReadableStream<Uint8Array>;
        return { ...whole, body };
      }),
    browse: (path, { limit, cursor }) =>
      worded(root, async () => {
        const real = await inside(path);
        if (real === undefined) return { entries: [] };
        const after = cursor === undefined ? "" : positionOf(cursor);
        const entries: BrowseEntry[] = [];
        for (const { name } of (await childrenOf(real)).filter((child) => comparePaths(child.name, after) > 0)) {
          const child = await insideOrUndefined(join(real, name), joinPath(path, name));
          if (child === undefined) continue;
          if (entries.length === limit) return { entries, cursor: cursorOf(entries.at(-1)?.path ?? "") };
          const info = await stat(child);
          const times = { modifiedMs: Math.floor(info.mtimeMs) };
          if (info.isDirectory()) entries.push({ path: name, isFolder: true, ...times });
          else if (info.isFile()) entries.push({ path: name, isFolder: false, sizeBytes: info.size, ...times });
        }
        return { entries };
      }),
  };
  if (options.readOnly === true) return place;
  return {
    ...place,
    write: (path, body) =>
      worded(root, async () => {
        const target = join(root, path);
        const parent = dirname(target);
        await mustExist(root);
        await nearestParent(parent, inside, root);
        await mkdir(parent, { recursive: true });
        await inside(dirname(path));
        if ((await lstat(target).catch(() => undefined))?.isDirectory()) {
          throw new AppError("Conflict", `\`${path}\` is a folder`);
        }
        await writeWhole(target, body);
      }),
  };
}

/** A new folder must not be made through a link that leads out. */
async function nearestParent(
  parent: string,
  inside: (path: string) => Promise<string | undefined>,
  root: string,
): Promise<void> {
  for (let folder = parent; contains(root, folder); folder = dirname(folder)) {
    if ((await inside(folder.slice(root.length))) !== undefined || folder === root) return;
  }
}

async function writeWhole(target: string, body: ReadableStream<Uint8Array> | Uint8Array): Promise<void> {
  const temp = join(dirname(target), `.${randomBytes(8).toString("hex")}.tmp`);
  try {
    const source =
      body instanceof Uint8Array ? Readable.from([body]) : Readable.fromWeb(body as NodeReadableStream<Uint8Array>);
    await pipeline(source, createWriteStream(temp, { flags: "wx" }));
    const handle = await open(temp, "r");
    await handle.sync().finally(() => handle.close());
    await rename(temp, target);
  } finally {
    await rm(temp, { force: true });
  }
}

async function mustExist(root: string): Promise<void> {
  if ((await realOrUndefined(root)) === undefined) {
    throw new AppError("DatastoreUnreachable", `the datastore's folder \`${root}\` is not there`);
  }
}

/** Names in path order: a folder sorts as its paths do, with a slash behind. */
async function childrenOf(folder: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const children = await Promise.all(
    entries.map(async (entry) => ({
      name: entry.name,
      isFolder: entry.isSymbolicLink()
        ? ((await stat(join(folder, entry.name)).catch(() => undefined))?.isDirectory() ?? false)
        : entry.isDirectory(),
    })),
  );
  const key = (child: { name: string; isFolder: boolean }) => (child.isFolder ? `${child.name}/` : child.name);
  return children.sort((a, b) => comparePaths(key(a), key(b)));
}

function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function realOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

function programMark(mode: number): { executable?: true } {
  return (mode & 0o100) === 0 ? {} : { executable: true };
}

function etagOf(info: { size: number; mtimeMs: number; ino: number }): string {
  return [info.size, Math.floor(info.mtimeMs), info.ino].map((part) => part.toString(36)).join("-");
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** System errors in words: what a folder refuses is the world's failure, not ours. */
async function worded<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof AppError || code === undefined) throw error;
    if (code === "ENAMETOOLONG" || code === "EISDIR" || code === "ENOTDIR" || code === "ELOOP") {
      throw new AppError(
        "InvalidPath",
        `the folder's file system refuses the path: ${(error as Error).message}`,
        {},
        { cause: error },
      );
    }
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG") {
      throw new AppError(
        "StorageFull",
        `no room left in \`${root}\``,
        { hint: "free disk space and try again" },
        { cause: error },
      );
    }
    throw new AppError(
      "DatastoreUnreachable",
      `folder \`${root}\` can't be used: ${(error as Error).message}`,
      {},
      { cause: error },
    );
  }
}
