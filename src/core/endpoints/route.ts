import { type Digest, sha256Hex } from "../ports/digest.ts";
import type { Vault } from "../ports/vault.ts";
import type { EndpointStore } from "./ports.ts";
import type { EndpointRecord, Traffic } from "./record.ts";
import { readSecrets } from "./secrets.ts";

/** How callers of one endpoint are let in and where they go: all that a router has to know, without a secret. */
export interface EndpointRoute extends Pick<EndpointRecord, "workspace" | "name" | "birth" | "authMode"> {
  /** SHA-256 of each key, as hex. */
  readonly keyHashes: readonly string[];
  readonly traffic: Traffic;
  readonly mirrorTraffic: Traffic;
  /** Deployments that answer, by name. */
  readonly targets: Readonly<Record<string, RouteTarget>>;
}

export interface RouteTarget {
  /** The host's, of the live revision. */
  readonly handle: string;
  /** What a replica may take for one request, waiting included. */
  readonly limitMs: number;
}

export interface RouteDeps {
  readonly endpoints: EndpointStore;
  readonly vault: Vault;
  readonly digest: Digest;
}

/** As the records have it now; undefined for an endpoint that is not there, or on its way out. */
export async function readRoute(deps: RouteDeps, workspace: string, name: string): Promise<EndpointRoute | undefined> {
  const endpoint = await deps.endpoints.getEndpoint(workspace, name);
  if (endpoint === undefined || endpoint.state === "Deleting") return undefined;
  const { birth, authMode, traffic, mirrorTraffic } = endpoint;
  const targets: Record<string, RouteTarget> = {};
  for (const { name: deployment, live, state } of await deps.endpoints.listDeployments(workspace, name)) {
    if (live === undefined || state === "Deleting") continue;
    const revision = await deps.endpoints.getRevision({ workspace, endpoint: name, deployment }, live);
    if (revision?.handle === undefined) continue;
    const { request_timeout_ms, max_queue_wait_ms } = revision.plan.requestSettings;
    targets[deployment] = { handle: revision.handle, limitMs: request_timeout_ms + max_queue_wait_ms };
  }
  const keyHashes = authMode === "key" ? await hashesOf(deps, endpoint) : [];
  return { workspace, name, birth, authMode, keyHashes, traffic, mirrorTraffic, targets };
}

async function hashesOf(deps: RouteDeps, endpoint: EndpointRecord): Promise<readonly string[]> {
  const { primaryKey, secondaryKey } = await readSecrets(deps, endpoint);
  return [primaryKey, secondaryKey].map((key) => sha256Hex(deps.digest, key));
}
