import type { Table, Write } from "../core/ports/table.ts";

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
