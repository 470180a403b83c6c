import { createHash } from "node:crypto";
import { createWriteStream, constants as fsConstants } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm, stat, statfs, symlink } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, relative, resolve, sep } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { eachOf } from "../client/each-of.ts";
import { listFiles, openFile } from "../client/files.ts";
import { AppError } from "../contract/errors.ts";
import type { FileEntry } from "../contract/files.ts";
import type { Home } from "./home.ts";

export interface MaterializeOptions {
  readonly home: Home;
  readonly uri: string;
  /** Made when absent; nothing but the listed files is in it afterwards. */
  readonly folder: string;
  /** Files the home names on its own disk are this machine's. */
  readonly sameHost: boolean;
  /** Leave bytes where they are if they can be read there: a link instead of a copy. */
  readonly link: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Materialized {
  /** The folder, or the one file when the URI names a file. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** Up to here files are copied although they could be linked: a copy has its own name wherever it is looked at. */
const COPY_BYTES = 256 * 1024 * 1024;
const AT_ONCE = 8;

/** Makes what a URI names present in a folder. A file appears under its name only when it is whole and has the hash it should have. */
export async function materialize(options: MaterializeOptions): Promise<Materialized> {
  const { home, uri, folder, signal } = options;
  const listing = await home.until(() => listFiles(home.client, home.workspace, uri, { signal }), signal);
  if (options.link && options.sameHost && listing.localPath !== undefined && !listing.isFile) {
    await mkdir(dirname(folder), { recursive: true });
    await symlink(listing.localPath, folder);
    return { path: folder, files: 0, bytes: 0 };
  }
  const entries: FileEntry[] = [];
  for await (const entry of listing.files) entries.push(entry);
  const bytes = entries.reduce((sum, entry) => sum + entry.size_bytes, 0);
  await mkdir(folder, { recursive: true });
  const linking = options.link && options.sameHost && bytes > COPY_BYTES;
  if (!linking) await checkRoom(folder, bytes, uri);
  const made = new Map<string, Promise<unknown>>();
  const makeFolder = (path: string) => {
    let making = made.get(path);
    if (making === undefined) {
      making = mkdir(path, { recursive: true });
      made.set(path, making);
    }
    return making;
  };
  let only = folder;
  await eachOf(entries, AT_ONCE, async (entry) => {
    signal?.throwIfAborted();
    const path = inside(folder, entry.path);
    await makeFolder(dirname(path));
    if (linking && entry.local_path !== undefined) await symlink(entry.local_path, path);
    else await fetchFile(options, entry, path);
    if (listing.isFile) only = path;
  });
  for (const empty of listing.folders) await makeFolder(inside(folder, empty));
  for (const link of listing.links) {
    const path = inside(folder, link.path);
    if (isAbsolute(link.target)) throw outside(link.path);
    inside(folder, relative(resolve(folder), resolve(dirname(path), link.target)) || ".");
    await makeFolder(dirname(path));
    await symlink(link.target, path);
  }
  return { path: only, files: entries.length, bytes };
}

async function checkRoom(folder: string, bytes: number, uri: string): Promise<void> {
  const disk = await statfs(folder).catch(() => undefined);
  if (disk === undefined || disk.bavail * disk.bsize > bytes) return;
  throw new AppError(
    "StorageFull",
    `\`${uri}\` needs ${megabytes(bytes)} MB and the disk has ${megabytes(disk.bavail * disk.bsize)} MB left`,
    {
      hint: "free space, or use mode `direct`",
    },
  );
}

const megabytes = (bytes: number) => Math.ceil(bytes / 1024 / 1024);

async function fetchFile(options: MaterializeOptions, entry: FileEntry, path: string): Promise<void> {
  if (options.sameHost && entry.local_path !== undefined && (await copied(entry, entry.local_path, path))) return;
  const { home, signal } = options;
  const part = `${path}.${process.pid}.part`;
  try {
    await home.until(async () => {
      const hash = createHash("sha256");
      let size = 0;
      const counted = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          size += chunk.length;
          done(null, chunk);
        },
      });
      try {
        const body = await openFile(home.client, entry, signal);
        await pipeline(Readable.fromWeb(body), counted, createWriteStream(part), { signal });
      } catch (error) {
        throw broken(error, entry.path);
      }
      if (size !== entry.size_bytes || (entry.sha256 !== undefined && hash.digest("hex") !== entry.sha256)) {
        throw new AppError("DatastoreUnreachable", `\`${entry.path}\` arrived with other bytes than it should have`);
      }
    }, signal);
    if (entry.executable === true) await chmod(part, 0o755);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

/** A connection that broke in the middle is worth another try; a full disk is not. */
function broken(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error.name === "AbortError" || error.name === "AppError") return error;
  const code = "code" in error ? String(error.code) : "";
  if (code === "ENOSPC")
    return new AppError("StorageFull", `the disk is full; \`${path}\` could not be stored`, {}, { cause: error });
  return /^E(CONN|PIPE|TIMEDOUT)|^ERR_STREAM|^$/.test(code)
    ? new AppError("DatastoreUnreachable", `\`${path}\` did not arrive whole`, {}, { cause: error })
    : error;
}

async function copied(entry: FileEntry, from: string, to: string): Promise<boolean> {
  try {
    if ((await stat(from)).size !== entry.size_bytes) return false;
    await copyFile(from, to, fsConstants.COPYFILE_FICLONE);
    // The home keeps its files read-only; a copy is the job's own.
    await chmod(to, entry.executable === true ? 0o755 : 0o644);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") throw broken(error, entry.path);
    return false;
  }
}

function inside(folder: string, path: string): string {
  const clean = normalize(path);
  if (isAbsolute(clean) || clean === ".." || clean.startsWith(`..${sep}`) || path.includes("\0")) throw outside(path);
  return join(folder, clean);
}

function outside(path: string): AppError {
  return new AppError("InvalidPath", `\`${path}\` would be written outside of its folder`);
}
