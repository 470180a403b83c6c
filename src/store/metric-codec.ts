import type { MetricPoint, MetricSummary, Points } from "../core/tracking/ports.ts";

/**
 * Points of one log item as columns: key numbers (u16), then values, timestamps and steps (f64 each), little-endian.
 * Numbers of the record store end at 1e126 and know no NaN; metric values do not, hence bytes.
 */
export interface PointBatch {
  readonly keys: readonly string[];
  readonly data: Uint8Array;
}

const POINT_BYTES = 26;

export function encodePoints(points: readonly MetricPoint[]): PointBatch {
  const count = points.length;
  const data = new Uint8Array(count * POINT_BYTES);
  const view = new DataView(data.buffer);
  const numbers = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const point = points[i];
    if (point === undefined) continue;
    let number = numbers.get(point.key);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(point.key, number);
    }
    view.setUint16(i * 2, number, true);
    view.setFloat64(count * 2 + i * 8, point.value, true);
    view.setFloat64(count * 10 + i * 8, point.timestamp, true);
    view.setFloat64(count * 18 + i * 8, point.step, true);
  }
  return { keys: [...numbers.keys()], data };
}

export function decodePoints(batch: PointBatch): MetricPoint[] {
  const { view, count } = open(batch);
  return Array.from({ length: count }, (_, i) => ({
    key: batch.keys[view.getUint16(i * 2, true)] ?? "",
    value: view.getFloat64(count * 2 + i * 8, true),
    timestamp: view.getFloat64(count * 10 + i * 8, true),
    step: view.getFloat64(count * 18 + i * 8, true),
  }));
}

/** Gathers the points of one key from many batches. */
export function pointsOf(key: string, batches: readonly PointBatch[]): Points {
  const hits: { view: DataView; count: number; number: number }[] = [];
  let room = 0;
  for (const batch of batches) {
    const number = batch.keys.indexOf(key);
    if (number < 0) continue;
    const { view, count } = open(batch);
    hits.push({ view, count, number });
    room += count;
  }
  const values = new Float64Array(room);
  const timestamps = new Float64Array(room);
  const steps = new Float64Array(room);
  let length = 0;
  for (const { view, count, number } of hits) {
    for (let i = 0; i < count; i++) {
      if (view.getUint16(i * 2, true) !== number) continue;
      values[length] = view.getFloat64(count * 2 + i * 8, true);
      timestamps[length] = view.getFloat64(count * 10 + i * 8, true);
      steps[length] = view.getFloat64(count * 18 + i * 8, true);
      length++;
    }
  }
  return inOrder({ length, values, timestamps, steps });
}

function open(batch: PointBatch): { view: DataView; count: number } {
  const { buffer, byteOffset, byteLength } = batch.data;
  return { view: new DataView(buffer, byteOffset, byteLength), count: Math.floor(byteLength / POINT_BYTES) };
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

const SUMMARY_BYTES = 48;

/** A run's metric summaries: the keys, and six numbers (f64) for each. */
export function encodeSummaries(metrics: ReadonlyMap<string, MetricSummary>): PointBatch {
  const data = new Uint8Array(metrics.size * SUMMARY_BYTES);
  const view = new DataView(data.buffer);
  let at = 0;
  for (const { value, timestamp, step, min, max, count } of metrics.values()) {
    for (const number of [value, timestamp, step, min, max, count]) {
      view.setFloat64(at, number, true);
      at += 8;
    }
  }
  return { keys: [...metrics.keys()], data };
}

export function decodeSummaries(batch: PointBatch, into: Map<string, MetricSummary>): void {
  const view = new DataView(batch.data.buffer, batch.data.byteOffset, batch.data.byteLength);
  batch.keys.forEach((key, i) => {
    const number = (n: number): number => view.getFloat64(i * SUMMARY_BYTES + n * 8, true);
    into.set(key, {
      value: number(0),
      timestamp: number(1),
      step: number(2),
      min: number(3),
      max: number(4),
      count: number(5),
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
