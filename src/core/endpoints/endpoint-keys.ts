import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Signer } from "../ports/signer.ts";
import type { Vault } from "../ports/vault.ts";
import { mustChangeEndpoint, mustGetEndpoint } from "./get-endpoint.ts";
import type { EndpointStore, Routing } from "./ports.ts";
import { raced } from "./put-endpoint.ts";
import type { EndpointRecord } from "./record.ts";
import { readSecrets, writeSecrets } from "./secrets.ts";

interface Deps {
  readonly endpoints: EndpointStore;
  readonly vault: Vault;
}

export interface Keys {
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

/** Throws InvalidArgument for an endpoint that does not take keys. */
export async function getKeys(deps: Deps, workspace: string, name: string): Promise<Keys> {
  const endpoint = await mustGetEndpoint(deps, workspace, name);
  mustTakeKeys(endpoint);
  const { primaryKey, secondaryKey } = await readSecrets(deps, endpoint);
  return { primaryKey, secondaryKey };
}

/** Makes one of the keys anew; the other stays good, so that callers can change over without a gap. */
export async function regenerateKey(
  deps: Deps & { readonly ids: Ids; readonly clock: Clock; readonly routing: Routing },
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly key: "primary" | "secondary";
    readonly actor: string;
  },
): Promise<Keys> {
  const { workspace, name, key, actor } = input;
  const endpoint = await mustChangeEndpoint(deps, workspace, name);
  mustTakeKeys(endpoint);
  const before = await readSecrets(deps, endpoint);
  const after = { ...before, [key === "primary" ? "primaryKey" : "secondaryKey"]: deps.ids.secret() };
  // The activity first: a rotation nobody knows of is worse than one that is written down and did not happen.
  const saved = await deps.endpoints.save({
    endpoint: { ...endpoint, updatedMs: deps.clock.now() },
    activity: {
      workspace,
      actor,
      resource: "endpoint",
      name,
      action: "secrets",
      summary: `${key} key of \`${name}\` made anew`,
    },
  });
  if (!saved) throw raced(name);
  await writeSecrets(deps, endpoint, after);
  await deps.routing.refresh(workspace, name);
  return { primaryKey: after.primaryKey, secondaryKey: after.secondaryKey };
}

function mustTakeKeys(endpoint: EndpointRecord): void {
  if (endpoint.authMode === "key") return;
  throw new AppError(
    "InvalidArgument",
    `endpoint \`${endpoint.name}\` has auth_mode \`${endpoint.authMode}\` and no keys`,
    {
      hint: endpoint.authMode === "aml_token" ? "ask for a token" : "score with your own token",
    },
  );
}

const TOKEN_SEC = 3600;
const REFRESH_SEC = 1800;

/** What a scoring token says. It opens nothing but its endpoint. */
export interface ScoringClaims {
  readonly t: "score";
  readonly ws: string;
  readonly ep: string;
  readonly birth: string;
  readonly exp: number;
}

/** A short-lived token for auth_mode aml_token. Times in seconds since the epoch. */
export async function makeScoringToken(
  deps: { readonly endpoints: EndpointStore; readonly signer: Signer; readonly clock: Clock },
  workspace: string,
  name: string,
): Promise<{ accessToken: string; expiryTimeUtc: number; refreshAfterTimeUtc: number; tokenType: string }> {
  const endpoint = await mustGetEndpoint(deps, workspace, name);
  if (endpoint.authMode !== "aml_token") {
    throw new AppError(
      "InvalidArgument",
      `endpoint \`${name}\` has auth_mode \`${endpoint.authMode}\`, not \`aml_token\``,
      {
        hint: endpoint.authMode === "key" ? "use its keys" : "score with your own token",
      },
    );
  }
  const now = Math.floor(deps.clock.now() / 1000);
  const claims: ScoringClaims = { t: "score", ws: workspace, ep: name, birth: endpoint.birth, exp: now + TOKEN_SEC };
  return {
    accessToken: await deps.signer.sign({ ...claims }),
    expiryTimeUtc: claims.exp,
    refreshAfterTimeUtc: now + REFRESH_SEC,
    tokenType: "Bearer",
  };
}
