import type { IncomingMessage, ServerResponse } from "node:http";
import { makeLocalBuilder } from "../adapters/local/builder.ts";
import { makeDigest } from "../adapters/local/digest.ts";
import { makeApp } from "../api/app.ts";
import { makeEnvironments } from "../core/jobs/environments.ts";
import { makeAuthenticate } from "./authenticate.ts";
import { composeAssets } from "./compose-assets.ts";
import { composeEndpoints } from "./compose-endpoints.ts";
import { composeFiles } from "./compose-files.ts";
import { composeJobs } from "./compose-jobs.ts";
import { composeTracking } from "./compose-tracking.ts";
import { makeLaunchers } from "./launchers.ts";
import { makeOutputRegistry } from "./output-registry.ts";
import type { Ground, Part } from "./part.ts";
import type { Router } from "./router.ts";
import { openStores, type Stores } from "./stores.ts";

/**
 * Which implementation serves what, in one place. Each room adds one part: its routes, and what runs beside them.
 * Parts start in this order and close in the reverse one.
 */
function partsOf(ground: Ground, stores: Stores): { readonly all: readonly Part[]; readonly router: Router } {
  const digest = makeDigest();
  const { files, places, lookups, ...filesPart } = composeFiles(ground, stores);
  const outputs = makeOutputRegistry({ ...ground, ...stores, files, digest });
  const environments = makeEnvironments({ ...stores, files, hasContainerEngine: false });
  const builder = makeLocalBuilder({
    program: ground.settings.programs.runner,
    dataDir: ground.settings.dataDir,
    env: process.env,
  });
  const { router, ...endpoints } = composeEndpoints(ground, { files, environments, builder });
  const all = [
    filesPart,
    composeAssets(ground, stores, { files, places, lookups, digest }),
    composeJobs(ground, stores, { files, environments, outputs, launchers: makeLaunchers(ground) }),
    composeTracking(ground, stores, files),
    endpoints,
  ];
  return { all, router };
}

export interface Composition {
  readonly handle: (request: Request) => Promise<Response>;
  /** Scoring requests go past the frame. */
  readonly intercept: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;
  start(): Promise<void>;
  close(): Promise<void>;
}

export function compose(ground: Ground): Composition {
  const stores = openStores(ground);
  const { all: parts, router } = partsOf(ground, stores);
  const handle = makeApp({
    routes: parts.flatMap((part) => part.routes ?? []),
    authenticate: makeAuthenticate(ground, stores),
    hasWorkspace: async (name) => (await stores.workspaces.get(name)) !== undefined,
    requestId: () => ground.ids.hex32(),
    onFault: (error, about) => ground.log.fault("a request failed", error, about),
  });
  return {
    handle,
    intercept: router.intercept,
    async start() {
      // Every part has subscribed by now.
      await ground.bus.start();
      for (const part of parts) await part.start?.();
    },
    async close() {
      for (const part of parts.toReversed()) await part.close?.();
    },
  };
}
