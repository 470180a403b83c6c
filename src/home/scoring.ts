import { createHash, timingSafeEqual } from "node:crypto";
import { allows } from "../core/auth/allow.ts";
import type { Principal } from "../core/auth/principal.ts";
import type { ScoringClaims } from "../core/endpoints/endpoint-keys.ts";
import type { EndpointRoute } from "../core/endpoints/route.ts";
import { pick } from "../core/endpoints/traffic.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Signer } from "../core/ports/signer.ts";

/** An answer that is a router's own. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterSec?: number;
}

export interface CallerDeps {
  readonly signer: Signer;
  readonly clock: Clock;
  /** Whom a token of this home stands for; throws for any other. */
  readonly readToken: (token: string) => Promise<Principal>;
}

/** Path of a scoring request: workspace, endpoint, path at the replica, query. */
export const SCORING_ADDRESS =
  /^\/w\/([A-Za-z0-9][A-Za-z0-9_-]{0,254})\/endpoints\/([A-Za-z][-A-Za-z0-9]{1,31})(\/[^?]*)?(\?.*)?$/;
export const DEPLOYMENT_HEADER = "azureml-model-deployment";
const ID_CHARS = 200;

export const NOT_THERE: Refusal = { status: 404, code: "NotFound", message: "there is no such endpoint" };
const STRANGER: Refusal = {
  status: 401,
  code: "Unauthenticated",
  message: "the endpoint wants `Authorization: Bearer KEY` with one of its keys or tokens",
};

/** Why the caller may not pass. Strangers can't tell an endpoint that is not there from one they have no key of. */
export async function judgeCaller(
  deps: CallerDeps,
  route: EndpointRoute | undefined,
  authorization: string | undefined,
): Promise<Refusal | undefined> {
  const token = /^bearer\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) return STRANGER;
  if (route === undefined) return (await isUser(deps, token)) ? NOT_THERE : STRANGER;
  const { authMode, workspace, name, birth } = route;
  switch (authMode) {
    case "key": {
      const shown = createHash("sha256").update(token).digest();
      let known = false;
      // Every key is compared, so that time tells nothing.
      for (const hash of route.keyHashes) known = timingSafeEqual(Buffer.from(hash, "hex"), shown) || known;
      return known ? undefined : STRANGER;
    }
    case "aml_token": {
      const claims = (await deps.signer.verify(token)) as Partial<ScoringClaims> | undefined;
      if (claims?.t !== "score" || claims.ws !== workspace || claims.ep !== name || claims.birth !== birth)
        return STRANGER;
      if ((claims.exp ?? 0) * 1000 >= deps.clock.now()) return undefined;
      return { ...STRANGER, message: "the endpoint's token has expired; get a new one" };
    }
    case "aad_token":
      return (await isUser(deps, token, workspace)) ? undefined : STRANGER;
  }
}

async function isUser(deps: CallerDeps, token: string, workspace?: string): Promise<boolean> {
  try {
    const principal = await deps.readToken(token);
    return workspace === undefined || allows(principal, { resource: "endpoint", action: "score" }, workspace);
  } catch {
    return false;
  }
}

/** The deployment for a request, by what it asks for or by chance; or why there is none. */
export function chooseDeployment(route: EndpointRoute, asked: string | undefined): string | Refusal {
  const chosen = asked === undefined || asked === "" ? pick(route.traffic, Math.random()) : asked;
  const notFound = { status: 404, code: "NotFound" };
  if (chosen === undefined) {
    const message = `endpoint \`${route.name}\` has no deployment with traffic; give one some, or name one in the header \`${DEPLOYMENT_HEADER}\``;
    return { ...notFound, message };
  }
  if (Object.hasOwn(route.targets, chosen)) return chosen;
  return { ...notFound, message: `endpoint \`${route.name}\` has no healthy deployment \`${chosen}\`` };
}

/** Deployments that get a copy of a request which goes to another. */
export function chooseMirrors(route: EndpointRoute, chosen: string): readonly string[] {
  return Object.entries(route.mirrorTraffic).flatMap(([name, share]) =>
    name === chosen || Math.random() * 100 >= share || !Object.hasOwn(route.targets, name) ? [] : [name],
  );
}

/** The caller's own id of a request, or a new one. */
export function requestIdOf(asked: string | string[] | undefined, ids: Pick<Ids, "hex32">): string {
  return typeof asked === "string" && asked !== "" ? asked : ids.hex32();
}

/** A refusal as it is sent, in the words of the scoring contract. */
export function renderRefusal(
  refusal: Refusal,
  requestId: string,
): { readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const { status, code, message, retryAfterSec } = refusal;
  const body = JSON.stringify({ message, code, request_id: requestId });
  return {
    body,
    headers: {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      "x-request-id": requestId.slice(0, ID_CHARS),
      "x-ms-run-function-failed": "False",
      ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
      ...(retryAfterSec === undefined ? {} : { "retry-after": String(retryAfterSec) }),
    },
  };
}
