import type { Item, Key, Table, Write } from "../core/ports/table.ts";

/** A table whose acknowledged writes are told to listeners before the writer hears of them. */
export interface WatchedTable extends Table {
  onWrite(listener: (write: Write) => void): void;
}

/** For homes where one process is the only writer: what it keeps in memory follows its own writes and needs no change feed. */
export function watchTable(table: Table): WatchedTable {
  const listeners: ((write: Write) => void)[] = [];
  return {
    get: (key) => table.get(key),
    batchGet: (keys) => table.batchGet(keys),
    query: (query) => table.query(query),
    async transact(writes) {
      const result = await table.transact(writes);
      if (result.ok) for (const listener of listeners) for (const write of writes) listener(write);
      return result;
    },
    onWrite(listener) {
      listeners.push(listener);
    },
  };
}

export function isWatched(table: Table): table is WatchedTable {
  return "onWrite" in table;
}

const KEPT_LIMIT = 256;

/** A table whose items, once read by key, are kept until they are written. Only a watched one can know; of any other each read is made. */
export function keepReads(table: Table): Table {
  if (!isWatched(table)) return table;
  const kept = new Map<string, Item | undefined>();
  let writes = 0;
  table.onWrite((write) => {
    writes++;
    kept.delete(nameOf(write.kind === "put" ? write.item : write.key));
  });
  return {
    ...table,
    async get(key) {
      const name = nameOf(key);
      if (kept.has(name)) return kept.get(name);
      const before = writes;
      const item = await table.get(key);
      if (kept.size >= KEPT_LIMIT) kept.clear();
      // What was written while this was read may be what was read, or not.
      if (writes === before) kept.set(name, item);
      return item;
    },
  };
}

function nameOf({ pk, sk }: Key): string {
  return `${pk}\n${sk}`;
}
