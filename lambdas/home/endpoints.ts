import { makeDigest } from "../../src/adapters/node/digest.ts";
import { makeEndpointRoutes } from "../../src/api/endpoints.ts";
import { LAMBDA_HOSTING } from "../../src/core/endpoints/lambda-hosting.ts";
import { type Environments, SETTLE_TOPIC } from "../../src/core/endpoints/ports.ts";
import type { Files } from "../../src/core/files/ports.ts";
import type { Builder } from "../../src/core/ports/builder.ts";
import type { Bus } from "../../src/core/ports/bus.ts";
import type { Host } from "../../src/core/ports/host.ts";
import { makeModelUse } from "../../src/home/model-use.ts";
import type { Ground, Part } from "../../src/home/part.ts";
import { type Settling, settleByMessages } from "../../src/home/settling.ts";
import type { Stores } from "../../src/home/stores.ts";
import { openRouteStore } from "../../src/store/endpoint-routes.ts";
import type { Turns } from "../../src/store/turns.ts";

/** Online endpoints: their records and routes here, their deployments as functions, moved on by messages. */
export function composeEndpoints(
  ground: Ground,
  { endpoints }: Pick<Stores, "endpoints">,
  others: {
    readonly files: Files;
    readonly environments: Environments;
    readonly builder: Builder;
    readonly host: Host;
    readonly bus: Pick<Bus, "send" | "subscribe">;
    readonly turns: Turns;
    /** Where endpoints are asked. */
    readonly scoringUrl: string;
  },
): Part & Settling {
  const deps = {
    ...ground,
    ...others,
    endpoints,
    hosting: LAMBDA_HOSTING,
    routing: openRouteStore({ ...ground, endpoints, digest: makeDigest(), newId: ground.ids.hex32 }),
    modelUse: makeModelUse(ground.table),
    inTurn: (key: string, task: () => Promise<void>) => others.turns.take(`${SETTLE_TOPIC} ${key}`, task),
    place: { address: () => others.scoringUrl },
    apiUrl: ground.address,
  };
  // A function ends with its message.
  const settling = settleByMessages(others.bus, deps, new AbortController().signal);
  return { ...settling, routes: makeEndpointRoutes(deps) };
}
