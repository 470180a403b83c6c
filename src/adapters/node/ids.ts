import { randomBytes } from "node:crypto";
import type { Ids } from "../../core/ports/ids.ts";

/** Ids from the system's random source. */
export function makeIds(): Ids {
  return {
    hex32: () => randomBytes(16).toString("hex"),
    secret: () => randomBytes(32).toString("base64url"),
  };
}
