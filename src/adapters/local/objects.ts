import { type BigIntStats, closeSync, linkSync, mkdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { AppError } from "../../contract/errors.ts";
import { checkListLimit, checkObjectKey, checkObjectPrefix, rangeWithin } from "../../core/ports/object-rules.ts";
import type { ObjectInfo, Objects } from "../../core/ports/objects.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { fullOr, makeFolderSync, statIfPresent, systemCode } from "./files.ts";
import { linkTemp, openObject, openTempFolder, readFiles, streamRange, tempPath, writeTemp } from "./objects-io.ts";
import { walk } from "./objects-list.ts";
import { asidePath, plainPath, TEMP_FOLDER } from "./objects-path.ts";

/** Time a listing may keep the event loop. */
const LISTING_TURN_MS = 5;

interface Located {
  readonly path: string;
  readonly info: ObjectInfo;
}

/**
 * The Objects port on files under `dir`: a key is its path. An object whose name is also a folder keeps its bytes beside the folder.
 * Placing and removing names is synchronous, so within the process no two of these steps meet.
 */
export function openObjects(options: { readonly dir: string }): Objects {
  const root = options.dir;
  const tempFolder = join(root, TEMP_FOLDER);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  openTempFolder(tempFolder);
  const syncFolder = makeFolderSync();

  function locate(key: string): Located | undefined {
    const plain = plainPath(root, key);
    for (const path of [plain, asidePath(plain)]) {
      const stat = statIfPresent(path);
      if (stat?.isFile()) {
        return { path, info: infoOf(key, stat) };
      }
    }
    return undefined;
  }

  function mustLocate(key: string): Located {
    checkObjectKey(key);
    const found = locate(key);
    if (found === undefined) {
      throw new AppError("NotFound", `there is no object \`${key}\``);
    }
    return found;
  }

  /** Makes the folder of an object; objects in the way of its path step aside. Answers the folders whose names changed. */
  function makeFolder(folder: string): readonly string[] {
    if (statIfPresent(folder)?.isDirectory()) {
      return [];
    }
    const parent = dirname(folder);
    const changed = folder === root ? [] : makeFolder(parent);
    if (statIfPresent(folder) !== undefined) {
      renameSync(folder, asidePath(folder));
    }
    mkdirSync(folder);
    return [...changed, parent];
  }

  /** Gives a finished temporary file its name; answers undefined if `ifAbsent` and the name is taken. */
  function place(temp: string, key: string, ifAbsent: boolean): readonly string[] | undefined {
    if (ifAbsent && locate(key) !== undefined) {
      return undefined;
    }
    const plain = plainPath(root, key);
    const folder = dirname(plain);
    const changed = makeFolder(folder);
    const isFolder = statIfPresent(plain)?.isDirectory() ?? false;
    const target = isFolder ? asidePath(plain) : plain;
    if (ifAbsent) {
      linkSync(temp, target);
    } else {
      renameSync(temp, target);
    }
    if (!isFolder) {
      rmSync(asidePath(plain), { force: true });
    }
    return [...changed, folder];
  }

  /** Makes a temporary file, names it, and answers when all of it is on the disk. */
  async function store(
    key: string,
    ifAbsent: boolean,
    fill: (temp: string) => Promise<void> | void,
  ): Promise<{ stored: boolean; info: ObjectInfo }> {
    const temp = tempPath(tempFolder);
    try {
      await fill(temp);
      const changed = place(temp, key, ifAbsent);
      const { info } = mustLocate(key);
      await Promise.all((changed ?? []).map(syncFolder));
      return { stored: changed !== undefined, info };
    } catch (error) {
      throw fullOr(error, `object \`${key}\``);
    } finally {
      // Also after a rename: it leaves the file where both names already meant the same one.
      rmSync(temp, { force: true });
    }
  }

  /** Removes folders that have become empty; answers the one that stays. */
  function prune(folder: string): string {
    try {
      if (folder === root) {
        return root;
      }
      rmdirSync(folder);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") {
        return folder;
      }
    }
    return prune(dirname(folder));
  }

  async function remove(keys: readonly string[]): Promise<void> {
    keys.forEach(checkObjectKey);
    const changed = new Set<string>();
    for (const key of keys) {
      const plain = plainPath(root, key);
      for (const path of [asidePath(plain), plain]) {
        if (statIfPresent(path)?.isFile()) {
          rmSync(path, { force: true });
          changed.add(prune(dirname(path)));
        }
      }
    }
    await Promise.all([...changed].map(syncFolder));
  }

  return {
    async put(key, body, { ifAbsent = false } = {}) {
      checkObjectKey(key);
      const standing = ifAbsent ? locate(key) : undefined;
      if (standing !== undefined) {
        await (body instanceof Uint8Array ? undefined : body.cancel());
        return { stored: false, info: standing.info };
      }
      try {
        return await store(key, ifAbsent, (temp) => writeTemp(temp, body));
      } catch (error) {
        if (body instanceof ReadableStream && !body.locked) {
          await body.cancel(error).catch(() => undefined);
        }
        throw error;
      }
    },
    async get(key, range) {
      checkObjectKey(key);
      const plain = plainPath(root, key);
      const file = openObject(plain) ?? openObject(asidePath(plain));
      if (file === undefined) {
        return undefined;
      }
      const info = infoOf(key, file.stat);
      try {
        const { start, end } = rangeWithin(info, range);
        return { ...info, body: streamRange(file.fd, start, end) };
      } catch (error) {
        closeSync(file.fd);
        throw error;
      }
    },
    async head(key) {
      checkObjectKey(key);
      return locate(key)?.info;
    },
    async list({ prefix, delimiter, cursor, limit = 1000 }) {
      checkObjectPrefix(prefix);
      checkListLimit(limit);
      const scope = JSON.stringify(["objects", prefix, delimiter ?? ""]);
      let last = cursor === undefined ? "" : (decodeCursor(scope, cursor, 1)[0] ?? "");
      const objects: ObjectInfo[] = [];
      const prefixes: string[] = [];
      let turnEnds = performance.now() + LISTING_TURN_MS;
      for (const entry of walk(root, prefix, delimiter !== undefined, last)) {
        if (objects.length + prefixes.length === limit) {
          return { objects, prefixes, cursor: encodeCursor(scope, [last]) };
        }
        const stat = entry.path === undefined ? undefined : statIfPresent(entry.path);
        if (stat !== undefined) {
          objects.push(infoOf(entry.key, stat));
        } else if (entry.path === undefined) {
          prefixes.push(entry.key);
        }
        last = entry.key;
        if (performance.now() > turnEnds) {
          await nextTurn();
          turnEnds = performance.now() + LISTING_TURN_MS;
        }
      }
      return { objects, prefixes };
    },
    delete: remove,
    async copy(from, to) {
      const source = mustLocate(from);
      checkObjectKey(to);
      return from === to ? source.info : (await store(to, false, (temp) => linkTemp(source.path, temp))).info;
    },
    async compose(parts, key) {
      checkObjectKey(key);
      const paths = parts.map((part) => mustLocate(part).path);
      const [only] = paths;
      const { info } = await store(key, false, (temp) =>
        paths.length === 1 && only !== undefined ? linkTemp(only, temp) : writeTemp(temp, readFiles(paths)),
      );
      await remove(parts.filter((part) => part !== key));
      return info;
    },
    async sign() {
      return undefined;
    },
    localPath(key) {
      checkObjectKey(key);
      return locate(key)?.path;
    },
  };
}

function infoOf(key: string, stat: BigIntStats): ObjectInfo {
  return {
    key,
    sizeBytes: Number(stat.size),
    etag: [stat.size, stat.mtimeNs, stat.ino].map((part) => part.toString(36)).join("-"),
    modifiedMs: Number(stat.mtimeNs / 1_000_000n),
  };
}
