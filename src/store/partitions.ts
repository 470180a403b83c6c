import type { Item, Query, Table, Write } from "../core/ports/table.ts";

const WRITES_LIMIT = 100;

/** All items of a query, over its pages. */
export async function* itemsOf(table: Table, query: Query): AsyncGenerator<Item> {
  let cursor: string | undefined;
  do {
    const page = await table.query({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Deletes what a query finds, but for sort keys that are to stay. */
export async function deleteItems(table: Table, query: Query, stay: ReadonlySet<string> = new Set()): Promise<void> {
  let writes: Write[] = [];
  for await (const { pk, sk } of itemsOf(table, query)) {
    if (stay.has(sk)) continue;
    writes.push({ kind: "delete", key: { pk, sk } });
    if (writes.length < WRITES_LIMIT) continue;
    await table.transact(writes);
    writes = [];
  }
  if (writes.length > 0) await table.transact(writes);
}
