import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { decodeName, folderPath, isContinued } from "./objects-path.ts";
import { compareBytes } from "./table-clause.ts";

/** An object (`path` is its file) or, with a delimiter, a folder of objects (`key` ends in `/`). */
export interface Entry {
  readonly key: string;
  readonly path?: string;
}

interface Child {
  /** Full key; a folder's ends in `/`, which gives it its place in bytewise order. */
  readonly key: string;
  readonly path: string;
  readonly isFolder: boolean;
}

/** Walks the keys that start with `prefix` and come after `after`, in bytewise order. */
export function* walk(root: string, prefix: string, fold: boolean, after: string): Generator<Entry> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  for (const child of childrenAfter(folderPath(root, folder.slice(0, -1)), folder, after)) {
    if (!child.key.startsWith(prefix)) {
      continue;
    }
    if (!child.isFolder) {
      yield { key: child.key, path: child.path };
    } else if (!fold) {
      yield* descend(child, after);
    } else if (child.key !== after && !descend(child, "").next().done) {
      // Folders without any object are leftovers of an interrupted put, not prefixes.
      yield { key: child.key };
    }
  }
}

function* descend(folder: Child, after: string): Generator<Entry> {
  for (const child of childrenAfter(folder.path, folder.key, after)) {
    if (child.isFolder) {
      yield* descend(child, after);
    } else {
      yield { key: child.key, path: child.path };
    }
  }
}

/** Children in order, without those that lie wholly at or before `after`. */
function childrenAfter(path: string, base: string, after: string): readonly Child[] {
  const children = readChildren(path, base);
  const kept =
    after === ""
      ? children
      : children.filter(({ key, isFolder }) => compareBytes(key, after) > 0 || (isFolder && after.startsWith(key)));
  // UTF-16 and UTF-8 order differ only where surrogates take part.
  const plain = kept.every(({ key }) => !/[\ud800-\uffff]/.test(key));
  return kept.sort(
    plain ? (left, right) => (left.key < right.key ? -1 : 1) : (left, right) => compareBytes(left.key, right.key),
  );
}

function readChildren(path: string, base: string): Child[] {
  const children = new Map<string, Child>();
  for (const entry of readFolder(path)) {
    const name = decodeName(entry.name);
    if (name === undefined) {
      continue;
    }
    const at = join(path, entry.name);
    if (entry.isDirectory() && isContinued(name.mark)) {
      for (const child of readChildren(at, base + name.text)) {
        children.set(child.key, child);
      }
    } else if (entry.isDirectory() && name.mark === "") {
      children.set(`${base}${name.text}/`, { key: `${base}${name.text}/`, path: at, isFolder: true });
    } else if (entry.isFile() && !(name.mark !== "" && children.has(base + name.text))) {
      children.set(base + name.text, { key: base + name.text, path: at, isFolder: false });
    }
  }
  return [...children.values()];
}

function readFolder(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      return [];
    }
    throw error;
  }
}
