import type { ObjectInfo } from "../../core/ports/objects.ts";
import type { Part } from "./objects-upload.ts";

const MEGABYTE = 1024 * 1024;
/** Every part but the last has at least so many bytes. */
export const PART_LEAST_BYTES = 5 * MEGABYTE;
const PART_BYTES = 8 * MEGABYTE;
/** A stream's length is not known: from this part on parts are larger, so that 10,000 of them hold 350 GB. */
const LARGE_FROM_PART = 5_000;
const LARGE_PART_BYTES = 64 * MEGABYTE;
/** Bytes that S3 copies by itself in one request; 5 GB are possible, but smaller pieces go side by side. */
const COPY_BYTES = 512 * MEGABYTE;

/** A stream in pieces of a part's size; at least one, and only the last may be smaller. */
export async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pending = makePending();
  let number = 1;
  for await (const chunk of stream) {
    // Copied: a sender may use its buffer again.
    pending.add(chunk.slice());
    for (;;) {
      const size = number > LARGE_FROM_PART ? LARGE_PART_BYTES : PART_BYTES;
      if (pending.sizeBytes < size) break;
      yield pending.take(size);
      number += 1;
    }
  }
  if (pending.sizeBytes > 0 || number === 1) yield pending.take(pending.sizeBytes);
}

/** The parts of `sources` joined: bytes that S3 can copy by itself are copied, the rest is read and sent again. */
export async function* joinedParts(
  sources: readonly ObjectInfo[],
  read: (source: ObjectInfo, start: number, end: number) => Promise<Uint8Array>,
): AsyncGenerator<Part> {
  const pending = makePending();
  for (const source of sources) {
    let at = 0;
    while (at < source.sizeBytes) {
      const left = source.sizeBytes - at;
      const missing = pending.sizeBytes === 0 ? 0 : PART_LEAST_BYTES - pending.sizeBytes;
      if (missing === 0 && left >= PART_LEAST_BYTES) {
        yield* copies(source, at);
        break;
      }
      const end = missing > 0 ? Math.min(source.sizeBytes, at + missing) : source.sizeBytes;
      pending.add(await read(source, at, end));
      at = end;
      if (pending.sizeBytes >= PART_LEAST_BYTES) yield { bytes: pending.take(pending.sizeBytes) };
    }
  }
  if (pending.sizeBytes > 0) yield { bytes: pending.take(pending.sizeBytes) };
}

/** The bytes of one object from `start` on, which are at least a part's least; so is each piece. */
export function* copies(source: ObjectInfo, start: number): Generator<Part> {
  const { key: copy, etag, sizeBytes } = source;
  const count = Math.ceil((sizeBytes - start) / COPY_BYTES);
  const step = Math.ceil((sizeBytes - start) / count);
  for (let at = start; at < sizeBytes; at += step) {
    yield { copy, etag, start: at, end: Math.min(sizeBytes, at + step) };
  }
}

/** Chunks that wait until they are enough. */
function makePending() {
  let chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    add(chunk: Uint8Array): void {
      if (chunk.byteLength > 0) chunks.push(chunk);
      sizeBytes += chunk.byteLength;
    },
    take(count: number): Uint8Array {
      const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      chunks = count < all.byteLength ? [all.subarray(count)] : [];
      sizeBytes = all.byteLength - count;
      return all.subarray(0, count);
    },
  };
}
