import { maskedCrc32c } from "./crc32c.ts";

/**
 * TFRecord framing, the outer form of TensorBoard's event files (source: the record writer of TensorFlow, `tensorflow/core/lib/io`).
 * A file is records one after the other, all numbers little-endian:
 *
 *     uint64  length of data
 *     uint32  masked CRC-32C of the eight bytes above
 *     bytes   data
 *     uint32  masked CRC-32C of data
 *
 * Files only grow; a record at the end that is not whole is still being written.
 */
export interface RecordReader {
  /** Takes the next bytes of the file; answers the data of records that are now whole. */
  push(bytes: Uint8Array): Uint8Array[];
  /** Bytes of the file up to the end of the last whole record: where a later reader may go on. */
  readonly consumed: number;
  /** Records that could not be read; what can be found after them is still read. */
  readonly problems: readonly RecordProblem[];
  /** The length of a record is damaged: nothing after it can be found. */
  readonly stuck: boolean;
}

export interface RecordProblem {
  /** Of the record's first byte in the file. */
  readonly offset: number;
  readonly message: string;
}

const HEAD = 12;
const TAIL = 4;
/** Longer ones hold pictures or graphs; they are passed over unread, so that memory stays flat. */
const LARGEST = 32 * 1024 * 1024;

/** `from`: offset of a record in the file, where the first bytes pushed are from. */
export function makeRecordReader(from = 0): RecordReader {
  let consumed = from;
  let reached = from;
  let pending = new Uint8Array(0);
  let skip = 0;
  let stuck = false;
  const problems: RecordProblem[] = [];

  /** The record at `at` of pending bytes: its data, how far it reaches, or undefined when it is not whole. */
  function record(at: number): { readonly data?: Uint8Array; readonly size: number } | undefined {
    if (pending.length - at < HEAD) return undefined;
    const view = new DataView(pending.buffer, pending.byteOffset + at);
    if (maskedCrc32c(pending.subarray(at, at + 8)) !== view.getUint32(8, true)) {
      problems.push({ offset: reached, message: "the length of the record does not fit its checksum" });
      stuck = true;
      return undefined;
    }
    const length = Number(view.getBigUint64(0, true));
    const size = HEAD + length + TAIL;
    if (length > LARGEST) return { size };
    if (pending.length - at < size) return undefined;
    const data = pending.subarray(at + HEAD, at + HEAD + length);
    if (maskedCrc32c(data) === view.getUint32(HEAD + length, true)) return { data, size };
    problems.push({ offset: reached, message: "the record does not fit its checksum" });
    return { size };
  }

  return {
    push(bytes) {
      if (stuck) return [];
      let more = bytes;
      if (skip > 0) {
        const passed = Math.min(skip, more.length);
        skip -= passed;
        reached += passed;
        if (skip === 0) consumed = reached;
        more = more.subarray(passed);
      }
      pending = joined(pending, more);
      const found: Uint8Array[] = [];
      let at = 0;
      for (let next = record(at); next !== undefined; next = record(at)) {
        if (next.data !== undefined) found.push(next.data);
        const here = Math.min(next.size, pending.length - at);
        at += here;
        reached += here;
        skip = next.size - here;
        if (skip > 0) break;
        consumed = reached;
      }
      pending = pending.slice(at);
      return found;
    },
    get consumed() {
      return consumed;
    },
    problems,
    get stuck() {
      return stuck;
    },
  };
}

/** One record, ready to be appended. */
export function recordOf(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD + data.length + TAIL);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, HEAD);
  view.setUint32(HEAD + data.length, maskedCrc32c(data), true);
  return bytes;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
