import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { AppError } from "../../contract/errors.ts";
import type { Identity } from "../../core/ports/identity.ts";

const PERSON = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,254}$/;
const ANSWER_MS = 5000;
/** Clocks of issuer and home may be this far apart. */
const SKEW_SEC = 30;

/** An OpenID Connect issuer: its ID tokens for one client, checked here with its public keys, which are fetched once and again when they change. */
export function openIdentity(options: { readonly issuer: string; readonly clientId: string }): Identity {
  const { issuer, clientId } = options;
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;

  /** Where the issuer keeps its keys, from its own description. */
  async function findKeys() {
    const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    const { jwks_uri: uri } = (await response.json()) as { jwks_uri?: unknown };
    if (typeof uri !== "string" || !URL.canParse(uri)) throw new Error(`${address} names no jwks_uri`);
    return createRemoteJWKSet(new URL(uri), { timeoutDuration: ANSWER_MS });
  }

  return {
    async personOf(idToken) {
      keys ??= findKeys();
      try {
        const { payload } = await jwtVerify(idToken, await keys, {
          issuer,
          audience: clientId,
          clockTolerance: SKEW_SEC,
          // Never HMAC or none: the key would be the public one, or no key at all.
          algorithms: ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"],
          requiredClaims: ["exp", "iat", "sub"],
        });
        return personIn(payload);
      } catch (error) {
        throw wordsOf(error, () => {
          keys = undefined;
        });
      }
    },
  };
}

/**
 * An e-mail address that the issuer has checked; else the user's name there, else their id.
 * NOTE: people may choose their names: one that looks like an address would make its bearer whoever that address is here.
 */
function personIn(claims: JWTPayload): string {
  // Cognito's access tokens are signed with the same keys, but have no audience; an ID token says what it is.
  if (claims.token_use !== undefined && claims.token_use !== "id") throw refused("it is no ID token");
  const isChecked = claims.email_verified === true || claims.email_verified === "true";
  const names = [
    isChecked ? claims.email : undefined,
    claims.preferred_username,
    claims["cognito:username"],
    claims.sub,
  ];
  const isGood = (it: unknown): it is string => typeof it === "string" && PERSON.test(it);
  const name = names.find((it): it is string => isGood(it) && (it === names[0] || !it.includes("@")));
  if (name === undefined) throw refused("it names nobody in a way that can be kept");
  return name.includes("@") ? name.toLowerCase() : name;
}

function wordsOf(error: unknown, onUnreachable: () => void): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired) return refused("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`its \`${error.claim}\` is not this home's`);
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JOSEAlgNotAllowed
  ) {
    return refused("the issuer has not signed it");
  }
  onUnreachable();
  return new AppError(
    "Unavailable",
    `the identity provider's keys can't be read: ${(error as Error).message}`,
    { hint: "try again; personal access tokens work meanwhile" },
    { cause: error },
  );
}

function refused(why: string): AppError {
  return new AppError("Unauthenticated", `the sign-in is not good: ${why}`, { hint: "`yard login` signs in anew" });
}
