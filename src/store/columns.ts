import type { DatasetBrief } from "../core/tracking/ports.ts";
import { TextPool, withRoom } from "./text-pool.ts";

type Codes = Uint8Array | Uint16Array | Uint32Array;

/** Numbers of all rows; `has` has a bit for each row, set where there is one. Rows beyond the arrays have none. */
export interface NumberColumn {
  values: Float64Array;
  has: Uint8Array;
}

/** Texts of all rows as numbers of a pool; 0 is not there. As wide as the pool needs: most have few texts. */
export interface TextColumn {
  codes: Codes;
  readonly pool: TextPool;
}

/** All that makes the same columns of an experiment's runs again. */
export interface StoredColumns {
  readonly ids: TextPool;
  readonly revs: Float64Array;
  readonly numbers: ReadonlyMap<string, NumberColumn>;
  readonly texts: ReadonlyMap<string, TextColumn>;
  readonly datasets: ReadonlyMap<number, readonly DatasetBrief[]>;
}

export function setNumber(
  columns: Map<string, NumberColumn>,
  name: string,
  row: number,
  value: number | undefined,
): void {
  let column = columns.get(name);
  if (column === undefined) {
    if (value === undefined) return;
    column = { values: new Float64Array(0), has: new Uint8Array(0) };
    columns.set(name, column);
  }
  column.values = withRoom(column.values, row + 1);
  column.has = withRoom(column.has, (row >> 3) + 1);
  const bit = 1 << (row & 7);
  const others = (column.has[row >> 3] ?? 0) & ~bit;
  column.has[row >> 3] = value === undefined ? others : others | bit;
  column.values[row] = value ?? 0;
}

/** A column that is new has its texts in `pool`. @default a pool of its own */
export function setText(
  columns: Map<string, TextColumn>,
  name: string,
  row: number,
  value: string | undefined,
  pool?: TextPool,
): void {
  let column = columns.get(name);
  if (column === undefined) {
    if (value === undefined) return;
    column = { codes: new Uint8Array(0), pool: pool ?? new TextPool() };
    columns.set(name, column);
  }
  if (value === undefined) {
    clearText(column, row);
    return;
  }
  const code = column.pool.add(value);
  column.codes = withRoom(wideEnough(column.codes, code), row + 1);
  column.codes[row] = code;
}

export function clearText(column: TextColumn, row: number): void {
  if (row < column.codes.length) column.codes[row] = 0;
}

export function clearNumber({ has }: NumberColumn, row: number): void {
  if (row >> 3 < has.length) has[row >> 3] = (has[row >> 3] ?? 0) & ~(1 << (row & 7));
}

export function numberAt({ values, has }: NumberColumn, row: number): number | undefined {
  return ((has[row >> 3] ?? 0) >> (row & 7)) & 1 ? values[row] : undefined;
}

export function textAt({ codes, pool }: TextColumn, row: number): string | undefined {
  const code = codes[row] ?? 0;
  return code === 0 ? undefined : pool.text(code);
}

function wideEnough(codes: Codes, code: number): Codes {
  if (code > 0xffff) return codes instanceof Uint32Array ? codes : Uint32Array.from(codes);
  if (code > 0xff) return codes instanceof Uint8Array ? Uint16Array.from(codes) : codes;
  return codes;
}
