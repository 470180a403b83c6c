import { AppError } from "../../contract/errors.ts";
import type { Item, Key } from "../../core/ports/table.ts";

/** Largest item, and largest sum of the items of one transaction (both are DynamoDB's, counted its way). */
export const ITEM_LIMIT_BYTES = 400 * 1024;
export const TRANSACTION_LIMIT_BYTES = 4 * 1024 * 1024;

const PK_LIMIT_BYTES = 2048;
const SK_LIMIT_BYTES = 1024;
const DEPTH_LIMIT = 32;

/** An item as a row: byte attributes lie in one blob after each other, `names` (JSON, `[[name, length], ...]`) says which. */
export interface EncodedItem {
  readonly key: Key;
  readonly gsi1pk: string | null;
  readonly gsi1sk: string | null;
  readonly gsi2pk: string | null;
  readonly gsi2sk: string | null;
  readonly expires: number | null;
  readonly body: string;
  readonly names: string | null;
  readonly bytes: Uint8Array | null;
  readonly sizeBytes: number;
}

/** Throws AppError("InvalidArgument") unless both parts can be a key. */
export function checkKey(key: Key): void {
  checkKeyPart("pk", key.pk, PK_LIMIT_BYTES);
  checkKeyPart("sk", key.sk, SK_LIMIT_BYTES);
}

export function checkKeyPart(name: string, value: unknown, limitBytes: number = PK_LIMIT_BYTES): void {
  // Lone surrogates have no UTF-8 form: two such keys would become one.
  if (typeof value !== "string" || value === "" || !value.isWellFormed()) {
    throw new AppError("InvalidArgument", `\`${name}\` of a record must be non-empty, well-formed text`);
  }
  if (value.length * 3 > limitBytes && Buffer.byteLength(value) > limitBytes) {
    throw new AppError("InvalidArgument", `\`${name}\` of a record is longer than ${limitBytes} bytes`);
  }
}

/** Checks an item and turns it into a row. Throws AppError("InvalidArgument") for what no home could keep, "TooLarge" over 400 KB. */
export function encodeItem(item: Item): EncodedItem {
  checkKey(item);
  checkIndexPair(item, "gsi1pk", "gsi1sk");
  checkIndexPair(item, "gsi2pk", "gsi2sk");
  let sizeBytes = 0;
  const byteNames: string[] = [];
  for (const [name, value] of Object.entries(item)) {
    if (value === undefined) {
      continue;
    }
    sizeBytes += Buffer.byteLength(name);
    if (value instanceof Uint8Array) {
      sizeBytes += value.byteLength;
      byteNames.push(name);
    } else {
      sizeBytes += jsonSize(value, name);
    }
  }
  if (sizeBytes > ITEM_LIMIT_BYTES) {
    throw new AppError(
      "TooLarge",
      `record \`${item.pk}\` / \`${item.sk}\` has ${sizeBytes} bytes; a record holds at most ${ITEM_LIMIT_BYTES}`,
    );
  }
  return {
    key: { pk: item.pk, sk: item.sk },
    gsi1pk: item.gsi1pk ?? null,
    gsi1sk: item.gsi1sk ?? null,
    gsi2pk: item.gsi2pk ?? null,
    gsi2sk: item.gsi2sk ?? null,
    expires: typeof item.expires === "number" ? item.expires : null,
    ...encodeBody(item, byteNames),
    sizeBytes,
  };
}

function encodeBody(item: Item, byteNames: readonly string[]): Pick<EncodedItem, "body" | "names" | "bytes"> {
  if (byteNames.length === 0) {
    return { body: JSON.stringify(item), names: null, bytes: null };
  }
  const chunks = byteNames.map((name) => item[name] as Uint8Array);
  const rest = Object.fromEntries(Object.entries(item).filter(([name]) => !byteNames.includes(name)));
  return {
    body: JSON.stringify(rest),
    names: JSON.stringify(byteNames.map((name, at) => [name, chunks[at]?.byteLength])),
    bytes: Buffer.concat(chunks),
  };
}

/** The item a row holds. */
export function decodeItem(body: string, names: string | null, bytes: Uint8Array | null): Item {
  const item = JSON.parse(body) as Item;
  if (names === null || bytes === null) {
    return item;
  }
  const attributes: [string, Uint8Array][] = [];
  let offset = 0;
  for (const [name, length] of JSON.parse(names) as [string, number][]) {
    attributes.push([name, bytes.slice(offset, offset + length)]);
    offset += length;
  }
  return { ...item, ...Object.fromEntries(attributes) };
}

function checkIndexPair(item: Item, pkName: "gsi1pk" | "gsi2pk", skName: "gsi1sk" | "gsi2sk"): void {
  const pk = item[pkName];
  const sk = item[skName];
  if (pk === undefined && sk === undefined) {
    return;
  }
  if (pk === undefined || sk === undefined) {
    throw new AppError(
      "InvalidArgument",
      `record \`${item.pk}\` / \`${item.sk}\` has one of \`${pkName}\` and \`${skName}\`; give both or neither`,
    );
  }
  checkKeyPart(pkName, pk);
  checkKeyPart(skName, sk, SK_LIMIT_BYTES);
}

/** DynamoDB's count of a value's bytes, rounded up where its rule is only approximate. Throws AppError("InvalidArgument") for what is not JSON. */
export function jsonSize(value: unknown, path: string, depth = 1): number {
  if (typeof value === "string") {
    return Buffer.byteLength(value);
  }
  if (typeof value === "number") {
    return numberSize(value, path);
  }
  if (value === null || typeof value === "boolean") {
    return 1;
  }
  if (depth > DEPTH_LIMIT) {
    throw new AppError("InvalidArgument", `attribute \`${path}\` is nested deeper than ${DEPTH_LIMIT} levels`);
  }
  if (Array.isArray(value)) {
    let size = 3 + value.length;
    for (const element of value) {
      size += jsonSize(element, path, depth + 1);
    }
    return size;
  }
  if (
    typeof value === "object" &&
    !ArrayBuffer.isView(value) &&
    !("toJSON" in value && typeof value.toJSON === "function")
  ) {
    let size = 3;
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined) {
        size += 1 + Buffer.byteLength(name) + jsonSize(member, path, depth + 1);
      }
    }
    return size;
  }
  throw new AppError(
    "InvalidArgument",
    `attribute \`${path}\` holds a value that is not JSON (\`${describe(value)}\`)`,
  );
}

function numberSize(value: number, path: string): number {
  const magnitude = Math.abs(value);
  // NaN fails the first comparison; the bounds are DynamoDB's.
  if (!(magnitude < 1e126) || (magnitude !== 0 && magnitude < 1e-130)) {
    throw new AppError(
      "InvalidArgument",
      `attribute \`${path}\` holds the number \`${value}\`; numbers are 0 or 1e-130 to 1e126 in magnitude`,
      {
        hint: "keep it as text",
      },
    );
  }
  if (Number.isSafeInteger(value)) {
    return magnitude < 100 ? 3 : magnitude < 10_000 ? 4 : magnitude < 1_000_000 ? 5 : magnitude < 100_000_000 ? 6 : 10;
  }
  return 11;
}

function describe(value: unknown): string {
  return typeof value === "object" ? (value?.constructor?.name ?? "object") : typeof value;
}
