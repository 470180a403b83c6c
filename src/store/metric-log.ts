import type { Item, Table, Write } from "../core/ports/table.ts";
import type { MetricPoint, Points } from "../core/tracking/ports.ts";
import { metricLog, metricLogKey } from "./facts/keys.ts";
import { decodePoints, encodePoints, POINT_BYTES, type PointBatch, pointsOf } from "./metric-codec.ts";

/**
 * A run's points are a log: one item a request, and a few small requests of one process after the other share one (level 0). When a level has FOLD
 * small items they become one item of the next, so that a million single points are read as a few hundred items; batches that are large already stay
 * as they are.
 */
export const FOLD = 64;
const LEVELS = 3;
const LARGE = 512;
const ITEM_ROOM_BYTES = 320_000;

/** The log's last item, where it has room for more, as the process that wrote it remembers. */
export interface Tail {
  readonly seq: number;
  readonly points: readonly MetricPoint[];
}

/** Points of a tail at most: it is written again with each that is added. */
const TAIL_POINTS = 32;

/** Writes for the points of one transaction, and how many of them make a new item. Several only where keys are very long. */
export function logWrites(
  workspace: string,
  runId: string,
  nextSeq: number,
  tail: Tail | undefined,
  points: readonly MetricPoint[],
): { readonly writes: Write[]; readonly level: number; readonly made: number; readonly tail: Tail | undefined } {
  if (tail !== undefined && tail.points.length + points.length <= TAIL_POINTS) {
    const longer = { seq: tail.seq, points: [...tail.points, ...points] };
    const write: Write = { kind: "put", item: toItem(workspace, runId, 0, tail.seq, longer.points) };
    return { writes: [write], level: 0, made: 0, tail: longer };
  }
  const level = points.length >= LARGE ? LEVELS : 0;
  const writes = chunked(points).map(
    (chunk, i): Write => ({ kind: "put", item: toItem(workspace, runId, level, nextSeq + i, chunk) }),
  );
  const next = points.length < TAIL_POINTS ? { seq: nextSeq, points } : undefined;
  return { writes, level, made: writes.length, tail: next };
}

function toItem(workspace: string, runId: string, level: number, seq: number, points: readonly MetricPoint[]): Item {
  const { keys, data } = encodePoints(points);
  return { ...metricLogKey(workspace, runId, level, seq), type: "METRICS", v: 1, keys: [...keys], data };
}

function chunked(points: readonly MetricPoint[]): MetricPoint[][] {
  const chunks: MetricPoint[][] = [];
  let chunk: MetricPoint[] = [];
  let room = 0;
  let known = new Set<string>();
  for (const point of points) {
    // Three bytes a UTF-16 unit are the most UTF-8 takes.
    const cost = POINT_BYTES + (known.has(point.key) ? 0 : point.key.length * 3 + 4);
    if (room + cost > ITEM_ROOM_BYTES && chunk.length > 0) {
      chunks.push(chunk);
      chunk = [];
      known = new Set();
      room = 0;
    }
    known.add(point.key);
    chunk.push(point);
    room += cost;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** Level whose items are due to be folded, if any. */
export function levelToFold(counts: readonly number[]): number | undefined {
  for (let level = 0; level < LEVELS; level++) if ((counts[level] ?? 0) >= FOLD) return level;
  return undefined;
}

/** Writes that fold the first FOLD items of a level into the next; undefined if there are fewer. */
export async function foldWrites(
  table: Table,
  workspace: string,
  runId: string,
  level: number,
  nextSeq: number,
): Promise<{ writes: Write[]; folded: number; made: number } | undefined> {
  const page = await table.query({ pk: metricLog(workspace, runId), sk: { prefix: `${level}#` }, limit: FOLD });
  if (page.items.length < 2) return undefined;
  const chunks = chunked(page.items.flatMap((item) => decodePoints(batchOf(item))));
  return {
    folded: page.items.length,
    made: chunks.length,
    writes: [
      ...page.items.map((item): Write => ({ kind: "delete", key: { pk: item.pk, sk: item.sk } })),
      ...chunks.map(
        (chunk, i): Write => ({ kind: "put", item: toItem(workspace, runId, level + 1, nextSeq + i, chunk) }),
      ),
    ],
  };
}

/** All points of one key. */
export async function readHistory(table: Table, workspace: string, runId: string, key: string): Promise<Points> {
  const batches: PointBatch[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query({ pk: metricLog(workspace, runId), ...(cursor === undefined ? {} : { cursor }) });
    for (const item of page.items) batches.push(batchOf(item));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pointsOf(key, batches);
}

function batchOf(item: Item): PointBatch {
  return { keys: item.keys as string[], data: item.data instanceof Uint8Array ? item.data : new Uint8Array(0) };
}
