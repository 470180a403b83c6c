import type { IncomingMessage, ServerResponse } from "node:http";
import { makeDigest } from "../adapters/node/digest.ts";
import type { EndpointStore, Routing } from "../core/endpoints/ports.ts";
import { type EndpointRoute, readRoute } from "../core/endpoints/route.ts";
import { readSecrets } from "../core/endpoints/secrets.ts";
import type { Host, HostState } from "../core/ports/host.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Vault } from "../core/ports/vault.ts";
import {
  type CallerDeps,
  chooseDeployment,
  chooseMirrors,
  DEPLOYMENT_HEADER,
  judgeCaller,
  NOT_THERE,
  type Refusal,
  requestIdOf,
  SCORING_ADDRESS,
} from "../home/scoring.ts";
import { isLoopback } from "./http-request.ts";
import { makeUpstreams, refuse, type Target, type Upstreams } from "./upstream.ts";

export interface RouterDeps extends CallerDeps {
  readonly endpoints: EndpointStore;
  readonly host: Host & { onChanged(listener: (handle: string, state: HostState) => void): void };
  readonly vault: Vault;
  readonly ids: Ids;
}

export interface Router extends Routing {
  /** Takes scoring requests, before the API's own frame; false for any other. */
  intercept(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  close(): void;
}

/** Replaced whole when a record changes. */
interface Way {
  readonly route: EndpointRoute;
  readonly targets: ReadonlyMap<string, Target>;
}

/** Sends scoring requests to replicas: who may ask, which deployment, which replica. Works from memory; records are read when they change. */
export function makeRouter(deps: RouterDeps): Router {
  const ways = new Map<string, Way>();
  /** Loads of one endpoint follow one another, so that an older one never overwrites a newer. */
  const loads = new Map<string, Promise<Way | undefined>>();
  const byHandle = new Map<string, Target>();
  const upstreams: Upstreams = makeUpstreams();
  const digest = makeDigest();

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
    const route = await readRoute({ ...deps, digest }, workspace, name);
    const endpoint = await deps.endpoints.getEndpoint(workspace, name);
    if (route === undefined || endpoint === undefined) return undefined;
    const { replicaSecret: secret } = await readSecrets(deps, endpoint);
    const targets = new Map<string, Target>();
    for (const [deployment, { handle, limitMs }] of Object.entries(route.targets)) {
      const { addresses } = await deps.host.inspect(handle);
      targets.set(deployment, { deployment, handle, addresses, turn: 0, shunned: new Map(), limitMs, secret });
    }
    return { route, targets };
  }

  async function answer(match: RegExpExecArray, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const [, workspace = "", name = "", path = "/", query = ""] = match;
    const requestId = requestIdOf(incoming.headers["x-request-id"], deps.ids);
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
    const fault = await judgeCaller(deps, way?.route, incoming.headers.authorization);
    if (fault !== undefined || way === undefined) return say(fault ?? NOT_THERE);
    const { route, targets } = way;
    const asked = incoming.headers[DEPLOYMENT_HEADER];
    const chosen = chooseDeployment(route, typeof asked === "string" ? asked : undefined);
    if (typeof chosen !== "string") return say(chosen);
    const target = targets.get(chosen);
    if (target === undefined) return say(NOT_THERE);
    const mirrors = chooseMirrors(route, chosen).flatMap((mirror) => targets.get(mirror) ?? []);
    await upstreams.send({ incoming, outgoing, requestId, target, path: `${path}${query}`, mirrors });
  }

  return {
    intercept(incoming, outgoing) {
      const match = SCORING_ADDRESS.exec(incoming.url ?? "");
      if (match === null) return false;
      answer(match, incoming, outgoing).catch(() => {
        refuse(outgoing, requestIdOf(incoming.headers["x-request-id"], deps.ids), {
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
