import { AppError } from "../../contract/errors.ts";
import type { TreeEntry } from "../../contract/trees.ts";
import type { Objects } from "../ports/objects.ts";
import { readTree } from "../trees/get-tree.ts";
import { blobKey } from "../trees/keys.ts";
import type { TreeStore } from "../trees/ports.ts";
import { bytesOf } from "./objects-place.ts";
import { baseName, comparePaths } from "./paths.ts";
import type { BrowseEntry, PageAsk, Place, PlaceFile } from "./place.ts";

type FileEntry = Extract<TreeEntry, { kind: "file" }>;
type LinkEntry = Extract<TreeEntry, { kind: "symlink" }>;

/** Links that lead to links stop being followed. */
const LINKS_LIMIT = 16;

/** A tree as a place, read-only. Links inside what is listed are told as links; those that lead elsewhere in the tree as the file they lead to. */
export function makeTreePlace(
  deps: { readonly trees: TreeStore; readonly objects: Objects },
  input: { readonly workspace: string; readonly id: string },
): Place {
  const entriesOf = async () => (await readTree(deps, input)).entries;

  async function fileOf(path: string, entry: FileEntry): Promise<PlaceFile> {
    return {
      path,
      sizeBytes: entry.size_bytes,
      sha256: entry.sha256,
      ...(entry.executable ? { executable: true } : {}),
      ...(await bytesOf(deps.objects, blobKey(input.workspace, entry.sha256))),
    };
  }

  return {
    async list(path, page) {
      const entries = await entriesOf();
      const single = path === "" ? undefined : fileAt(entries, path);
      if (single !== undefined) {
        const file = await fileOf(baseName(path), single);
        return { isFile: true, files: [file], links: [], folders: [] };
      }
      const below = entriesBelow(entries, path);
      if (below.length === 0 && path !== "" && !entries.some((e) => e.kind === "folder" && e.path === path)) {
        return undefined;
      }
      const skip = path === "" ? 0 : path.length + 1;
      const inside = below.filter((entry): entry is LinkEntry => entry.kind === "symlink" && staysIn(entry, path));
      const files = below.filter(
        (entry) => entry.kind === "file" || (entry.kind === "symlink" && !staysIn(entry, path)),
      );
      const { items, cursor, first } = pageOf(files, page);
      return {
        isFile: false,
        files: await Promise.all(
          items.flatMap((entry) => {
            const target = entry.kind === "file" ? entry : fileAt(entries, entry.path);
            return target === undefined ? [] : [fileOf(entry.path.slice(skip), target)];
          }),
        ),
        links: first ? inside.map((entry) => ({ path: entry.path.slice(skip), target: entry.target })) : [],
        folders: first ? below.filter((e) => e.kind === "folder").map((e) => e.path.slice(skip)) : [],
        ...(cursor === undefined ? {} : { cursor }),
      };
    },
    async open(path, range) {
      const entry = fileAt(await entriesOf(), path);
      return entry === undefined ? undefined : deps.objects.get(blobKey(input.workspace, entry.sha256), range);
    },
    async browse(path, page) {
      const entries = await entriesOf();
      const skip = path === "" ? 0 : path.length + 1;
      const found = new Map<string, BrowseEntry>();
      for (const entry of entriesBelow(entries, path)) {
        const rest = entry.path.slice(skip);
        const slash = rest.indexOf("/");
        const name = slash === -1 ? rest : rest.slice(0, slash);
        if (slash !== -1 || entry.kind === "folder") found.set(name, { path: name, isFolder: true });
        else if (entry.kind === "file") found.set(name, { path: name, isFolder: false, sizeBytes: entry.size_bytes });
        else found.set(name, { path: name, isFolder: false });
      }
      const { items, cursor } = pageOf([...found.values()], page);
      return { entries: items, ...(cursor === undefined ? {} : { cursor }) };
    },
  };
}

function entriesBelow(entries: readonly TreeEntry[], path: string): readonly TreeEntry[] {
  return path === "" ? entries : entries.filter((entry) => entry.path.startsWith(`${path}/`));
}

/** The file at a path, links on the way and at the end followed. */
function fileAt(entries: readonly TreeEntry[], path: string): FileEntry | undefined {
  let wanted = path;
  for (let links = 0; links < LINKS_LIMIT; links++) {
    const hit = entryAt(entries, wanted) ?? linkAbove(entries, wanted);
    if (hit === undefined || hit.kind === "folder") return undefined;
    if (hit.kind === "file") return hit;
    wanted = targetOf(hit) + wanted.slice(hit.path.length);
  }
  return undefined;
}

/** Entries are in path order. */
function entryAt(entries: readonly TreeEntry[], path: string): TreeEntry | undefined {
  let low = 0;
  let high = entries.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const entry = entries[middle];
    if (entry === undefined) return undefined;
    const order = comparePaths(entry.path, path);
    if (order === 0) return entry;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

function linkAbove(entries: readonly TreeEntry[], path: string): LinkEntry | undefined {
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const entry = entryAt(entries, path.slice(0, at));
    if (entry?.kind === "symlink") return entry;
  }
  return undefined;
}

/** Where a link leads, from the tree's root. */
function targetOf(link: LinkEntry): string {
  const parts = link.path.split("/").slice(0, -1);
  for (const part of link.target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function staysIn(link: LinkEntry, path: string): boolean {
  const target = targetOf(link);
  return path === "" || target === path || target.startsWith(`${path}/`);
}

function pageOf<T>(all: readonly T[], { limit, cursor }: PageAsk) {
  const start = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isSafeInteger(start) || start < 0 || (cursor !== undefined && !/^\d{1,9}$/.test(cursor))) {
    throw new AppError("InvalidCursor", "the cursor is not one of this listing");
  }
  const end = start + limit;
  return { items: all.slice(start, end), first: start === 0, ...(end < all.length ? { cursor: String(end) } : {}) };
}
