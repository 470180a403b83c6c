import { invalid } from "./errors.ts";
import { decodeToken, encodeToken } from "./paging.ts";
import type { Points, RunStore } from "./ports.ts";

const PAGE_LIMIT = 25_000;
const RUNS_LIMIT = 100;
export const SAMPLE_LIMIT = 2500;

/** Points of one key in order, all or a page of them. */
export async function metricHistory(
  runs: RunStore,
  workspace: string,
  query: {
    readonly runId: string;
    readonly key: string;
    readonly maxResults?: number | undefined;
    readonly pageToken?: string | undefined;
  },
): Promise<{ readonly points: Points; readonly next?: string }> {
  const { runId, key, maxResults } = query;
  if (maxResults !== undefined && maxResults <= 0) {
    throw invalid(`Invalid value ${maxResults} for parameter 'max_results' supplied. It must be a positive integer.`);
  }
  const all = await runs.history(workspace, runId, key);
  if (maxResults === undefined && !query.pageToken) return { points: all };
  const scope = JSON.stringify(["history", runId, key]);
  // The last point's place, not its number: points of older times may come in between.
  const after = query.pageToken ? decodeToken(scope, query.pageToken) : undefined;
  const from = after === undefined ? 0 : positionAfter(all, Number(after[0]), Number(after[1]), Number(after[2]));
  const to = Math.min(all.length, from + Math.min(maxResults ?? PAGE_LIMIT, PAGE_LIMIT));
  const points = slice(all, from, to);
  if (to >= all.length) return { points };
  const last = to - 1;
  const value = all.values[last] ?? 0;
  return {
    points,
    next: encodeToken(scope, [all.timestamps[last] ?? 0, all.steps[last] ?? 0, Number.isNaN(value) ? "NaN" : value]),
  };
}

function positionAfter(points: Points, timestamp: number, step: number, value: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order =
      (points.timestamps[middle] ?? 0) - timestamp ||
      (points.steps[middle] ?? 0) - step ||
      compareNumbers(points.values[middle] ?? 0, value);
    if (order <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareNumbers(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
}

function slice(points: Points, from: number, to: number): Points {
  return {
    length: to - from,
    values: points.values.subarray(from, to),
    timestamps: points.timestamps.subarray(from, to),
    steps: points.steps.subarray(from, to),
  };
}

export interface RunPoints {
  readonly runId: string;
  readonly points: Points;
}

/** The first `maxResults` points of all runs together, by run id. */
export async function bulkHistory(
  runs: RunStore,
  workspace: string,
  query: {
    readonly runIds: readonly string[];
    readonly key: string | undefined;
    readonly maxResults?: number | undefined;
  },
): Promise<readonly RunPoints[]> {
  if (query.runIds.length === 0) throw invalid("GetMetricHistoryBulk request must specify at least one run_id.");
  if (query.runIds.length > RUNS_LIMIT) {
    throw invalid(
      `GetMetricHistoryBulk request cannot specify more than ${RUNS_LIMIT} run_ids. Received ${query.runIds.length} run_ids.`,
    );
  }
  const { key } = query;
  if (key === undefined) throw invalid("GetMetricHistoryBulk request must specify a metric_key.");
  let room = Math.min(query.maxResults ?? PAGE_LIMIT, PAGE_LIMIT);
  const found: RunPoints[] = [];
  for (const runId of [...new Set(query.runIds)].sort()) {
    if (room <= 0) break;
    const all = await runs.history(workspace, runId, key);
    const points = slice(all, 0, Math.min(all.length, room));
    room -= points.length;
    found.push({ runId, points });
  }
  return found;
}

/** Each run sampled to evenly spaced steps, first and last kept, over the range asked for. */
export async function sampledHistory(
  runs: RunStore,
  workspace: string,
  query: {
    readonly runIds: readonly string[];
    readonly key: string;
    readonly startStep?: number | undefined;
    readonly endStep?: number | undefined;
    readonly maxResults: number;
  },
): Promise<readonly RunPoints[]> {
  const { runIds, key, startStep, endStep, maxResults } = query;
  if (runIds.length > RUNS_LIMIT) {
    throw invalid(
      `GetMetricHistoryBulkInterval request must specify at most ${RUNS_LIMIT} run_ids. Received ${runIds.length} run_ids. See the API docs for more information about request parameters.`,
    );
  }
  if (maxResults < 1 || maxResults > SAMPLE_LIMIT)
    throw invalid(
      `max_results must be between 1 and ${SAMPLE_LIMIT}. See the API docs for more information about request parameters.`,
    );
  if ((startStep === undefined) !== (endStep === undefined))
    throw invalid("If either start step or end step are specified, both must be specified.");
  if (startStep !== undefined && endStep !== undefined && startStep > endStep) {
    throw invalid(`end_step must be greater than start_step. Found start_step=${startStep} and end_step=${endStep}.`);
  }
  const histories: RunPoints[] = [];
  for (const runId of runIds) histories.push({ runId, points: await runs.history(workspace, runId, key) });
  const from = startStep ?? Number.NEGATIVE_INFINITY;
  const to = endStep ?? Number.POSITIVE_INFINITY;
  const ends = new Set<number>();
  const all = new Float64Array(histories.reduce((sum, { points }) => sum + points.length, 0));
  let count = 0;
  for (const { points } of histories) {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < points.length; i++) {
      const step = points.steps[i] ?? 0;
      if (step < from || step > to) continue;
      all[count++] = step;
      if (step < least) least = step;
      if (step > most) most = step;
    }
    if (least <= most) ends.add(least).add(most);
  }
  const wanted = new Set([...evenly(distinct(all.subarray(0, count)), maxResults), ...ends]);
  return histories.map(({ runId, points }) => ({ runId, points: only(points, wanted, maxResults) }));
}

/** Sorted, each once; in place. */
function distinct(numbers: Float64Array): Float64Array {
  let isSorted = true;
  for (let i = 1; isSorted && i < numbers.length; i++) isSorted = (numbers[i - 1] ?? 0) <= (numbers[i] ?? 0);
  if (!isSorted) numbers.sort();
  let kept = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (kept === 0 || numbers[i] !== numbers[kept - 1]) numbers[kept++] = numbers[i] ?? 0;
  }
  return numbers.subarray(0, kept);
}

/** At most `count` of a sorted list, evenly spaced, and the last. */
function evenly(sorted: Float64Array, count: number): number[] {
  if (sorted.length <= count) return [...sorted];
  const gap = sorted.length / count;
  const chosen = Array.from({ length: count }, (_, i) => sorted[Math.floor(i * gap)] ?? 0);
  return [...chosen, sorted.at(-1) ?? 0];
}

function only(points: Points, steps: ReadonlySet<number>, limit: number): Points {
  const rows: number[] = [];
  for (let i = 0; i < points.length; i++) if (steps.has(points.steps[i] ?? 0)) rows.push(i);
  rows.sort((a, b) => (points.steps[a] ?? 0) - (points.steps[b] ?? 0) || a - b);
  const kept = rows.length <= limit ? rows : [...rows.slice(0, limit - 1), rows.at(-1) ?? 0];
  const pick = (column: Float64Array): Float64Array => Float64Array.from(kept, (i) => column[i] ?? 0);
  return {
    length: kept.length,
    values: pick(points.values),
    timestamps: pick(points.timestamps),
    steps: pick(points.steps),
  };
}
