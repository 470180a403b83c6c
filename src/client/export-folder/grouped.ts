import { metadataOf, rowsOf } from "./parquet.ts";
import type { Row, TableName } from "./tables.ts";

/** Row groups kept decoded: runs are asked for in the order they lie in, a few side by side. */
const GROUPS_KEPT = 3;

/** A table whose rows of one thing lie together, found by the thing's id without holding the table. */
export interface Grouped<N extends TableName> {
  rows(id: string): Promise<Row<N>[]>;
}

/** `idOf`: the column the rows are grouped by. `onKey`: sees each row's id and value of column `also`, in order. */
export async function openGrouped<N extends TableName>(
  path: string,
  name: N,
  column: keyof Row<N> & string,
  also?: { readonly column: keyof Row<N> & string; readonly onRow: (id: string, value: string) => void },
): Promise<Grouped<N>> {
  const metadata = await metadataOf(path);
  const groups: { readonly from: number; readonly to: number }[] = [];
  const places = new Map<string, { from: number; to: number }>();
  let at = 0;
  for (const { num_rows } of metadata.row_groups) {
    const group = { from: at, to: at + Number(num_rows) };
    groups.push(group);
    const columns = also === undefined ? [column] : [column, also.column];
    for (const row of await rowsOf(path, name, { ...group, columns })) {
      const id = String(row[column]);
      const place = places.get(id);
      if (place === undefined) places.set(id, { from: at, to: at + 1 });
      else place.to = at + 1;
      also?.onRow(id, String(row[also.column]));
      at++;
    }
  }

  const decoded = new Map<number, Promise<Row<N>[]>>();
  function read(index: number): Promise<Row<N>[]> {
    const known = decoded.get(index);
    if (known !== undefined) return known;
    const rows = rowsOf(path, name, groups[index]);
    decoded.set(index, rows);
    for (const [oldest] of decoded) {
      if (decoded.size <= GROUPS_KEPT) break;
      decoded.delete(oldest);
    }
    return rows;
  }

  return {
    async rows(id) {
      const place = places.get(id);
      if (place === undefined) return [];
      const found: Row<N>[] = [];
      for (const [index, { from, to }] of groups.entries()) {
        if (to <= place.from || from >= place.to) continue;
        const rows = (await read(index)).slice(Math.max(0, place.from - from), place.to - from);
        for (const row of rows) if (row[column] === id) found.push(row);
      }
      return found;
    },
  };
}
