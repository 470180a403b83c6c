import type * as z from "zod";
import type { OnlineEndpoint, UpdateOnlineEndpoint } from "../../contract/endpoints.ts";
import type { Clock } from "../ports/clock.ts";
import { mustChangeEndpoint } from "./get-endpoint.ts";
import type { EndpointStore, Routing } from "./ports.ts";
import { raced } from "./put-endpoint.ts";
import { type Place, showEndpoint } from "./show-endpoint.ts";
import { checkMirror, checkTraffic } from "./traffic.ts";

interface Deps {
  readonly endpoints: EndpointStore;
  readonly clock: Clock;
  readonly routing: Routing;
  readonly place: Place;
}

/** Changes traffic, mirroring, words. When it returns, callers are routed the new way. */
export async function updateEndpoint(
  deps: Deps,
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly change: z.infer<typeof UpdateOnlineEndpoint>;
    readonly actor: string;
  },
): Promise<OnlineEndpoint> {
  const { workspace, name, change, actor } = input;
  const before = await mustChangeEndpoint(deps, workspace, name);
  const deployments = await deps.endpoints.listDeployments(workspace, name);
  if (change.traffic !== undefined) checkTraffic(name, change.traffic, deployments);
  if (change.mirror_traffic !== undefined) checkMirror(name, change.mirror_traffic, deployments);
  const after = {
    ...before,
    ...(change.description === undefined ? {} : { description: change.description }),
    tags: change.tags ?? before.tags,
    traffic: change.traffic ?? before.traffic,
    mirrorTraffic: change.mirror_traffic ?? before.mirrorTraffic,
    updatedMs: deps.clock.now(),
  };
  const saved = await deps.endpoints.save({
    endpoint: after,
    activity: {
      workspace,
      actor,
      resource: "endpoint",
      name,
      action: "update",
      summary:
        change.traffic === undefined
          ? `online endpoint \`${name}\` changed`
          : `traffic of \`${name}\`: ${wording(after.traffic)}`,
      before: { traffic: { ...before.traffic }, mirror_traffic: { ...before.mirrorTraffic } },
      after: { traffic: { ...after.traffic }, mirror_traffic: { ...after.mirrorTraffic } },
    },
  });
  if (!saved) throw raced(name);
  await deps.routing.refresh(workspace, name);
  return showEndpoint(deps.place, after, deployments);
}

function wording(traffic: Readonly<Record<string, number>>): string {
  const shares = Object.entries(traffic).map(([name, share]) => `${name} ${share} %`);
  return shares.length === 0 ? "none" : shares.join(", ");
}
