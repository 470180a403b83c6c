import type { BuiltInRole } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Signer } from "../ports/signer.ts";
import type { Principal } from "./principal.ts";
import { grantsOf } from "./rights.ts";

/** Claims as they are signed; names are short because tokens travel with every request. */
type Claims =
  | { t: "user"; sub: string; roles: Record<string, BuiltInRole>; exp?: number; jti: string }
  | ({ t: "pat" } & PersonalClaims)
  | { t: "run"; ws: string; run: string; exp?: number }
  | { t: "dep"; ws: string; ep: string; dep: string; exp?: number };

/** What a personal access token carries; its record says whether it was revoked. */
export interface PersonalClaims {
  readonly jti: string;
  readonly sub: string;
  /** Workspace or `*` to role. */
  readonly roles: Readonly<Record<string, string>>;
  readonly exp: number;
  readonly edge?: EdgeClaims;
}

/** What the AWS home's edge reads of a token, which can ask nobody (lambdas/edge/artifacts.js): what it may do to artifacts, as far as that is known when it is made. */
export interface EdgeClaims {
  /** When that was, in seconds since the epoch. */
  readonly iat: number;
  /** Workspace or `*` to reading or writing. */
  readonly art: Readonly<Record<string, "r" | "w">>;
}

/** Whom a personal access token stands for now. Throws Unauthenticated for one that was revoked. */
export type PersonalCheck = (claims: PersonalClaims) => Promise<Principal>;

/** A run's token. It has no expiry of its own: it is good until its run has been final for 15 minutes, which the verifier of runs checks. */
export function signRunToken(signer: Signer, workspace: string, runId: string): Promise<string> {
  return signer.sign({ t: "run", ws: workspace, run: runId } satisfies Claims);
}

/** A token of one deployment's replicas. */
export function signDeploymentToken(
  signer: Signer,
  workspace: string,
  endpoint: string,
  deployment: string,
): Promise<string> {
  return signer.sign({ t: "dep", ws: workspace, ep: endpoint, dep: deployment } satisfies Claims);
}

/** A personal access token. */
export function signPersonalToken(signer: Signer, { jti, sub, roles, exp, edge }: PersonalClaims): Promise<string> {
  return signer.sign({ t: "pat", jti, sub, roles, exp, ...(edge === undefined ? {} : { edge }) } satisfies Claims);
}

/** A token of whoever holds the home's key; `expiresSec` in seconds since the epoch, absent for the laptop home's own token. */
export function signUserToken(
  signer: Signer,
  user: {
    readonly name: string;
    readonly roles: Record<string, BuiltInRole>;
    readonly id: string;
    readonly expiresSec?: number;
  },
): Promise<string> {
  const claims: Claims = { t: "user", sub: user.name, roles: user.roles, jti: user.id };
  if (user.expiresSec !== undefined) claims.exp = user.expiresSec;
  return signer.sign(claims);
}

/** The principal a token stands for. Throws Unauthenticated for tokens that are not ours or too old. */
export async function principalOf(
  deps: { readonly signer: Signer; readonly clock: Clock; readonly personal: PersonalCheck },
  token: string,
): Promise<Principal> {
  const claims = (await deps.signer.verify(token)) as Claims | undefined;
  if (claims === undefined)
    throw new AppError("Unauthenticated", "the token is not one of this home", {
      hint: "sign in again, or set TRAINYARD_TOKEN anew",
    });
  if (claims.exp !== undefined && claims.exp * 1000 < deps.clock.now())
    throw new AppError("Unauthenticated", "the token has expired", { hint: "get a new one" });
  switch (claims.t) {
    case "user":
      return { kind: "user", name: `user:${claims.sub}`, grants: grantsOf(claims.roles), holdsKey: true };
    case "pat":
      return deps.personal(claims);
    case "run":
      return { kind: "run", name: `run:${claims.run}`, workspace: claims.ws, runId: claims.run };
    case "dep":
      return {
        kind: "deployment",
        name: `deployment:${claims.ep}/${claims.dep}`,
        workspace: claims.ws,
        endpoint: claims.ep,
        deployment: claims.dep,
      };
    default:
      throw new AppError("Unauthenticated", "what was given is signed by this home, but is no token");
  }
}

/** The token of a request: bearer, or basic with the token as password (what MLflow clients send). */
export function tokenOf(authorization: string | null): string | undefined {
  if (authorization === null) return undefined;
  const bearer = /^bearer\s+(\S+)\s*$/i.exec(authorization);
  if (bearer !== null) return bearer[1];
  const basic = /^basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(authorization);
  if (basic === null)
    throw new AppError(
      "Unauthenticated",
      "the Authorization header is neither `Bearer TOKEN` nor basic authentication",
    );
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(atob(basic[1] ?? ""), (c) => c.charCodeAt(0)),
    );
    return text.slice(text.indexOf(":") + 1);
  } catch (cause) {
    throw new AppError("Unauthenticated", "the basic authentication header is not base64 of UTF-8", {}, { cause });
  }
}
