import type { DatasetBrief } from "../core/tracking/ports.ts";
import type { NumberColumn, TextColumn } from "./columns.ts";
import { RunColumns } from "./run-columns.ts";
import { TextPool } from "./text-pool.ts";

/** An experiment's columns, and when its change feed had been read for them. */
export interface RunSnapshot {
  readonly columns: RunColumns;
  readonly followedMs: number;
  /** Where it is only what is new since another one, by etag; and which runs of that are no more. */
  readonly since?: { readonly base: string; readonly gone: readonly string[] } | undefined;
}

/** Of another version than this, a snapshot is made anew. */
const VERSION = 2;
const KINDS = { f64: Float64Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array } as const;
type Kind = keyof typeof KINDS;
type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;
/** An array of the body: its kind and length. */
type Place = readonly [Kind, number];

/** What stands before the arrays, as JSON. Places are in the order of the body. */
interface Header {
  readonly v: number;
  readonly followedMs: number;
  readonly since?: RunSnapshot["since"];
  readonly revs: Place;
  readonly pools: readonly { readonly bytes: Place; readonly ends: Place }[];
  readonly numbers: readonly { readonly name: string; readonly values: Place; readonly has: Place }[];
  readonly texts: readonly { readonly name: string; readonly pool: number; readonly codes: Place }[];
  readonly datasets: readonly (readonly [number, readonly DatasetBrief[]])[];
}

/** Length of the header (u32), header, arrays; little-endian, as every machine is that Node runs on. */
export function encodeSnapshot({ columns, followedMs, since }: RunSnapshot): Uint8Array<ArrayBuffer> {
  const { ids, revs, numbers, texts, datasets } = columns.stored();
  const { count } = columns;
  const arrays: Numbers[] = [];
  const place = (array: Numbers): Place => {
    arrays.push(array);
    return [kindOf(array), array.length];
  };
  const pools = [...new Set([ids, ...Array.from(texts.values(), ({ pool }) => pool)])];
  const header: Header = {
    v: VERSION,
    followedMs,
    ...(since === undefined ? {} : { since }),
    revs: place(revs),
    pools: pools.map((pool) => {
      const { bytes, ends } = pool.stored();
      return { bytes: place(bytes), ends: place(ends) };
    }),
    numbers: Array.from(numbers, ([name, { values, has }]) => ({
      name,
      values: place(values.subarray(0, count)),
      has: place(has.subarray(0, (count + 7) >> 3)),
    })),
    texts: Array.from(texts, ([name, { codes, pool }]) => ({
      name,
      pool: pools.indexOf(pool),
      codes: place(codes.subarray(0, count)),
    })),
    datasets: [...datasets],
  };
  const head = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 4 + head.length));
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  let at = 4 + head.length;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}

/** Undefined for bytes that are no snapshot of this version. */
export function decodeSnapshot(experimentId: string, bytes: Uint8Array): RunSnapshot | undefined {
  const header = headerOf(bytes);
  if (header === undefined) return undefined;
  let at = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const end = places(header).reduce((sum, [kind, length]) => sum + length * KINDS[kind].BYTES_PER_ELEMENT, at);
  if (end !== bytes.length) return undefined;
  // Copied out: the whole is let go, and each array lies as its kind must.
  const read = <A extends Numbers>([kind, length]: Place): A => {
    const size = length * KINDS[kind].BYTES_PER_ELEMENT;
    const copy = bytes.slice(at, at + size);
    at += size;
    return new KINDS[kind](copy.buffer, 0, length) as Numbers as A;
  };
  const revs = read<Float64Array>(header.revs);
  const pools = header.pools.map((pool) => new TextPool({ bytes: read(pool.bytes), ends: read(pool.ends) }));
  const numbers = header.numbers.map(({ name, values, has }): [string, NumberColumn] => [
    name,
    { values: read(values), has: read(has) },
  ]);
  const texts = header.texts.map(({ name, pool, codes }): [string, TextColumn] => [
    name,
    { codes: read(codes), pool: pools[pool] as TextPool },
  ]);
  const columns = new RunColumns(experimentId, {
    ids: pools[0] as TextPool,
    revs,
    numbers: new Map(numbers),
    texts: new Map(texts),
    datasets: new Map(header.datasets),
  });
  return { columns, followedMs: header.followedMs, since: header.since };
}

function kindOf(array: Numbers): Kind {
  if (array instanceof Float64Array) return "f64";
  if (array instanceof Uint32Array) return "u32";
  return array instanceof Uint16Array ? "u16" : "u8";
}

function headerOf(bytes: Uint8Array): Header | undefined {
  if (bytes.length < 4) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
    return header.v === VERSION ? header : undefined;
  } catch {
    return undefined;
  }
}

function places({ revs, pools, numbers, texts }: Header): Place[] {
  return [
    revs,
    ...pools.flatMap(({ bytes, ends }) => [bytes, ends]),
    ...numbers.flatMap(({ values, has }) => [values, has]),
    ...texts.map(({ codes }) => codes),
  ];
}
