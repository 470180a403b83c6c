import { createHash, hash } from "node:crypto";
import { closeSync, createReadStream, fstatSync, openSync, readFileSync, readSync, type Stats } from "node:fs";
import { Readable } from "node:stream";
import { AppError } from "../../contract/errors.ts";

const ATTEMPTS = 3;
const WHOLE_BYTES = 1024 * 1024;

export interface HashedFile {
  readonly sha256: string;
  /** As it was before and after reading. */
  readonly stats: Stats;
  readonly readAtMs: number;
}

/** Hashes a file that holds still meanwhile; one that keeps changing is refused. */
export function hashFile(absolute: string, path: string): HashedFile {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const readAtMs = Date.now();
    const result = once(absolute, path);
    if (result !== undefined) return { ...result, readAtMs };
  }
  throw changed(path);
}

export function changed(path: string): AppError {
  return new AppError("Conflict", `\`${path}\` changes while it is being read`, {
    hint: "wait for what writes it, or leave it out with .amlignore",
  });
}

function once(absolute: string, path: string): { sha256: string; stats: Stats } | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(absolute, "r");
  } catch (cause) {
    throw new AppError("InvalidArgument", `\`${path}\` cannot be read: ${(cause as Error).message}`, {}, { cause });
  }
  try {
    const before = fstatSync(descriptor);
    const { sha256, size } = digest(descriptor, before.size);
    const after = fstatSync(descriptor);
    const still = before.mtimeMs === after.mtimeMs && before.ctimeMs === after.ctimeMs && size === after.size;
    return still ? { sha256, stats: after } : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function digest(descriptor: number, size: number): { sha256: string; size: number } {
  if (size <= WHOLE_BYTES) {
    const bytes = readFileSync(descriptor);
    return { sha256: hash("sha256", bytes, "hex"), size: bytes.length };
  }
  const hasher = createHash("sha256");
  const buffer = Buffer.allocUnsafe(WHOLE_BYTES);
  let total = 0;
  for (;;) {
    const count = readSync(descriptor, buffer, 0, buffer.length, null);
    if (count === 0) return { sha256: hasher.digest("hex"), size: total };
    hasher.update(buffer.subarray(0, count));
    total += count;
  }
}

/** The bytes that were hashed, or Conflict. */
export function readHashed(absolute: string, path: string, sha256: string): Uint8Array {
  const bytes = readFileSync(absolute);
  if (hash("sha256", bytes, "hex") !== sha256) throw changed(path);
  return bytes;
}

/** A large file's bytes; the home checks the hash when it has them all. */
export function streamFile(absolute: string): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(absolute, { highWaterMark: 256 * 1024 })) as ReadableStream<Uint8Array>;
}
