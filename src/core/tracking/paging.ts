import { AppError } from "../../contract/errors.ts";
import type { SortValue } from "./ports.ts";

/**
 * A page token is the sort values of the last row, so that rows written meanwhile neither repeat nor hide others.
 * `scope` (filter and order) is hashed in: a token is good for its own query only.
 */
export function encodeToken(scope: string, after: readonly SortValue[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify([hash(scope), ...after]));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function decodeToken(scope: string, token: string): SortValue[] {
  const parsed = parse(token);
  if (parsed === undefined) throw bad("it is not one of this server's");
  if (parsed[0] !== hash(scope)) throw bad("it belongs to a query with another filter or order");
  return parsed.slice(1);
}

function bad(why: string): AppError {
  return new AppError("InvalidCursor", `Invalid page token, ${why}`);
}

function parse(token: string): SortValue[] | undefined {
  try {
    const bytes = Uint8Array.from(atob(token), (character) => character.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const fits =
      Array.isArray(value) &&
      value.every((part) => part === null || typeof part === "string" || typeof part === "number");
    return fits ? (value as SortValue[]) : undefined;
  } catch {
    return undefined;
  }
}

function hash(text: string): string {
  let a = 0x811c9dc5;
  let b = 5381;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = (Math.imul(b, 33) + code) | 0;
  }
  return `${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`;
}
