import { makeDigest } from "../adapters/local/digest.ts";
import { makeApp } from "../api/app.ts";
import { DEFAULT_WORKSPACE } from "../contract/workspaces.ts";
import { ensureWorkspace } from "../core/workspaces/put-workspace.ts";
import { makeAuthenticate } from "./authenticate.ts";
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
  const { files, ...filesPart } = composeFiles(ground, stores);
  const outputs = makeOutputRegistry({ ...ground, ...stores, files, digest });
  return [
    { start: () => ensureWorkspace({ ...ground, ...stores, digest }, DEFAULT_WORKSPACE) },
    filesPart,
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
