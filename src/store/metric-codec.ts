import { AppError } from "../contract/errors.ts";
import type { MetricPoint, MetricSummary, Points } from "../core/tracking/ports.ts";
import { NUMBER_BYTES, Reader, Writer } from "./number-codec.ts";

/**
 * Points of one log item as columns: key numbers, values, timestamps, steps. A point of a loop that logs takes 5 to 10 bytes.
 * Numbers of the record store end at 1e126 and know no NaN; metric values do not, hence bytes.
 */
export interface PointBatch {
  readonly keys: readonly string[];
  readonly data: Uint8Array;
}

/** The most that a point takes, beside its key's text. */
export const POINT_BYTES = 3 * NUMBER_BYTES + 3;
/** Stands first: of another form than this nothing is read. */
const FORM = 2;

export function encodePoints(points: readonly MetricPoint[]): PointBatch {
  const count = points.length;
  const numbers = new Map<string, number>();
  const keys = new Float64Array(count);
  const values = new Float64Array(count);
  const timestamps = new Float64Array(count);
  const steps = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const point = points[i];
    if (point === undefined) continue;
    let number = numbers.get(point.key);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(point.key, number);
    }
    keys[i] = number;
    values[i] = point.value;
    timestamps[i] = point.timestamp;
    steps[i] = point.step;
  }
  const writer = new Writer();
  writer.whole(FORM);
  writer.whole(count);
  writer.wholes(keys);
  writer.values(values);
  writer.wholes(timestamps);
  writer.wholes(steps);
  return { keys: [...numbers.keys()], data: writer.done() };
}

export function decodePoints(batch: PointBatch): MetricPoint[] {
  const { count, keys, values, timestamps, steps } = open(batch);
  return Array.from({ length: count }, (_, i) => ({
    key: batch.keys[keys[i] ?? 0] ?? "",
    value: values[i] ?? 0,
    timestamp: timestamps[i] ?? 0,
    step: steps[i] ?? 0,
  }));
}

/** Gathers the points of one key from many batches. */
export function pointsOf(key: string, batches: readonly PointBatch[]): Points {
  const hits = batches.flatMap((batch) => {
    const number = batch.keys.indexOf(key);
    return number < 0 ? [] : [{ number, ...open(batch) }];
  });
  const room = hits.reduce((sum, { count }) => sum + count, 0);
  const all = { values: new Float64Array(room), timestamps: new Float64Array(room), steps: new Float64Array(room) };
  let length = 0;
  for (const { number, count, keys, values, timestamps, steps } of hits) {
    for (let i = 0; i < count; i++) {
      if (keys[i] !== number) continue;
      all.values[length] = values[i] ?? 0;
      all.timestamps[length] = timestamps[i] ?? 0;
      all.steps[length] = steps[i] ?? 0;
      length++;
    }
  }
  return inOrder({ length, ...all });
}

function open({ data }: PointBatch) {
  const reader = new Reader(data);
  const form = reader.whole();
  if (form !== FORM)
    throw new AppError("Internal", `metric points are kept in form ${form}; this version reads ${FORM}`);
  const count = reader.whole();
  const [keys, values] = [reader.column(count), reader.column(count)];
  return { count, keys, values, timestamps: reader.column(count), steps: reader.column(count) };
}

/** Sorted by (timestamp, step, value), NaN last, and each point once: a client that sends a batch again adds nothing. */
function inOrder(points: Points): Points {
  const { length, values, timestamps, steps } = points;
  const at = (column: Float64Array, i: number): number => column[i] ?? 0;
  const compare = (a: number, b: number): number =>
    at(timestamps, a) - at(timestamps, b) || at(steps, a) - at(steps, b) || compareValues(at(values, a), at(values, b));
  // Nearly every log is in order of time already; then nothing else need be compared.
  let sorted = true;
  for (let i = 1; sorted && i < length; i++) {
    sorted = at(timestamps, i - 1) < at(timestamps, i) || compare(i - 1, i) < 0;
  }
  if (sorted) {
    return {
      length,
      values: values.subarray(0, length),
      timestamps: timestamps.subarray(0, length),
      steps: steps.subarray(0, length),
    };
  }
  const order = Uint32Array.from({ length }, (_, i) => i);
  order.sort(compare);
  const result = {
    values: new Float64Array(length),
    timestamps: new Float64Array(length),
    steps: new Float64Array(length),
  };
  let kept = 0;
  for (let i = 0; i < length; i++) {
    const from = order[i] ?? 0;
    if (i > 0 && compare(order[i - 1] ?? 0, from) === 0) continue;
    result.values[kept] = at(values, from);
    result.timestamps[kept] = at(timestamps, from);
    result.steps[kept] = at(steps, from);
    kept++;
  }
  return {
    length: kept,
    values: result.values.subarray(0, kept),
    timestamps: result.timestamps.subarray(0, kept),
    steps: result.steps.subarray(0, kept),
  };
}

function compareValues(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
}

const COLUMNS = ["value", "min", "max", "timestamp", "step", "count"] as const;

/** A run's metric summaries: the keys, and a column for each number. */
export function encodeSummaries(metrics: ReadonlyMap<string, MetricSummary>): PointBatch {
  const summaries = [...metrics.values()];
  const writer = new Writer();
  writer.whole(FORM);
  const column = new Float64Array(summaries.length);
  for (const name of COLUMNS) {
    for (let i = 0; i < column.length; i++) column[i] = summaries[i]?.[name] ?? 0;
    writer.values(column);
  }
  return { keys: [...metrics.keys()], data: writer.done() };
}

export function decodeSummaries({ keys, data }: PointBatch, into: Map<string, MetricSummary>): void {
  const reader = new Reader(data);
  const form = reader.whole();
  if (form !== FORM) throw new AppError("Internal", `summaries are kept in form ${form}; this version reads ${FORM}`);
  const [value, min, max, timestamp, step, count] = COLUMNS.map(() => reader.column(keys.length));
  keys.forEach((key, i) => {
    into.set(key, {
      value: value?.[i] ?? 0,
      timestamp: timestamp?.[i] ?? 0,
      step: step?.[i] ?? 0,
      min: min?.[i] ?? 0,
      max: max?.[i] ?? 0,
      count: count?.[i] ?? 0,
    });
  });
}

/** The summary after one more point. NaN counts, but is no extreme. */
export function withPoint(summary: MetricSummary | undefined, point: MetricPoint): MetricSummary {
  const { value, timestamp, step } = point;
  if (summary === undefined) return { value, timestamp, step, min: value, max: value, count: 1 };
  const later = step - summary.step || timestamp - summary.timestamp || compareLatest(value, summary.value);
  const isLatest = later >= 0;
  return {
    value: isLatest ? value : summary.value,
    timestamp: isLatest ? timestamp : summary.timestamp,
    step: isLatest ? step : summary.step,
    min: Number.isNaN(summary.min) || value < summary.min ? value : summary.min,
    max: Number.isNaN(summary.max) || value > summary.max ? value : summary.max,
    count: summary.count + 1,
  };
}

/** Among points of one step and time the larger value is the latest; any number comes after NaN. */
function compareLatest(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  return Number.isNaN(b) ? 1 : a - b;
}
