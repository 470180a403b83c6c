import type { Item, Key } from "../../core/ports/table.ts";
import { checkItem } from "../../core/ports/table-rules.ts";

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

/**
 * Turns an item into a row. `sizeBytes` is what an earlier check of it answered; without, it is checked here: AppError("InvalidArgument") for
 * what no home could keep, "TooLarge" over 400 KB.
 */
export function encodeItem(item: Item, sizeBytes: number = checkItem(item)): EncodedItem {
  return {
    key: { pk: item.pk, sk: item.sk },
    gsi1pk: item.gsi1pk ?? null,
    gsi1sk: item.gsi1sk ?? null,
    gsi2pk: item.gsi2pk ?? null,
    gsi2sk: item.gsi2sk ?? null,
    expires: typeof item.expires === "number" ? item.expires : null,
    ...encodeBody(item),
    sizeBytes,
  };
}

function encodeBody(item: Item): Pick<EncodedItem, "body" | "names" | "bytes"> {
  const names: [string, number][] = [];
  const chunks: Uint8Array[] = [];
  for (const name of Object.keys(item)) {
    const value = item[name];
    if (!(value instanceof Uint8Array)) continue;
    names.push([name, value.byteLength]);
    chunks.push(value);
  }
  if (names.length === 0) return { body: JSON.stringify(item), names: null, bytes: null };
  const rest: Record<string, Item[string]> = { ...item };
  // An attribute that is undefined is left out of the text.
  for (const [name] of names) rest[name] = undefined;
  return { body: JSON.stringify(rest), names: JSON.stringify(names), bytes: Buffer.concat(chunks) };
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
    // The blob is the row's own; only attributes that share one are copied apart.
    attributes.push([name, length === bytes.byteLength ? bytes : bytes.slice(offset, offset + length)]);
    offset += length;
  }
  return { ...item, ...Object.fromEntries(attributes) };
}
