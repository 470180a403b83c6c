import type { OnlineEndpoint, OnlineEndpointSpec } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Vault } from "../ports/vault.ts";
import type { Hosting } from "./hosting.ts";
import type { EndpointStore, Routing } from "./ports.ts";
import type { EndpointRecord } from "./record.ts";
import { makeSecrets } from "./secrets.ts";
import { type Place, showEndpoint } from "./show-endpoint.ts";
import { checkMirror, checkTraffic } from "./traffic.ts";

export interface PutEndpointDeps {
  readonly endpoints: EndpointStore;
  readonly vault: Vault;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly routing: Routing;
  readonly place: Place;
  readonly hosting: Hosting;
}

interface Input {
  readonly workspace: string;
  readonly name: string;
  readonly spec: OnlineEndpointSpec;
  readonly actor: string;
}

/** Makes the endpoint, or replaces what its spec says; traffic that the spec leaves out stays as it is. */
export async function putEndpoint(deps: PutEndpointDeps, input: Input): Promise<OnlineEndpoint> {
  const { workspace, name, spec, actor } = input;
  const before = await deps.endpoints.getEndpoint(workspace, name);
  if (before?.state === "Deleting") {
    throw new AppError("Conflict", `endpoint \`${name}\` is being deleted`, { hint: "wait until it is gone" });
  }
  const deployments = before === undefined ? [] : await deps.endpoints.listDeployments(workspace, name);
  if (spec.traffic !== undefined) checkTraffic(name, spec.traffic, deployments);
  if (spec.mirror_traffic !== undefined) checkMirror(name, spec.mirror_traffic, deployments);
  const record = makeRecord(deps, input, before);
  if (before !== undefined && same(before, record)) return showEndpoint(deps.place, before, deployments);
  if (before === undefined) await makeSecrets(deps, record);
  const saved = await deps.endpoints.save({
    endpoint: record,
    activity: {
      workspace,
      actor,
      resource: "endpoint",
      name,
      action: before === undefined ? "create" : "update",
      summary: before === undefined ? `online endpoint \`${name}\` made` : `online endpoint \`${name}\` changed`,
      ...(before === undefined ? {} : { before: { traffic: { ...before.traffic }, auth_mode: before.authMode } }),
      after: { traffic: { ...record.traffic }, auth_mode: record.authMode },
    },
  });
  if (!saved) throw raced(name);
  await deps.routing.refresh(workspace, name);
  return showEndpoint(deps.place, record, deployments);
}

export function raced(name: string): AppError {
  return new AppError("Conflict", `endpoint \`${name}\` was changed by somebody else at the same time`, {
    hint: "look at it again and repeat",
  });
}

function makeRecord(
  deps: PutEndpointDeps,
  { workspace, name, spec, actor }: Input,
  before: EndpointRecord | undefined,
): EndpointRecord {
  const now = deps.clock.now();
  const { identity, location, compute } = spec;
  return {
    workspace,
    name,
    birth: before?.birth ?? deps.ids.hex32().slice(0, 12),
    rev: before?.rev ?? 0,
    authMode: spec.auth_mode ?? before?.authMode ?? "key",
    state: "Succeeded",
    ...(spec.description === undefined ? {} : { description: spec.description }),
    tags: spec.tags ?? {},
    properties: spec.properties ?? {},
    traffic: spec.traffic ?? before?.traffic ?? {},
    mirrorTraffic: spec.mirror_traffic ?? before?.mirrorTraffic ?? {},
    publicNetworkAccess: spec.public_network_access ?? "enabled",
    kept: {
      ...(identity === undefined ? {} : { identity }),
      ...(location === undefined ? {} : { location }),
      ...(compute === undefined ? {} : { compute }),
    },
    warnings: deps.hosting.judgeEndpoint(spec),
    createdMs: before?.createdMs ?? now,
    createdBy: before?.createdBy ?? actor,
    updatedMs: now,
  };
}

function same(a: EndpointRecord, b: EndpointRecord): boolean {
  return facts(a) === facts(b);
}

function facts(record: EndpointRecord): string {
  const { authMode, description, tags, properties, traffic, mirrorTraffic, publicNetworkAccess, kept } = record;
  return JSON.stringify([authMode, description, tags, properties, traffic, mirrorTraffic, publicNetworkAccess, kept]);
}
