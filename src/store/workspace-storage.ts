import type { Clock } from "../core/ports/clock.ts";
import type { Places } from "../core/ports/storage.ts";
import { ABSENT, type Clause, type Item, type Table, type Value } from "../core/ports/table.ts";
import type { StorageRecord, StorageStore } from "../core/workspaces/ports.ts";
import { WORKSPACE_STORAGE, workspaceStorageKey } from "./facts/keys.ts";
import { itemsOf } from "./partitions.ts";
import { makeRecent } from "./recent.ts";

/** Storage of workspaces' own; the whole list is short, and read at once by whoever needs to know where anything is. */
export function openStorageStore({ table }: { readonly table: Table }): StorageStore {
  return {
    async get(workspace) {
      const item = await table.get(workspaceStorageKey(workspace));
      return item === undefined ? undefined : fromItem(item);
    },
    async list() {
      const records: StorageRecord[] = [];
      for await (const item of itemsOf(table, { pk: WORKSPACE_STORAGE })) records.push(fromItem(item));
      return records;
    },
    async put(record, before) {
      const when = before === undefined ? ABSENT : isStill(before);
      return (await table.transact([{ kind: "put", item: storageItem(record), when }])).ok;
    },
    async delete(record) {
      await table.transact([{ kind: "delete", key: workspaceStorageKey(record.workspace), when: isStill(record) }]);
    },
  };
}

function isStill({ state, sinceMs }: StorageRecord): readonly Clause[] {
  return [
    { attr: "state", op: "eq", value: state },
    { attr: "sinceMs", op: "eq", value: sinceMs },
  ];
}

export function storageItem(record: StorageRecord): Item {
  const places = record.places as unknown as Value;
  return { ...workspaceStorageKey(record.workspace), type: "workspace-storage", v: 1, ...record, places };
}

function fromItem(item: Item): StorageRecord {
  const { pk: _pk, sk: _sk, type: _type, v: _v, ...record } = item;
  return record as unknown as StorageRecord;
}

/** How old what a process knows of it may be. */
const KNOWN_MS = 5000;
/** Longer than that, and than a CloudFront store takes to hear of a change. */
export const SETTLE_MS = 10_000;

/** What of a workspace's storage is not the home's, as of some seconds ago; one read answers for all workspaces. */
export type PlacesOf = (workspace: string) => Promise<Places | undefined>;

export function makePlacesOf(deps: { readonly table: Table; readonly clock: Clock }): PlacesOf {
  const storages = openStorageStore(deps);
  const recent = makeRecent<ReadonlyMap<string, Places>>({ clock: deps.clock, ageMs: KNOWN_MS });
  const read = async () => {
    const records = await storages.list();
    return new Map(
      records.flatMap(({ workspace, state, places }) => (state === "freed" ? [] : [[workspace, places] as const])),
    );
  };
  return async (workspace) => (await recent.get("all", read)).get(workspace);
}
