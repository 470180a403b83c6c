import { randomBytes, randomFillSync } from "node:crypto";
import type { Ids } from "../../core/ports/ids.ts";

const ID_BYTES = 16;
/** Ids made of one call to the system's random source: a call costs more than what it fetches. */
const IDS_AT_ONCE = 256;

/** Ids from the system's random source. */
export function makeIds(): Ids {
  const pool = Buffer.alloc(ID_BYTES * IDS_AT_ONCE);
  let used = pool.byteLength;
  return {
    hex32() {
      if (used === pool.byteLength) {
        randomFillSync(pool);
        used = 0;
      }
      used += ID_BYTES;
      return pool.toString("hex", used - ID_BYTES, used);
    },
    secret: () => randomBytes(32).toString("base64url"),
  };
}
