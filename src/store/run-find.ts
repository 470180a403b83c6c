import { compareSort, firstInOrder } from "../core/tracking/match.ts";
import type { OrderKey, RunQuery, RunSearch, SortValue } from "../core/tracking/ports.ts";
import type { RunColumns, SortReader } from "./run-columns.ts";
import { prefixOf, upTo } from "./text-pool.ts";

const BY_START: OrderKey = { entity: "attribute", key: "start_time", kind: "number", descending: true };
const BY_ID: OrderKey = { entity: "attribute", key: "run_id", kind: "text", descending: false };

/** The query's order with the ties' behind it; the id makes it total. */
function totalOrder(orderBy: readonly OrderKey[]): OrderKey[] {
  const has = (key: string): boolean => orderBy.some((order) => order.entity === "attribute" && order.key === key);
  return [...orderBy, ...(has("start_time") ? [] : [BY_START]), ...(has("run_id") ? [] : [BY_ID])];
}

/** What is left of one experiment, and how it is sorted. */
interface Part {
  readonly columns: RunColumns;
  readonly rows: Uint32Array;
  readonly readers: readonly SortReader[];
}

/** The first runs in order of those that fit, in the experiments' columns. */
export function findRuns(
  columnsOf: (experimentId: string) => RunColumns | undefined,
  query: RunQuery,
): Awaited<ReturnType<RunSearch["search"]>> {
  const order = totalOrder(query.orderBy);
  const parts = [...new Set(query.experimentIds)].flatMap((id) => partOf(id, columnsOf(id), query, order) ?? []);
  const total = parts.reduce((sum, { rows }) => sum + rows.length, 0);
  // Of each candidate its part, its row, and a number that decides nearly every comparison.
  const partAt = new Uint32Array(parts.length > 1 ? total : 0);
  const rowAt = new Uint32Array(total);
  const prefixAt = new Float64Array(total);
  const after =
    query.after === undefined ? undefined : { values: query.after, prefix: prefixOfValue(query.after, order) };
  let size = 0;
  parts.forEach(({ rows, readers }, number) => {
    const [first] = readers;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? 0;
      const prefix = first?.prefix(row) ?? 0;
      if (after !== undefined && !isAfter(prefix, row, readers, order, after)) continue;
      rowAt[size] = row;
      prefixAt[size] = prefix;
      if (partAt.length > 0) partAt[size] = number;
      size++;
    }
  });

  const partOfCandidate = (candidate: number): Part => parts[partAt[candidate] ?? 0] as Part;
  const valueAt = (candidate: number, k: number): SortValue =>
    partOfCandidate(candidate).readers[k]?.value(rowAt[candidate] ?? 0) ?? null;
  const compare = (a: number, b: number): number => {
    const [one, other] = [prefixAt[a] ?? 0, prefixAt[b] ?? 0];
    if (one !== other) return one < other ? -1 : 1;
    for (let k = 0; k < order.length; k++) {
      const result = compareSort(valueAt(a, k), valueAt(b, k), order[k]?.descending ?? false);
      if (result !== 0) return result;
    }
    return 0;
  };
  const first = firstInOrder(upTo(size), Math.min(query.limit + 1, size), compare);
  const page = first.subarray(0, query.limit);
  const last = page.at(-1);
  const runIds = Array.from(page, (i) => partOfCandidate(i).columns.idOf(rowAt[i] ?? 0));
  if (first.length <= query.limit || last === undefined) return { runIds };
  return { runIds, next: order.map((_, k) => valueAt(last, k)) };
}

function partOf(
  experimentId: string,
  columns: RunColumns | undefined,
  query: RunQuery,
  order: readonly OrderKey[],
): Part | undefined {
  const isDeleted = query.deletedExperimentIds?.has(experimentId) ?? false;
  if (columns === undefined || (isDeleted && query.view === "active")) return undefined;
  return {
    columns,
    rows: columns.select(query.filter, isDeleted ? "all" : query.view),
    readers: order.map((key) => columns.reader(key)),
  };
}

function isAfter(
  prefix: number,
  row: number,
  readers: readonly SortReader[],
  order: readonly OrderKey[],
  after: { readonly values: readonly SortValue[]; readonly prefix: number },
): boolean {
  if (prefix !== after.prefix) return prefix > after.prefix;
  for (let k = 0; k < order.length; k++) {
    const result = compareSort(readers[k]?.value(row) ?? null, after.values[k] ?? null, order[k]?.descending ?? false);
    if (result !== 0) return result > 0;
  }
  return false;
}

/** As a SortReader gives it. */
function prefixOfValue([first]: readonly SortValue[], [key]: readonly OrderKey[]): number {
  const sign = key?.descending ? -1 : 1;
  if (key?.key === "artifact_uri" && key.entity === "attribute") return 0;
  if (first === null || first === undefined || (key?.kind === "number" && typeof first !== "number")) {
    return Number.POSITIVE_INFINITY;
  }
  return sign * (typeof first === "number" ? first : prefixOf(first));
}
