import { compareSort, firstInOrder } from "../core/tracking/match.ts";
import type { FoundRun, OrderKey, RunQuery, RunsFound, RunView, SortValue } from "../core/tracking/ports.ts";
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

/** Runs of parts: of each its part (empty where there is one part only) and its row. */
interface Candidates {
  readonly parts: readonly Part[];
  readonly partAt: Uint32Array;
  readonly rowAt: Uint32Array;
}

/**
 * Whole orders of queries that are paged through, by query and version of the columns. The first page needs none, and one that is asked for once is
 * not worth it; the next page of the same runs is.
 */
export class KeptOrders {
  private readonly orders = new Map<string, Candidates | undefined>();

  get(key: string): Candidates | undefined {
    return this.orders.get(key);
  }

  /** True from the second time on. */
  isWorth(key: string): boolean {
    if (this.orders.has(key)) return true;
    this.keep(key, undefined);
    return false;
  }

  keep(key: string, order: Candidates | undefined): void {
    this.orders.delete(key);
    this.orders.set(key, order);
    const oldest = this.orders.keys().next().value;
    if (this.orders.size > ORDERS_LIMIT && oldest !== undefined) this.orders.delete(oldest);
  }

  /** They hold the columns they are of. */
  clear(): void {
    this.orders.clear();
  }
}

const ORDERS_LIMIT = 8;

/** The first runs in order of those that fit, in the experiments' columns; whole, where their version is `wanted`. */
export function findRuns(
  columnsOf: (experimentId: string) => RunColumns | undefined,
  query: RunQuery,
  wanted: (version: number) => boolean = () => false,
  kept: KeptOrders = new KeptOrders(),
): RunsFound {
  const order = totalOrder(query.orderBy);
  const key = keyOf(query, columnsOf);
  const known = kept.get(key);
  if (known !== undefined) return pageOf(query, order, known, startOf(query, order, known), wanted);
  const parts = [...new Set(query.experimentIds)].flatMap((id) => partOf(id, columnsOf(id), query, order) ?? []);
  if (query.after !== undefined && kept.isWorth(key)) {
    const all = sorted(parts, { ...query, after: undefined }, order);
    kept.keep(key, all);
    return pageOf(query, order, all, startOf(query, order, all), wanted);
  }
  return pageOf(query, order, sorted(parts, query, order, query.limit + 1), 0, wanted);
}

/** One text for queries that differ in their page only, while no run of their experiments changes. */
function keyOf(
  { experimentIds, filter, orderBy, view, deletedExperimentIds }: RunQuery,
  columnsOf: (experimentId: string) => RunColumns | undefined,
): string {
  const states = experimentIds.map((id) => [id, columnsOf(id)?.version, deletedExperimentIds?.has(id) ?? false]);
  return JSON.stringify([states, filter, orderBy, view]);
}

/** Those after the query's position, in order; only the first where `limit` is given. */
function sorted(
  parts: readonly Part[],
  query: Omit<RunQuery, "after"> & { readonly after?: RunQuery["after"] | undefined },
  order: readonly OrderKey[],
  limit?: number,
): Candidates {
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

  const valueAt = (candidate: number, k: number): SortValue =>
    parts[partAt[candidate] ?? 0]?.readers[k]?.value(rowAt[candidate] ?? 0) ?? null;
  const compare = (a: number, b: number): number => {
    const [one, other] = [prefixAt[a] ?? 0, prefixAt[b] ?? 0];
    if (one !== other) return one < other ? -1 : 1;
    for (let k = 0; k < order.length; k++) {
      const result = compareSort(valueAt(a, k), valueAt(b, k), order[k]?.descending ?? false);
      if (result !== 0) return result;
    }
    return 0;
  };
  const first = firstInOrder(upTo(size), Math.min(limit ?? size, size), compare);
  return {
    parts,
    partAt: partAt.length > 0 ? first.map((candidate) => partAt[candidate] ?? 0) : partAt,
    rowAt: first.map((candidate) => rowAt[candidate] ?? 0),
  };
}

/** Where in all that is sorted the query's page begins. */
function startOf({ after: values }: RunQuery, order: readonly OrderKey[], all: Candidates): number {
  if (values === undefined) return 0;
  const after = { values, prefix: prefixOfValue(values, order) };
  let [low, high] = [0, all.rowAt.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = all.rowAt[middle] ?? 0;
    const readers = all.parts[all.partAt[middle] ?? 0]?.readers ?? [];
    if (isAfter(readers[0]?.prefix(row) ?? 0, row, readers, order, after)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function pageOf(
  { limit }: RunQuery,
  order: readonly OrderKey[],
  { parts, partAt, rowAt }: Candidates,
  start: number,
  wanted: (version: number) => boolean,
): RunsFound {
  const end = Math.min(start + limit, rowAt.length);
  const finders = parts.map(({ columns }) => makeFinder(columns, wanted));
  const found: FoundRun[] = [];
  for (let i = start; i < end; i++) {
    const find = finders[partAt[i] ?? 0];
    if (find !== undefined) found.push(find(rowAt[i] ?? 0));
  }
  if (end === rowAt.length || end === start) return { found };
  const last = parts[partAt[end - 1] ?? 0];
  return { found, next: order.map((_, k) => last?.readers[k]?.value(rowAt[end - 1] ?? 0) ?? null) };
}

function makeFinder(columns: RunColumns, wanted: (version: number) => boolean): (row: number) => FoundRun {
  const idOf = columns.idReader();
  let view: ((row: number) => RunView) | undefined;
  return (row) => {
    const about = { runId: idOf(row), version: columns.versionOf(row) };
    if (!wanted(about.version)) return about;
    view ??= columns.viewer();
    return { ...about, run: view(row) };
  };
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
