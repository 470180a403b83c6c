import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import type { Signer } from "../../core/ports/signer.ts";
import { loadKey } from "./key-file.ts";

/** Longer tokens are nobody's of ours, and not worth hashing. */
const TOKEN_LIMIT_CHARS = 16 * 1024;

/** The Signer port: `base64url(JSON) "." base64url(HMAC-SHA256)`, keyed by a file only the owner may read. */
export function openSigner(options: { readonly dir: string }): Signer {
  const key = createSecretKey(loadKey(join(options.dir, "signer.key")));
  const mark = (payload: string): string => createHmac("sha256", key).update(payload).digest("base64url");

  return {
    async sign(claims) {
      const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
      return `${payload}.${mark(payload)}`;
    },
    async verify(token) {
      if (token.length > TOKEN_LIMIT_CHARS) {
        return undefined;
      }
      const dot = token.lastIndexOf(".");
      const payload = token.slice(0, Math.max(dot, 0));
      const given = Buffer.from(token.slice(dot + 1));
      const expected = Buffer.from(mark(payload));
      if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) {
        return undefined;
      }
      return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Readonly<Record<string, unknown>>;
    },
  };
}
