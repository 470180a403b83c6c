import { makePlaces } from "../../src/adapters/datastores/open.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import type { ApiRequest } from "../../src/api/raw-route.ts";
import { toResponse } from "../../src/api/reply.ts";
import { AppError } from "../../src/contract/errors.ts";
import { onlineDeployments, onlineEndpoints } from "../../src/contract/routes/index.ts";
import type { Files } from "../../src/core/files/ports.ts";
import { makeEnvironments } from "../../src/core/jobs/environments.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { composeFiles } from "../../src/home/compose-files.ts";
import { composeGc } from "../../src/home/compose-gc.ts";
import { composeJobs, type Launchers } from "../../src/home/compose-jobs.ts";
import { composeTracking } from "../../src/home/compose-tracking.ts";
import { makeHandle } from "../../src/home/handle.ts";
import { makeOutputRegistry } from "../../src/home/output-registry.ts";
import type { Ground, Part } from "../../src/home/part.ts";
import { refuseAll, refuseSome } from "../../src/home/refuse.ts";
import { openStores } from "../../src/home/stores.ts";
import { lazyBuilder } from "./lazy.ts";
import type { Settings } from "./settings.ts";

const HINT = "a laptop home (`yard up`) has them; runs that log from elsewhere, assets and models work here";

/** No compute yet: Batch behind the Launcher port and the hosts behind Host are to come. */
const NO_LAUNCHERS: Launchers = { all: [], onEnded: () => undefined, close: () => undefined };
const STARTS_MACHINES = ["jobs.create", "jobs.put", "computes.put"];

export interface Composition {
  /** Answers a request; the first one waits until the home has what every home has. */
  readonly handle: (request: ApiRequest) => Promise<Response>;
}

/** The AWS home's rooms: what the laptop composes, over other adapters, without what runs on its machine. */
export function compose(ground: Ground, settings: Pick<Settings, "bucketName" | "images">): Composition {
  const stores = openStores(ground);
  const digest = makeDigest();
  const { files, places, lookups } = composeFiles(
    ground,
    stores,
    makePlaces({ isLaptop: false, hidden: [], urlMap: [] }),
  );
  const outputs = makeOutputRegistry({ ...ground, ...stores, files, digest });
  const environments = makeEnvironments({ ...stores, files, hasContainerEngine: true });
  const assets = composeAssets(ground, stores, { home: "aws", files, places, lookups, digest });
  const jobs = composeJobs(ground, stores, {
    files,
    environments,
    outputs,
    launchers: NO_LAUNCHERS,
    builder: makeBuilder(ground, settings, files),
  });
  const parts: readonly Part[] = [
    assets,
    {
      routes: refuseSome(jobs.routes ?? [], STARTS_MACHINES, "this AWS home has no computes to run jobs on yet", HINT),
    },
    composeTracking(ground, stores, { files }),
    composeGc(ground, stores),
    { routes: refuseAll(endpointRoutes(), "this AWS home has no hosts for online endpoints yet", HINT) },
  ];
  const handle = makeHandle(ground, stores, parts);
  const ready = once(async () => assets.start?.());
  return {
    async handle(request) {
      if (new URL(request.url).pathname !== "/health") {
        await ready().catch((error: unknown) => ground.log.fault("the home could not be made ready", error));
      }
      return toResponse(await handle(request));
    },
  };
}

function makeBuilder(ground: Ground, { images, bucketName }: Pick<Settings, "bucketName" | "images">, files: Files) {
  return lazyBuilder(async () => {
    if (images === undefined) throw new AppError("NotSupported", "this function makes no images");
    const { openImageBuilder } = await import("./images.ts");
    return openImageBuilder(ground, { settings: images, bucketName, files });
  });
}

function endpointRoutes() {
  return [...Object.values(onlineEndpoints), ...Object.values(onlineDeployments)];
}

/** Does a thing until it has succeeded once. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}
