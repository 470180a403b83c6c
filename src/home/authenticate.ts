import type { ApiRequest } from "../api/raw-route.ts";
import { makePersonalCheck } from "../core/access/tokens.ts";
import type { Principal } from "../core/auth/principal.ts";
import { principalOf, tokenOf } from "../core/auth/tokens.ts";
import { makeRunTokenCheck } from "../core/jobs/check-run-token.ts";
import type { Ground } from "./part.ts";
import type { Stores } from "./stores.ts";

/** Whom a token stands for. Throws Unauthenticated for one that is not of this home, too old or revoked. */
export function makeReadToken(
  ground: Pick<Ground, "signer" | "clock" | "signIn">,
  stores: Pick<Stores, "tokens" | "members" | "roles"> & { readonly jobs: Pick<Stores["jobs"], "get"> },
): (token: string) => Promise<Principal> {
  const checkRun = makeRunTokenCheck({ ...stores, clock: ground.clock });
  const personal = makePersonalCheck({ ...stores, clock: ground.clock });
  return async (token) => {
    if (ground.signIn !== undefined && isJwt(token)) {
      const person = await ground.signIn.identity.personOf(token);
      return { kind: "user", name: `user:${person}`, grants: await stores.members.grantsOf(person) };
    }
    const principal = await principalOf({ ...ground, personal }, token);
    await checkRun(principal);
    return principal;
  };
}

/** Three parts; this home's own tokens have two. */
function isJwt(token: string): boolean {
  return token.split(".").length === 3;
}

/** The caller of a request, from its token. */
export function makeAuthenticate(
  ground: Ground,
  stores: Stores,
): (request: ApiRequest) => Promise<Principal | undefined> {
  const readToken = makeReadToken(ground, stores);
  return async (request) => {
    const token = tokenOf(request.headers.get("authorization"));
    return token === undefined ? undefined : readToken(token);
  };
}
