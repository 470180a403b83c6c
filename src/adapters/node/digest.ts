import { createHash } from "node:crypto";
import type { Digest } from "../../core/ports/digest.ts";

/** The Digest port on node:crypto. */
export function makeDigest(): Digest {
  return {
    sha256() {
      const hash = createHash("sha256");
      return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
    },
  };
}
