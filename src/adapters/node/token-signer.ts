import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Signer } from "../../core/ports/signer.ts";

/** Longer tokens are nobody's of ours, and not worth hashing. */
const TOKEN_LIMIT_CHARS = 16 * 1024;
/** Good tokens remembered: a client sends the same one with each request. */
const KNOWN_LIMIT = 200;
const KNOWN_LIMIT_CHARS = 1024;

type Claims = Readonly<Record<string, unknown>>;

/** All callers of one token get the same claims: none may change them. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

/** The Signer port: `base64url(JSON) "." base64url(HMAC-SHA256)`. `keyOf` is asked each time, so that a home may fetch its key late. */
export function makeTokenSigner(keyOf: () => KeyObject | Promise<KeyObject>): Signer {
  const mark = (payload: string, key: KeyObject): string =>
    createHmac("sha256", key).update(payload).digest("base64url");
  const known = new Map<string, Claims>();
  let knownKey: KeyObject | undefined;

  function remember(token: string, claims: Claims): void {
    if (token.length > KNOWN_LIMIT_CHARS) return;
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(token, claims);
  }

  return {
    async sign(claims) {
      const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
      return `${payload}.${mark(payload, await keyOf())}`;
    },
    async verify(token) {
      if (token.length > TOKEN_LIMIT_CHARS) {
        return undefined;
      }
      const key = await keyOf();
      if (key !== knownKey) known.clear();
      knownKey = key;
      const before = known.get(token);
      if (before !== undefined) return before;
      const dot = token.lastIndexOf(".");
      const payload = token.slice(0, Math.max(dot, 0));
      const given = Buffer.from(token.slice(dot + 1));
      const expected = Buffer.from(mark(payload, key));
      if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) {
        return undefined;
      }
      const claims = frozen(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Claims);
      remember(token, claims);
      return claims;
    },
  };
}
