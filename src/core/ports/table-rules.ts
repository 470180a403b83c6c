import { AppError } from "../../contract/errors.ts";
import type { Clause, Item, Key, Query, Write } from "./table.ts";

/** What every home refuses, checked before anything is sent. The figures are DynamoDB's, counted its way. */
export const ITEM_LIMIT_BYTES = 400 * 1024;
export const TRANSACTION_LIMIT_BYTES = 4 * 1024 * 1024;
export const WRITES_LIMIT = 100;

const PK_LIMIT_BYTES = 2048;
const SK_LIMIT_BYTES = 1024;
const DEPTH_LIMIT = 32;

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
  if (value.length * 3 > limitBytes && utf8Length(value) > limitBytes) {
    throw new AppError("InvalidArgument", `\`${name}\` of a record is longer than ${limitBytes} bytes`);
  }
}

/** An item's size in bytes. Throws AppError("InvalidArgument") for what no home could keep, "TooLarge" over 400 KB. */
export function checkItem(item: Item): number {
  checkKey(item);
  checkIndexPair(item, "gsi1pk", "gsi1sk");
  checkIndexPair(item, "gsi2pk", "gsi2sk");
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(item)) {
    if (value === undefined) continue;
    sizeBytes += utf8Length(name) + (value instanceof Uint8Array ? value.byteLength : jsonSize(value, name));
  }
  if (sizeBytes > ITEM_LIMIT_BYTES) {
    throw new AppError(
      "TooLarge",
      `record \`${item.pk}\` / \`${item.sk}\` has ${sizeBytes} bytes; a record holds at most ${ITEM_LIMIT_BYTES}`,
    );
  }
  return sizeBytes;
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
    return utf8Length(value);
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
        size += 1 + utf8Length(name) + jsonSize(member, path, depth + 1);
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

/** Throws AppError("InvalidArgument") for a clause no home could evaluate. */
export function checkClauses(clauses: readonly Clause[]): void {
  for (const clause of clauses) {
    if (clause.op === "in" && (clause.values.length === 0 || clause.values.length > 100)) {
      throw new AppError(
        "InvalidArgument",
        `clause \`in\` on \`${clause.attr}\` takes 1 to 100 values, not ${clause.values.length}`,
      );
    }
    if (
      (clause.op === "lt" || clause.op === "le" || clause.op === "gt" || clause.op === "ge") &&
      !isOrdered(clause.value)
    ) {
      throw new AppError(
        "InvalidArgument",
        `clause \`${clause.op}\` on \`${clause.attr}\` compares numbers or texts only`,
      );
    }
  }
}

/** Throws AppError("InvalidArgument") for an update that names a key attribute, or one attribute twice. */
export function checkUpdate(update: Extract<Write, { kind: "update" }>): void {
  const seen = new Set(["pk", "sk"]);
  for (const name of [...Object.keys(update.set ?? {}), ...(update.remove ?? []), ...Object.keys(update.add ?? {})]) {
    if (seen.has(name)) {
      const why = name === "pk" || name === "sk" ? "a key attribute can't be updated" : "it is updated twice";
      throw new AppError(
        "InvalidArgument",
        `update of \`${update.key.pk}\` / \`${update.key.sk}\` names \`${name}\`: ${why}`,
      );
    }
    seen.add(name);
  }
}

/** Checks the bounds, limit and key of a query. */
export function checkQuery(query: Query): void {
  const { pk, sk = {}, limit = 1000 } = query;
  checkKeyPart("pk", pk);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new AppError("InvalidArgument", `\`limit\` is 1 to 1000, not \`${limit}\``);
  }
  if (sk.prefix !== undefined && (sk.from !== undefined || sk.to !== undefined)) {
    throw new AppError("InvalidArgument", "a query takes `prefix`, or `from` and `to`, not both");
  }
}

/** Checks one write by itself: its clauses, its key, and what it would store as far as that is known. Bytes it puts. */
function checkWrite(write: Write): number {
  checkClauses(write.when ?? []);
  if (write.kind === "put") return checkItem(write.item);
  checkKey(write.key);
  if (write.kind === "update") checkUpdate(write);
  return 0;
}

/** Checks a transaction: 1 to 100 writes, each sound, no key twice. Answers the bytes of each put's item, 0 for other writes. */
export function checkWrites(writes: readonly Write[]): readonly number[] {
  if (writes.length === 0) {
    throw new AppError("InvalidArgument", "a transaction needs at least one write");
  }
  if (writes.length > WRITES_LIMIT) {
    throw new AppError("TooLarge", `a transaction takes ${WRITES_LIMIT} writes at most, not ${writes.length}`);
  }
  const seen = new Set<string>();
  return writes.map((write) => {
    const sizeBytes = checkWrite(write);
    const { pk, sk } = write.kind === "put" ? write.item : write.key;
    const name = `${pk.length} ${pk}${sk}`;
    if (seen.has(name)) {
      throw new AppError("InvalidArgument", `two writes of one transaction touch \`${pk}\` / \`${sk}\``);
    }
    seen.add(name);
    return sizeBytes;
  });
}

/** Bytes of a text's UTF-8 form. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    // Both halves of a pair make four bytes; any other unit from U+0800 up makes three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

function isOrdered(value: unknown): boolean {
  return typeof value === "number" || typeof value === "string";
}
