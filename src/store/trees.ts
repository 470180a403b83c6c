import type { TreeEntry } from "../contract/trees.ts";
import { readAll } from "../core/files/streams.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import type { Table } from "../core/ports/table.ts";
import { blobsOf, treeObjectKey } from "../core/trees/keys.ts";
import type { StoredTree, TreeFacts, TreeStore } from "../core/trees/ports.ts";
import { treeKey } from "./facts/keys.ts";
import { makeKeep } from "./sweep.ts";

/** Entries kept in memory over all cached trees: paging through a large tree parses it once. */
const CACHE_LIMIT_ENTRIES = 50_000;

/** Entries lie in an object (a tree may have 200,000), facts in the table. */
export function openTreeStore(deps: {
  readonly table: Table;
  readonly objects: Objects;
  readonly clock: Clock;
}): TreeStore {
  const cache = makeTreeCache();
  const keep = makeKeep(deps);

  async function read(workspace: string, id: string): Promise<StoredTree | undefined> {
    const key = treeObjectKey(workspace, id);
    const cached = cache.get(key);
    if (cached !== undefined) return cached;
    const object = await deps.objects.get(key);
    if (object === undefined) return undefined;
    const { entries, file_count, size_bytes } = JSON.parse(new TextDecoder().decode(await readAll(object.body))) as {
      entries: TreeEntry[];
      file_count: number;
      size_bytes: number;
    };
    const tree: StoredTree = { id, fileCount: file_count, sizeBytes: size_bytes, entries };
    cache.set(key, tree);
    return tree;
  }

  return {
    read,
    keep,
    async facts(workspace, id) {
      const [item, object] = await Promise.all([
        deps.table.get(treeKey(workspace, id)),
        deps.objects.head(treeObjectKey(workspace, id)),
      ]);
      // A workspace that was deleted and made again has lost its objects.
      if (item === undefined || object === undefined) return undefined;
      if (item.doomed !== undefined) {
        // Its blobs first: a tree that is kept has all of them.
        const tree = await read(workspace, id);
        if (tree === undefined || (await keep(workspace, [...blobsOf(tree.entries), id])).length > 0) return undefined;
      }
      return { id, fileCount: Number(item.file_count), sizeBytes: Number(item.size_bytes) } satisfies TreeFacts;
    },
    async save(workspace, { id, fileCount, sizeBytes, entries }) {
      const facts = { file_count: fileCount, size_bytes: sizeBytes };
      const text = JSON.stringify({ ...facts, entries });
      await deps.objects.put(treeObjectKey(workspace, id), new TextEncoder().encode(text), { ifAbsent: true });
      await deps.table.transact([
        { kind: "put", item: { ...treeKey(workspace, id), type: "tree", v: 1, id, ...facts } },
      ]);
    },
  };
}

/** Least recently used trees go first. */
function makeTreeCache() {
  const trees = new Map<string, StoredTree>();
  let size = 0;
  return {
    get(key: string): StoredTree | undefined {
      const tree = trees.get(key);
      if (tree === undefined) return undefined;
      trees.delete(key);
      trees.set(key, tree);
      return tree;
    },
    set(key: string, tree: StoredTree): void {
      if (trees.has(key) || tree.entries.length > CACHE_LIMIT_ENTRIES) return;
      trees.set(key, tree);
      size += tree.entries.length;
      for (const [oldest, old] of trees) {
        if (size <= CACHE_LIMIT_ENTRIES) break;
        trees.delete(oldest);
        size -= old.entries.length;
      }
    },
  };
}
