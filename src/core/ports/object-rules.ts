import { AppError } from "../../contract/errors.ts";
import type { ByteRange, ObjectInfo } from "./objects.ts";

/** What every home refuses, checked before anything is read or sent. */
const KEY_LIMIT_BYTES = 1024;

/** Throws AppError("InvalidPath") unless the key is one the Objects port takes. */
export function checkObjectKey(key: string): void {
  refuse("key", key, key === "" ? "is empty" : (textFault(key) ?? segmentsFault(key.split("/"))));
}

/** Throws AppError("InvalidPath") unless a key could start with `prefix`; its last segment may break off anywhere. */
export function checkObjectPrefix(prefix: string): void {
  refuse("prefix", prefix, textFault(prefix) ?? segmentsFault(prefix.split("/").slice(0, -1)));
}

/** Throws AppError("InvalidArgument") unless a listing's page can have this size. */
export function checkListLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new AppError("InvalidArgument", `\`limit\` is 1 to 1000, not \`${limit}\``);
  }
}

/** The bytes to send, `end` excluded. Throws AppError("InvalidRange") for a range that is not in the object. */
export function rangeWithin(
  info: ObjectInfo,
  range: ByteRange | undefined,
): { readonly start: number; readonly end: number } {
  if (range === undefined) {
    return { start: 0, end: info.sizeBytes };
  }
  const { start, end = info.sizeBytes - 1 } = range;
  if (isRange({ start, end }) && start < info.sizeBytes) {
    return { start, end: Math.min(end, info.sizeBytes - 1) + 1 };
  }
  throw new AppError(
    "InvalidRange",
    `bytes \`${range.start}-${range.end ?? ""}\` are not in object \`${info.key}\` of ${info.sizeBytes} bytes`,
    { sizeBytes: info.sizeBytes },
  );
}

/** True for a range some object could have. */
export function isRange({ start, end = start }: ByteRange): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
}

function refuse(what: string, text: string, fault: string | undefined): void {
  if (fault !== undefined) {
    throw new AppError("InvalidPath", `object ${what} ${JSON.stringify(text)} ${fault}`);
  }
}

function textFault(text: string): string | undefined {
  if (new TextEncoder().encode(text).byteLength > KEY_LIMIT_BYTES) {
    return `is longer than ${KEY_LIMIT_BYTES} bytes`;
  }
  if (!text.isWellFormed()) {
    return "is not well-formed Unicode";
  }
  return text.includes("\u0000") || text.includes("\\") ? "holds a NUL or a backslash" : undefined;
}

function segmentsFault(segments: readonly string[]): string | undefined {
  const odd = segments.find((segment) => segment === "" || segment === "." || segment === "..");
  return odd === undefined ? undefined : odd === "" ? "has an empty segment" : `has a segment \`${odd}\``;
}
