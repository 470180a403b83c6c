import type { Signer } from "../../core/ports/signer.ts";
import { makeTokenSigner } from "../node/token-signer.ts";
import type { HomeKey } from "./home-key.ts";

/** The Signer port, keyed from the home's secret; tokens look as the laptop's do. */
export function openSigner(options: { readonly homeKey: HomeKey }): Signer {
  return makeTokenSigner(() => options.homeKey.derive("signer"));
}
