import { randomBytes } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  fsync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { AppError } from "../../contract/errors.ts";

const fsyncAsync = promisify(fsync);

/** What stands at `path` itself (a link is a link), or undefined; also if a folder of the path is a file. */
export function statIfPresent(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (systemCode(error) === "ENOTDIR") {
      return undefined;
    }
    throw error;
  }
}

/** The `code` of a system error (`ENOENT`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** AppError("StorageFull") if the disk, quota or file size limit stopped the work on `what`; else the error itself. */
export function fullOr(error: unknown, what: string): unknown {
  const code = systemCode(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG"
    ? new AppError(
        "StorageFull",
        `no room left for ${what}`,
        { hint: "free disk space and try again" },
        { cause: error },
      )
    : error;
}

/** Makes names created in or removed from `folder` survive a power cut. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** `syncFolder` off the event loop; callers that come while one sync of a folder runs share the next. */
export function makeFolderSync(): (folder: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  function start(folder: string): Promise<void> {
    const done = syncFolderAsync(folder).finally(() => {
      if (running.get(folder) === done) {
        running.delete(folder);
      }
    });
    running.set(folder, done);
    return done;
  }

  return (folder) => {
    const current = running.get(folder);
    if (current === undefined) {
      return start(folder);
    }
    const shared = waiting.get(folder);
    if (shared !== undefined) {
      return shared;
    }
    const next = current
      .catch(() => undefined)
      .then(() => {
        waiting.delete(folder);
        return start(folder);
      });
    waiting.set(folder, next);
    return next;
  };
}

async function syncFolderAsync(folder: string): Promise<void> {
  let fd: number;
  try {
    fd = openSync(folder, "r");
  } catch (error) {
    // Pruned since: what was in it is gone, and its own removal is the parent's to keep.
    if (systemCode(error) === "ENOENT") {
      return;
    }
    throw error;
  }
  try {
    await fsyncAsync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces a small file atomically and durably; readers of it need the `mode` (default: the owner only). */
export function writeFileAtomic(path: string, bytes: Uint8Array, mode = 0o600): void {
  withTempFile(path, bytes, mode, (temp) => renameSync(temp, path));
}

/** Makes a small file unless it exists; answers whether it did. */
export function createFileAtomic(path: string, bytes: Uint8Array, mode = 0o600): boolean {
  try {
    withTempFile(path, bytes, mode, (temp) => linkSync(temp, path));
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      return false;
    }
    throw error;
  }
}

function withTempFile(path: string, bytes: Uint8Array, mode: number, place: (temp: string) => void): void {
  const folder = dirname(path);
  const temp = join(folder, `.${randomBytes(8).toString("hex")}.tmp`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fd = openSync(temp, "wx", mode);
    try {
      writeWhole(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    place(temp);
    syncFolder(folder);
  } catch (error) {
    throw fullOr(error, `\`${path}\``);
  } finally {
    rmSync(temp, { force: true });
  }
}

/** Writes all of `bytes`, however few a call takes. */
export function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) {
    at += writeSync(fd, bytes, at);
  }
}

/** The file's bytes, or undefined if there is none. */
export function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
