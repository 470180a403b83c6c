import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Item } from "../../core/ports/table.ts";

export type Attributes = Record<string, AttributeValue>;

/**
 * Our values as DynamoDB's; undefined attributes vanish, byte arrays become binary.
 * NOTE: the SDK's own marshaller refuses numbers beyond 2^53, which metric values reach.
 */
export function toAttributes(value: object): Attributes {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, toAttribute(member)]])),
  );
}

export function toAttribute(value: unknown): AttributeValue {
  if (value === null) return { NULL: true };
  switch (typeof value) {
    case "string":
      return { S: value };
    case "number":
      return { N: String(value) };
    case "boolean":
      return { BOOL: value };
  }
  // A copy: the caller may change its bytes before they are sent.
  if (value instanceof Uint8Array) return { B: value.slice() };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  return { M: toAttributes(value as object) };
}

export function fromAttributes(attributes: Attributes): Item {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, fromAttribute(value)]),
  ) as unknown as Item;
}

function fromAttribute(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.B !== undefined) return new Uint8Array(value.B);
  if (value.L !== undefined) return value.L.map(fromAttribute);
  if (value.M !== undefined) return fromAttributes(value.M);
  throw new Error(`an attribute of a kind this system does not write: ${Object.keys(value).join(", ")}`);
}
