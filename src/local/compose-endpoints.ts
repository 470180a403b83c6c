import { setTimeout as delay } from "node:timers/promises";
import { openLocalHost } from "../adapters/local/host.ts";
import { makeEndpointRoutes } from "../api/endpoints.ts";
import { AppError } from "../contract/errors.ts";
import { LAPTOP_HOSTING } from "../core/endpoints/hosting.ts";
import type { Environments } from "../core/endpoints/ports.ts";
import { type SettleDeps, settleDeletedEndpoint, settleDeployment } from "../core/endpoints/settle-deployment.ts";
import type { Files } from "../core/files/ports.ts";
import type { Builder } from "../core/ports/builder.ts";
import { makeReadToken } from "../home/authenticate.ts";
import { makeModelUse } from "../home/model-use.ts";
import type { Part } from "../home/part.ts";
import { settleByMessages } from "../home/settling.ts";
import type { Stores } from "../home/stores.ts";
import { makeTurns } from "./in-turn.ts";
import type { Ground } from "./part.ts";
import { makeRouter, type Router } from "./router.ts";
import { serverFilePath } from "./server-file.ts";

/** A message that was lost, or given up on, costs this long at most. */
const LOOK_AGAIN_MS = 60_000;

export interface EndpointsPart extends Part {
  readonly router: Router;
}

/** Online endpoints: records, the replicas on this machine, and the way of a scoring request to them. */
export function composeEndpoints(
  ground: Ground,
  stores: Pick<Stores, "endpoints" | "tokens" | "members" | "roles" | "jobs">,
  others: { readonly files: Files; readonly environments: Environments; readonly builder: Builder },
): EndpointsPart {
  const { settings, log, table, bus } = ground;
  const host = openLocalHost({
    program: settings.programs.serving,
    dataDir: settings.dataDir,
    serverFile: serverFilePath(settings.dataDir),
    env: process.env,
  });
  const { endpoints } = stores;
  const router = makeRouter({ ...ground, endpoints, host, readToken: makeReadToken(ground, stores) });
  const closing = new AbortController();
  const deps = {
    ...ground,
    ...others,
    endpoints,
    host,
    routing: router,
    modelUse: makeModelUse(table),
    inTurn: makeTurns(),
    pause: (ms: number, signal?: AbortSignal) => pause(ms, signal, closing.signal),
    place: ground,
    hosting: LAPTOP_HOSTING,
    apiUrl: ground.address,
  };

  const settling = settleByMessages(bus, deps, closing.signal);
  let again: NodeJS.Timeout | undefined;
  let looking = false;
  return {
    router,
    routes: makeEndpointRoutes(deps),
    async start() {
      // What was under way when the last server ended goes on.
      await settling.resume();
      again = setInterval(() => {
        if (looking) return;
        looking = true;
        settleAll(deps, closing.signal)
          .catch((error: unknown) => log.fault("deployments could not be looked at", error, {}))
          .finally(() => {
            looking = false;
          });
      }, LOOK_AGAIN_MS);
      again.unref();
    },
    async close() {
      clearInterval(again);
      closing.abort(new Error("the home is closing"));
      router.close();
      await host.close();
    },
  };
}

/** Rejects in words when nobody needs the wait any more. */
async function pause(ms: number, caller: AbortSignal | undefined, closing: AbortSignal): Promise<void> {
  const signal = caller === undefined ? closing : AbortSignal.any([caller, closing]);
  try {
    await delay(ms, undefined, { signal });
  } catch (cause) {
    const why = closing.aborted ? "the home is closing" : "the caller has left";
    throw new AppError("Unavailable", `${why}; what was asked for goes on`, {}, { cause });
  }
}

async function settleAll(deps: SettleDeps, signal: AbortSignal): Promise<void> {
  for (const id of await deps.endpoints.unsettled()) await settleDeployment(deps, id, signal);
  for (const where of await deps.endpoints.deleting()) await settleDeletedEndpoint(deps, where, signal);
}
