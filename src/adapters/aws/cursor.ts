import { hash } from "node:crypto";
import { AppError } from "../../contract/errors.ts";

/** Opaque text that resumes the listing `scope` describes where `position` says. */
export function encodeCursor(scope: string, position: unknown): string {
  return Buffer.from(JSON.stringify([fingerprint(scope), position])).toString("base64url");
}

/** The position inside. Throws AppError("InvalidCursor") for text that is no cursor, or one of another listing. */
export function decodeCursor(scope: string, cursor: string): unknown {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(decoded) && decoded.length === 2 && decoded[0] === fingerprint(scope)) return decoded[1];
  } catch {
    // Told below, like a cursor of another listing.
  }
  throw new AppError("InvalidCursor", "the cursor does not belong to this query", {
    hint: "repeat the query without a cursor, and keep every parameter but the limit while paging",
  });
}

function fingerprint(scope: string): string {
  return hash("sha256", scope, "base64url").slice(0, 11);
}
