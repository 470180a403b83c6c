import { createSecretKey } from "node:crypto";
import { join } from "node:path";
import type { Signer } from "../../core/ports/signer.ts";
import { makeTokenSigner } from "../node/token-signer.ts";
import { loadKey } from "./key-file.ts";

/** The Signer port, keyed by a file only the owner may read. */
export function openSigner(options: { readonly dir: string }): Signer {
  const key = createSecretKey(loadKey(join(options.dir, "signer.key")));
  return makeTokenSigner(() => key);
}
