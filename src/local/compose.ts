import { makeDigest } from "../adapters/local/digest.ts";
import { makeApp } from "../api/app.ts";
import { makeAuthenticate } from "./authenticate.ts";
import { composeAssets } from "./compose-assets.ts";
import { composeFiles } from "./compose-files.ts";
import { composeJobs } from "./compose-jobs.ts";
import { makeLaunchers } from "./launchers.ts";
import { makeOutputRegistry } from "./output-registry.ts";
import type { Ground, Part } from "./part.ts";
import { openStores, type Stores } from "./stores.ts";

/**
 * Which implementation serves what, in one place. Each room adds one part: its routes, and what runs beside them.
 * Parts start in this order and close in the reverse one.
 */
function partsOf(ground: Ground, stores: Stores): readonly Part[] {
  const digest = makeDigest();
  const { files, places, lookups, ...filesPart } = composeFiles(ground, stores);
  const outputs = makeOutputRegistry({ ...ground, ...stores, files, digest });
  return [
    filesPart,
    composeAssets(ground, stores, { files, places, lookups, digest }),
    composeJobs(ground, stores, { files, outputs, launchers: makeLaunchers(ground) }),
  ];
}

export interface Composition {
  readonly handle: (request: Request) => Promise<Response>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export function compose(ground: Ground): Composition {
  const stores = openStores(ground);
  const parts = partsOf(ground, stores);
  const handle = makeApp({
    routes: parts.flatMap((part) => part.routes ?? []),
    authenticate: makeAuthenticate(ground, stores),
    hasWorkspace: async (name) => (await stores.workspaces.get(name)) !== undefined,
    requestId: () => ground.ids.hex32(),
    onFault: (error, about) => ground.log.fault("a request failed", error, about),
  });
  return {
    handle,
    async start() {
      for (const part of parts) await part.start?.();
    },
    async close() {
      for (const part of parts.toReversed()) await part.close?.();
    },
  };
}
