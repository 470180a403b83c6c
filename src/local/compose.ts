import type { IncomingMessage, ServerResponse } from "node:http";
import { resolve } from "node:path";
import { makeLocalBuilder } from "../adapters/local/builder.ts";
import { makeDigest } from "../adapters/node/digest.ts";
import type { ApiRequest } from "../api/raw-route.ts";
import type { Reply } from "../api/reply.ts";
import { makeEnvironments } from "../core/jobs/environments.ts";
import { composeAssets } from "../home/compose-assets.ts";
import { composeBatchEndpoints } from "../home/compose-batch-endpoints.ts";
import { composeGc } from "../home/compose-gc.ts";
import { composeJobs } from "../home/compose-jobs.ts";
import { composeTracking } from "../home/compose-tracking.ts";
import { makeHandle } from "../home/handle.ts";
import { makeJobLoop } from "../home/job-loop.ts";
import { makeOutputRegistry } from "../home/output-registry.ts";
import type { Part } from "../home/part.ts";
import { openStores, type Stores } from "../home/stores.ts";
import { composeEndpoints } from "./compose-endpoints.ts";
import { composeFiles } from "./compose-files.ts";
import { composeSchedules } from "./compose-schedules.ts";
import { makeLocalCourier } from "./courier.ts";
import { makeLaunchers } from "./launchers.ts";
import type { Ground } from "./part.ts";
import type { Router } from "./router.ts";

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
  const { router, ...endpoints } = composeEndpoints(ground, stores, { files, environments, builder });
  const jobs = composeJobs(ground, stores, {
    files,
    environments,
    outputs,
    builder,
    launchers: makeLaunchers(ground),
    makeMover: makeJobLoop,
    isAlone: true,
  });
  const all = [
    filesPart,
    composeAssets(ground, stores, { home: "laptop", files, places, lookups, digest }),
    jobs,
    composeSchedules(ground, stores, {
      files,
      digest,
      scheduledJobs: jobs.scheduledJobs,
      courier: makeLocalCourier({ clock: ground.clock, allowPrivate: ground.settings.privateWebhooks === true }),
    }),
    composeTracking(ground, stores, {
      files,
      // Client and server share this machine: a relative location means the folder the server was started in.
      resolveLocation: (location) => resolve(location),
    }),
    endpoints,
    composeBatchEndpoints(ground, stores, { digest, submit: jobs.submit }),
    composeGc(ground, stores),
  ];
  return { all, router };
}

export interface Composition {
  readonly handle: (request: ApiRequest) => Promise<Reply>;
  /** Scoring requests go past the frame. */
  readonly intercept: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;
  start(): Promise<void>;
  close(): Promise<void>;
}

export function compose(ground: Ground): Composition {
  const stores = openStores(ground);
  const { all: parts, router } = partsOf(ground, stores);
  const handle = makeHandle(ground, stores, parts);
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
