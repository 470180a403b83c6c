import { AppError } from "../../contract/errors.ts";
import type { Ids } from "../ports/ids.ts";
import type { Vault } from "../ports/vault.ts";
import { endpointSecret } from "./ports.ts";
import type { EndpointRecord } from "./record.ts";

/** An endpoint's secrets: two keys for its callers, one word between router and replicas. */
export interface EndpointSecrets {
  readonly primaryKey: string;
  readonly secondaryKey: string;
  readonly replicaSecret: string;
}

export async function makeSecrets(deps: { vault: Vault; ids: Ids }, endpoint: EndpointRecord): Promise<void> {
  const { ids } = deps;
  await writeSecrets(deps, endpoint, {
    primaryKey: ids.secret(),
    secondaryKey: ids.secret(),
    replicaSecret: ids.secret(),
  });
}

export function writeSecrets(
  deps: { vault: Vault },
  endpoint: EndpointRecord,
  secrets: EndpointSecrets,
): Promise<void> {
  return deps.vault.put(endpointSecret(endpoint), JSON.stringify(secrets));
}

export async function readSecrets(deps: { vault: Vault }, endpoint: EndpointRecord): Promise<EndpointSecrets> {
  const text = await deps.vault.get(endpointSecret(endpoint));
  if (text === undefined) {
    throw new AppError("Internal", `the secrets of endpoint \`${endpoint.name}\` are not in the vault`);
  }
  return JSON.parse(text) as EndpointSecrets;
}
