import { compareSort, firstInOrder, numberMatcher, sortNumber, textMatcher } from "./match.ts";
import type { Comparison, OrderKey, SortValue } from "./ports.ts";

/** How the values of one thing are read by a search. */
export interface Row {
  text(attribute: string): string | undefined;
  number(attribute: string): number | undefined;
  tag(key: string): string | undefined;
  param?(key: string): string | undefined;
  metric?(key: string): number | undefined;
}

/** Filters, orders and cuts a list; `next` holds the sort values of the last row where there are more. */
export function searchRows<T>(
  things: readonly T[],
  rowOf: (thing: T) => Row,
  filter: readonly Comparison[],
  orderBy: readonly OrderKey[],
  limit: number,
  after: readonly SortValue[] | undefined,
): { readonly rows: readonly T[]; readonly next?: readonly SortValue[] } {
  const tests = filter.map(testOf);
  const found: { thing: T; keys: SortValue[] }[] = [];
  for (const thing of things) {
    const row = rowOf(thing);
    if (!tests.every((test) => test(row))) continue;
    const keys = orderBy.map((key) => sortValue(row, key));
    if (after === undefined || compareKeys(orderBy, keys, after) > 0) found.push({ thing, keys });
  }
  const candidates = Uint32Array.from({ length: found.length }, (_, i) => i);
  const compare = (a: number, b: number): number => compareKeys(orderBy, found[a]?.keys ?? [], found[b]?.keys ?? []);
  const first = firstInOrder(candidates, Math.min(limit + 1, found.length), compare);
  const page = [...first.subarray(0, limit)].flatMap((i) => found[i] ?? []);
  const rows = page.map(({ thing }) => thing);
  const last = page.at(-1);
  return first.length > limit && last !== undefined ? { rows, next: last.keys } : { rows };
}

/** Attributes that hold numbers are told by the operator's operand. */
function testOf(comparison: Comparison): (row: Row) => boolean {
  const { entity, key, value } = comparison;
  if (entity === "metric" || (entity === "attribute" && typeof value === "number")) {
    const fits = numberMatcher(comparison);
    return entity === "metric" ? (row) => fits(row.metric?.(key)) : (row) => fits(row.number(key));
  }
  const fits = textMatcher(comparison);
  if (entity === "tag") return (row) => fits(row.tag(key));
  if (entity === "parameter") return (row) => fits(row.param?.(key));
  return (row) => fits(row.text(key));
}

function sortValue(row: Row, { entity, key, kind }: OrderKey): SortValue {
  if (entity === "metric") return sortNumber(row.metric?.(key));
  if (entity === "tag") return row.tag(key) ?? null;
  if (entity === "parameter") return row.param?.(key) ?? null;
  return kind === "number" ? sortNumber(row.number(key)) : (row.text(key) ?? null);
}

function compareKeys(orderBy: readonly OrderKey[], a: readonly SortValue[], b: readonly SortValue[]): number {
  for (const [i, { descending }] of orderBy.entries()) {
    const result = compareSort(a[i] ?? null, b[i] ?? null, descending);
    if (result !== 0) return result;
  }
  return 0;
}
