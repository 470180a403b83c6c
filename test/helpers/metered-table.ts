import type { Item, Key, Table, Write } from "../../src/core/ports/table.ts";
import { checkItem } from "../../src/core/ports/table-rules.ts";

/** What DynamoDB would bill: write units of 1 KB (twice that inside a transaction), read units of 4 KB (half of that from an index), and the requests made one after another. */
export interface Units {
  writes: number;
  reads: number;
  /** Calls of the port; keys or pages of one call go out together. */
  trips: number;
  keptBytes: number;
}

const WRITE_BYTES = 1024;
const READ_BYTES = 4096;
/** What is kept for an item beside its attributes. */
const ITEM_BYTES = 100;
const INDEXES = ["gsi1", "gsi2"] as const;

/** A table that counts as DynamoDB bills. It reads what writes change by itself, without counting that. */
export function meterTable(table: Table): { readonly table: Table; readonly units: Units } {
  const units: Units = { writes: 0, reads: 0, trips: 0, keptBytes: 0 };

  function countWrite(write: Write, before: Item | undefined, after: Item | undefined, times: number): void {
    const [sizeBefore, sizeAfter] = [sizeOf(before), sizeOf(after)];
    units.writes += times * writeUnits(Math.max(sizeBefore, sizeAfter));
    if (write.kind === "check") return;
    let copies = 0;
    let copiesBefore = 0;
    for (const index of INDEXES) {
      // An index is written after the transaction, at the plain price.
      units.writes += indexUnits(index, before, after);
      copies += Number(after?.[`${index}pk`] !== undefined);
      copiesBefore += Number(before?.[`${index}pk`] !== undefined);
    }
    const kept = (bytes: number) => (bytes === 0 ? 0 : bytes + ITEM_BYTES);
    units.keptBytes += (1 + copies) * kept(sizeAfter) - (1 + copiesBefore) * kept(sizeBefore);
  }

  const metered: Table = {
    async get(key) {
      const item = await table.get(key);
      units.trips += 1;
      units.reads += readUnits(sizeOf(item));
      return item;
    },
    async batchGet(keys) {
      const items = await table.batchGet(keys);
      units.trips += 1;
      units.reads += keys.length - items.length;
      for (const item of items) units.reads += readUnits(sizeOf(item));
      return items;
    },
    async query(query) {
      const page = await table.query(query);
      units.trips += 1;
      const whole = readUnits(page.items.reduce((sum, item) => sum + sizeOf(item), 0));
      units.reads += query.index === undefined ? whole : whole / 2;
      return page;
    },
    async transact(writes) {
      const before = await Promise.all(writes.map((write) => table.get(keyOf(write))));
      const result = await table.transact(writes);
      units.trips += 1;
      // Two items are billed twice each: once to prepare, once to commit. So is a lone check, which only a transaction can do.
      const times = writes.length === 1 && writes[0]?.kind !== "check" ? 1 : 2;
      for (const [i, write] of writes.entries()) {
        countWrite(write, before[i], result.ok ? await table.get(keyOf(write)) : before[i], times);
      }
      return result;
    },
  };
  return { table: metered, units };
}

const sizeOf = (item: Item | undefined): number => (item === undefined ? 0 : checkItem(item));
const readUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / READ_BYTES));
const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / WRITE_BYTES));
const keyOf = (write: Write): Key =>
  write.kind === "put" ? { pk: write.item.pk, sk: write.item.sk } : { pk: write.key.pk, sk: write.key.sk };

/** An item that changes its place in an index is taken out and put in; one that stays is written when it has changed. */
function indexUnits(index: (typeof INDEXES)[number], before: Item | undefined, after: Item | undefined): number {
  const place = (item: Item | undefined) =>
    item?.[`${index}pk`] === undefined ? undefined : JSON.stringify([item[`${index}pk`], item[`${index}sk`]]);
  const [from, to] = [place(before), place(after)];
  if (from === to) {
    const isSame = from === undefined || JSON.stringify(before) === JSON.stringify(after);
    return isSame ? 0 : writeUnits(Math.max(sizeOf(before), sizeOf(after)));
  }
  return (from === undefined ? 0 : writeUnits(sizeOf(before))) + (to === undefined ? 0 : writeUnits(sizeOf(after)));
}
