import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { allows } from "../core/auth/allow.ts";
import type { Principal } from "../core/auth/principal.ts";
import type { ScoringClaims } from "../core/endpoints/endpoint-keys.ts";
import type { EndpointStore, Routing } from "../core/endpoints/ports.ts";
import type { EndpointRecord } from "../core/endpoints/record.ts";
import { readSecrets } from "../core/endpoints/secrets.ts";
import { pick } from "../core/endpoints/traffic.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Host, HostState } from "../core/ports/host.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Signer } from "../core/ports/signer.ts";
import type { Vault } from "../core/ports/vault.ts";
import { isLoopback } from "./http-request.ts";
import { makeUpstreams, type Refusal, refuse, type Target, type Upstreams } from "./upstream.ts";

export interface RouterDeps {
  readonly endpoints: EndpointStore;
  readonly host: Host & { onChanged(listener: (handle: string, state: HostState) => void): void };
  readonly vault: Vault;
  readonly signer: Signer;
  readonly clock: Clock;
  /** Whom a token of this home stands for; throws for any other. */
  readonly readToken: (token: string) => Promise<Principal>;
  readonly ids: Ids;
}

export interface Router extends Routing {
  /** Takes scoring requests, before the API's own frame; false for any other. */
  intercept(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  close(): void;
}

/** How callers of one endpoint are let in and where they go. Replaced whole when a record changes. */
interface Way {
  readonly endpoint: EndpointRecord;
  /** SHA-256 of each key. */
  readonly keys: readonly Buffer[];
  readonly secret: string;
  readonly targets: ReadonlyMap<string, Target>;
}

const ADDRESS = /^\/w\/([A-Za-z0-9][A-Za-z0-9_-]{0,254})\/endpoints\/([A-Za-z][-A-Za-z0-9]{1,31})(\/[^?]*)?(\?.*)?$/;
const DEPLOYMENT_HEADER = "azureml-model-deployment";

/** Sends scoring requests to replicas: who may ask, which deployment, which replica. Works from memory; records are read when they change. */
export function makeRouter(deps: RouterDeps): Router {
  const ways = new Map<string, Way>();
  /** Loads of one endpoint follow one another, so that an older one never overwrites a newer. */
  const loads = new Map<string, Promise<Way | undefined>>();
  const byHandle = new Map<string, Target>();
  const upstreams: Upstreams = makeUpstreams();

  deps.host.onChanged((handle, { addresses }) => {
    const target = byHandle.get(handle);
    if (target !== undefined) target.addresses = addresses;
  });

  function load(key: string, workspace: string, name: string): Promise<Way | undefined> {
    const next = (loads.get(key) ?? Promise.resolve(undefined))
      .catch(() => undefined)
      .then(() => readWay(workspace, name))
      .then((way) => {
        install(key, way);
        return way;
      });
    loads.set(key, next);
    const forget = (): void => {
      if (loads.get(key) === next) loads.delete(key);
    };
    next.then(forget, forget);
    return next;
  }

  function install(key: string, way: Way | undefined): void {
    const before = ways.get(key);
    if (way === undefined) ways.delete(key);
    else ways.set(key, way);
    for (const target of before?.targets.values() ?? []) byHandle.delete(target.handle);
    for (const target of way?.targets.values() ?? []) byHandle.set(target.handle, target);
  }

  async function readWay(workspace: string, name: string): Promise<Way | undefined> {
    const endpoint = await deps.endpoints.getEndpoint(workspace, name);
    if (endpoint === undefined || endpoint.state === "Deleting") return undefined;
    const [secrets, deployments] = await Promise.all([
      readSecrets(deps, endpoint),
      deps.endpoints.listDeployments(workspace, name),
    ]);
    const targets = new Map<string, Target>();
    for (const { name: deployment, live, state } of deployments) {
      if (live === undefined || state === "Deleting") continue;
      const revision = await deps.endpoints.getRevision({ workspace, endpoint: name, deployment }, live);
      if (revision?.handle === undefined) continue;
      const { addresses } = await deps.host.inspect(revision.handle);
      const { request_timeout_ms, max_queue_wait_ms } = revision.plan.requestSettings;
      targets.set(deployment, {
        deployment,
        handle: revision.handle,
        addresses,
        turn: 0,
        shunned: new Map(),
        limitMs: request_timeout_ms + max_queue_wait_ms,
        secret: secrets.replicaSecret,
      });
    }
    const keys = endpoint.authMode === "key" ? [secrets.primaryKey, secrets.secondaryKey].map(digest) : [];
    return { endpoint, keys, secret: secrets.replicaSecret, targets };
  }

  async function answer(match: RegExpExecArray, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const [, workspace = "", name = "", path = "/", query = ""] = match;
    const requestId = idOf(incoming, deps.ids);
    const say = (refusal: Refusal): void => refuse(outgoing, requestId, refusal);
    if (incoming.headers.host === undefined || !isLoopback(incoming.headers.host)) {
      return say({
        status: 403,
        code: "Forbidden",
        message: "the Host header is not a name of this machine's loopback interface",
      });
    }
    const key = `${workspace}/${name}`;
    const way = ways.get(key) ?? (await load(key, workspace, name));
    const fault = await judge(deps, way, incoming.headers.authorization);
    if (fault !== undefined || way === undefined) return say(fault ?? NOT_THERE);
    const forced = incoming.headers[DEPLOYMENT_HEADER];
    const chosen = typeof forced === "string" && forced !== "" ? forced : pick(way.endpoint.traffic, Math.random());
    if (chosen === undefined) {
      return say({
        status: 404,
        code: "NotFound",
        message: `endpoint \`${name}\` has no deployment with traffic; give one some, or name one in the header \`${DEPLOYMENT_HEADER}\``,
      });
    }
    const target = way.targets.get(chosen);
    if (target === undefined) {
      return say({
        status: 404,
        code: "NotFound",
        message: `endpoint \`${name}\` has no healthy deployment \`${chosen}\``,
      });
    }
    const mirrors = mirrorsOf(way, chosen);
    await upstreams.send({ incoming, outgoing, requestId, target, path: `${path}${query}`, mirrors });
  }

  return {
    intercept(incoming, outgoing) {
      const match = ADDRESS.exec(incoming.url ?? "");
      if (match === null) return false;
      answer(match, incoming, outgoing).catch(() => {
        refuse(outgoing, idOf(incoming, deps.ids), {
          status: 500,
          code: "Internal",
          message: "the router failed on this request",
        });
      });
      return true;
    },
    async refresh(workspace, endpoint) {
      await load(`${workspace}/${endpoint}`, workspace, endpoint);
    },
    close: () => upstreams.close(),
  };
}

const NOT_THERE: Refusal = { status: 404, code: "NotFound", message: "there is no such endpoint" };
const STRANGER: Refusal = {
  status: 401,
  code: "Unauthenticated",
  message: "the endpoint wants `Authorization: Bearer KEY` with one of its keys or tokens",
};

/** Why the caller may not pass. Strangers can't tell an endpoint that is not there from one they have no key of. */
async function judge(
  deps: RouterDeps,
  way: Way | undefined,
  authorization: string | undefined,
): Promise<Refusal | undefined> {
  const token = /^bearer\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) return STRANGER;
  if (way === undefined) return (await isUser(deps, token)) ? NOT_THERE : STRANGER;
  const { authMode, workspace, name, birth } = way.endpoint;
  switch (authMode) {
    case "key": {
      const shown = digest(token);
      let known = false;
      // Every key is compared, so that time tells nothing.
      for (const key of way.keys) known = timingSafeEqual(key, shown) || known;
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

async function isUser(deps: RouterDeps, token: string, workspace?: string): Promise<boolean> {
  try {
    const principal = await deps.readToken(token);
    return workspace === undefined || allows(principal, { resource: "endpoint", action: "score" }, workspace);
  } catch {
    return false;
  }
}

function mirrorsOf(way: Way, chosen: string): Target[] {
  return Object.entries(way.endpoint.mirrorTraffic).flatMap(([name, share]) => {
    const target = name === chosen || Math.random() * 100 >= share ? undefined : way.targets.get(name);
    return target === undefined ? [] : [target];
  });
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function idOf(incoming: IncomingMessage, ids: Ids): string {
  const asked = incoming.headers["x-request-id"];
  return typeof asked === "string" && asked !== "" ? asked : ids.hex32();
}
