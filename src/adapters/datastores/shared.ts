import { AppError } from "../../contract/errors.ts";
import type { ByteRange } from "../../core/ports/objects.ts";

/** Cursors of listings that go on after a path. */
export function cursorOf(path: string): string {
  return Buffer.from(path).toString("base64url");
}

export function positionOf(cursor: string): string {
  const path = Buffer.from(cursor, "base64url").toString("utf8");
  if (cursorOf(path) !== cursor || path === "")
    throw new AppError("InvalidCursor", "the cursor is not one of this listing");
  return path;
}

/** First byte and the one after the last; throws InvalidRange for what is not in the file. */
export function rangeOf(range: ByteRange | undefined, sizeBytes: number, path: string): { start: number; end: number } {
  if (range === undefined) return { start: 0, end: sizeBytes };
  const end = Math.min(range.end ?? sizeBytes - 1, sizeBytes - 1);
  if (range.start >= sizeBytes || end < range.start) throw invalidRange(range, path, sizeBytes);
  return { start: range.start, end: end + 1 };
}

export function invalidRange(range: ByteRange, path: string, sizeBytes?: number): AppError {
  return new AppError(
    "InvalidRange",
    `bytes \`${range.start}-${range.end ?? ""}\` are not in \`${path}\``,
    sizeBytes === undefined ? {} : { sizeBytes },
  );
}

/** `Range` header of a part. */
export function rangeHeader(range: ByteRange): string {
  return `bytes=${range.start}-${range.end ?? ""}`;
}

/** Passes bytes `start` to `end` (excluded) of a stream that gives all. */
export function slice(start: number, end: number): TransformStream<Uint8Array, Uint8Array> {
  let at = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const from = Math.max(0, start - at);
      const to = Math.min(chunk.byteLength, end - at);
      if (to > from) controller.enqueue(chunk.subarray(from, to));
      at += chunk.byteLength;
      if (at >= end) controller.terminate();
    },
  });
}
