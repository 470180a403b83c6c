import { hash } from "node:crypto";
import { AppError } from "../../contract/errors.ts";

/** Opaque text that resumes the listing `scope` describes after `position`. */
export function encodeCursor(scope: string, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([fingerprint(scope), ...position])).toString("base64url");
}

/** The position inside; AppError("InvalidCursor") for text that is no cursor, or one of another listing. */
export function decodeCursor(scope: string, cursor: string, parts: number): readonly string[] {
  const decoded = parse(cursor);
  if (decoded.length !== parts + 1 || decoded[0] !== fingerprint(scope)) {
    throw new AppError("InvalidCursor", "the cursor does not belong to this query", {
      hint: "repeat the query without a cursor, and keep every parameter but the limit while paging",
    });
  }
  return decoded.slice(1);
}

function parse(cursor: string): readonly string[] {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    return Array.isArray(decoded) && decoded.every((part) => typeof part === "string") ? decoded : [];
  } catch {
    return [];
  }
}

function fingerprint(scope: string): string {
  return hash("sha256", scope, "base64url").slice(0, 11);
}
