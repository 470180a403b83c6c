import type { Principal } from "../core/auth/principal.ts";
import { principalOf, tokenOf } from "../core/auth/tokens.ts";
import type { Ground } from "./part.ts";

/** The caller of a request, from its token. */
export function makeAuthenticate(ground: Ground): (request: Request) => Promise<Principal | undefined> {
  return async (request) => {
    const token = tokenOf(request.headers.get("authorization"));
    return token === undefined ? undefined : principalOf(ground, token);
  };
}
