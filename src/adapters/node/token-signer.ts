import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Signer } from "../../core/ports/signer.ts";

/** Longer tokens are nobody's of ours, and not worth hashing. */
const TOKEN_LIMIT_CHARS = 16 * 1024;

/** The Signer port: `base64url(JSON) "." base64url(HMAC-SHA256)`. `keyOf` is asked each time, so that a home may fetch its key late. */
export function makeTokenSigner(keyOf: () => KeyObject | Promise<KeyObject>): Signer {
  const mark = async (payload: string): Promise<string> =>
    createHmac("sha256", await keyOf())
      .update(payload)
      .digest("base64url");

  return {
    async sign(claims) {
      const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
      return `${payload}.${await mark(payload)}`;
    },
    async verify(token) {
      if (token.length > TOKEN_LIMIT_CHARS) {
        return undefined;
      }
      const dot = token.lastIndexOf(".");
      const payload = token.slice(0, Math.max(dot, 0));
      const given = Buffer.from(token.slice(dot + 1));
      const expected = Buffer.from(await mark(payload));
      if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) {
        return undefined;
      }
      return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Readonly<Record<string, unknown>>;
    },
  };
}
