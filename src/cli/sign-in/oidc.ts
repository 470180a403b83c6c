import { createHash, randomBytes } from "node:crypto";
import type { SignIn } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";

type Oidc = NonNullable<SignIn["oidc"]>;

/** One attempt at the authorization code flow with PKCE (RFC 7636): nothing in it is of use to who sees the address. */
export interface Flow {
  /** Where the person signs in. */
  readonly address: string;
  /** The ID token for the address that the person's browser was sent back to. */
  redeem(returned: URL, signal: AbortSignal): Promise<string>;
}

/** Reads the issuer's own description. Throws Unavailable when it is not there. */
export async function openFlow(oidc: Oidc, redirectUri: string, signal: AbortSignal): Promise<Flow> {
  const { issuer, described } = await readIssuer(oidc, signal);
  const authorize = addressIn(issuer, "authorization_endpoint", described);
  const tokens = addressIn(issuer, "token_endpoint", described);
  const verifier = randomBytes(48).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const query = {
    response_type: "code",
    client_id: oidc.client_id,
    redirect_uri: redirectUri,
    scope: oidc.scopes.join(" "),
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(query)) authorize.searchParams.set(name, value);

  return {
    address: authorize.href,
    async redeem(returned, ending) {
      const { searchParams } = returned;
      const failure = searchParams.get("error_description") ?? searchParams.get("error");
      if (failure !== null) throw new AppError("Unauthenticated", `signing in was refused: ${failure}`);
      // Another page could send the browser here with a code of its own making.
      if (searchParams.get("state") !== state) {
        throw new AppError("Unauthenticated", "the address does not belong to this attempt to sign in", {
          hint: "run `yard login` again, and use the address that it prints",
        });
      }
      const body = new URLSearchParams({
        grant_type: "authorization_code",
        client_id: oidc.client_id,
        code: searchParams.get("code") ?? "",
        redirect_uri: redirectUri,
        code_verifier: verifier,
      });
      const { id_token: idToken } = await fetchJson(tokens.href, { method: "POST", body, signal: ending });
      if (typeof idToken === "string") return idToken;
      throw new AppError("Unavailable", `\`${tokens.href}\` answered no ID token`);
    },
  };
}

/** The issuer's own description, and where it stands. */
export async function readIssuer(
  oidc: Oidc,
  signal: AbortSignal,
): Promise<{ readonly issuer: Record<string, unknown>; readonly described: string }> {
  const described = `${oidc.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  return { issuer: await fetchJson(described, { signal }), described };
}

export function addressIn(issuer: Record<string, unknown>, field: string, described: string): URL {
  const value = issuer[field];
  if (typeof value === "string" && URL.canParse(value)) return new URL(value);
  throw new AppError("Unavailable", `\`${described}\` has no \`${field}\``);
}

export async function fetchJson(address: string, init: RequestInit): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(address, init);
    const answer = (await response.json()) as Record<string, unknown>;
    if (response.ok) return answer;
    throw new IssuerRefusal(response.status, answer);
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw new AppError("Unavailable", `\`${address}\` failed: ${(cause as Error).message}`, {}, { cause });
  }
}

/** What an issuer answers when it does not give what was asked for; `code` is OAuth's word for why. */
export class IssuerRefusal extends Error {
  readonly code: string;

  constructor(status: number, answer: Readonly<Record<string, unknown>>) {
    super(`status ${status}: ${String(answer.error_description ?? answer.error ?? "no reason given")}`);
    this.code = String(answer.error ?? "");
  }
}
