import type { Principal } from "../core/auth/principal.ts";
import { principalOf, tokenOf } from "../core/auth/tokens.ts";
import { makeRunTokenCheck } from "../core/jobs/check-run-token.ts";
import type { Ground } from "./part.ts";
import type { Stores } from "./stores.ts";

/** The caller of a request, from its token. */
export function makeAuthenticate(ground: Ground, stores: Stores): (request: Request) => Promise<Principal | undefined> {
  const checkRun = makeRunTokenCheck({ ...stores, clock: ground.clock });
  return async (request) => {
    const token = tokenOf(request.headers.get("authorization"));
    if (token === undefined) return undefined;
    const principal = await principalOf(ground, token);
    await checkRun(principal);
    return principal;
  };
}
