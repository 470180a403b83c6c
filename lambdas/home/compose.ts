import { runOfEvent } from "../../src/adapters/aws/batch/event.ts";
import type { Copy, Outcome } from "../../src/adapters/aws/bus-consumer.ts";
import type { Topics } from "../../src/adapters/aws/topics.ts";
import { makePlaces } from "../../src/adapters/datastores/open.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import type { ApiRequest } from "../../src/api/raw-route.ts";
import type { Reply } from "../../src/api/reply.ts";
import { AppError } from "../../src/contract/errors.ts";
import type { Files } from "../../src/core/files/ports.ts";
import type { Builder } from "../../src/core/ports/builder.ts";
import type { Bus } from "../../src/core/ports/bus.ts";
import type { Host } from "../../src/core/ports/host.ts";
import type { Timer } from "../../src/core/ports/timer.ts";
import { freeWorkspaces } from "../../src/core/workspaces/delete-workspace.ts";
import { makeBusMover } from "../../src/home/bus-mover.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { composeFiles } from "../../src/home/compose-files.ts";
import { composeJobs, type Launchers } from "../../src/home/compose-jobs.ts";
import { composeTracking } from "../../src/home/compose-tracking.ts";
import { makeHandle } from "../../src/home/handle.ts";
import { TOPICS } from "../../src/home/job-topics.ts";
import { makeOutputRegistry } from "../../src/home/output-registry.ts";
import type { Ground, Part } from "../../src/home/part.ts";
import { openStores } from "../../src/home/stores.ts";
import { makeWatch } from "../../src/home/watch.ts";
import { openTurns } from "../../src/store/turns.ts";
import type { PlacesOf } from "../../src/store/workspace-storage.ts";
import type { BucketEars } from "./ears.ts";
import type { AwsGround } from "./ground.ts";
import {
  lazyBuilder,
  lazyBus,
  lazyCredentials,
  lazyEnvironments,
  lazyHost,
  lazyImageBook,
  lazyLauncher,
  lazyTimer,
  once,
} from "./lazy.ts";
import { lazyPart } from "./lazy-part.ts";
import { ROOMS } from "./rooms.ts";
import type { Settings } from "./settings.ts";

/** Jobs at once on machines of the home's choice (`local`, `serverless`). */
const SLOTS = 100;

export interface Composition {
  /** Answers a request; the first one waits until the home has what every home has. */
  readonly handle: (request: ApiRequest) => Promise<Reply>;
  /** Handles a message of the home's queue. */
  readonly consume: (copy: Copy) => Promise<Outcome>;
  /** Sends what became necessary meanwhile. Before a function ends; `handle` does it by itself. */
  readonly settle: () => Promise<void>;
}

type Told = Pick<Settings, "bucketName" | "images" | "queueUrl"> &
  Partial<Pick<Settings, "training" | "runner" | "lending" | "timers" | "serving" | "scoringUrl" | "hasOneEndpoint">>;

/** The AWS home's rooms: what the laptop composes, over other adapters, without what runs on its machine. */
export function compose(ground: Ground & Partial<Pick<AwsGround, "placesOf">>, settings: Told): Composition {
  const stores = openStores(ground);
  const digest = makeDigest();
  const { files, places, lookups } = composeFiles(
    ground,
    stores,
    makePlaces({ isLaptop: false, hidden: [], urlMap: [] }),
  );
  const outputs = makeOutputRegistry({ ...ground, ...stores, files, digest });
  const environments = lazyEnvironments(async () => {
    const { makeEnvironments } = await import("../../src/core/jobs/environments.ts");
    return makeEnvironments({ ...stores, files, hasContainerEngine: true });
  });
  const placesOf = ground.placesOf ?? (async () => undefined);
  const images = lazyImageBook(async () =>
    (await import("./image-book.ts")).openHomeBook(ground, { digest, placesOf }),
  );
  const assets = composeAssets(ground, stores, { home: "aws", files, places, lookups, digest, images });
  const bus = lazyBus(async () => (await import("./queue.ts")).openQueue(ground, settings.queueUrl));
  const turns = openTurns({ ...ground, newId: ground.ids.hex32 });
  const builder = makeBuilder(ground, settings, { files, placesOf });
  const mover = makeBusMover({
    ...ground,
    bus: withRounds(bus, async () => {
      await freeWorkspaces({ ...ground, ...stores }).catch((error: unknown) =>
        ground.log.fault("a deleted workspace could not be freed", error),
      );
      await resume().catch((error: unknown) => ground.log.fault("deployments could not be looked at", error));
    }),
    turns,
    runOf: (body) => runOfEvent(stores.starts.array, body),
  });
  const jobs = composeJobs(ground, stores, {
    files,
    environments,
    outputs,
    launchers: makeLaunchers(ground, settings, placesOf),
    builder,
    makeMover: mover.make,
    watch: noWatch(),
  });
  const resume = async () => (await endpoints.opened()).resume();
  const timer = makeTimer(ground, settings);
  const gc = lazyPart(bus, ROOMS.gc, async (messages) =>
    (await import("./gc.ts")).composeGc(ground, stores, { bus: messages, timer }),
  );
  const endpoints = lazyPart(bus, ROOMS.endpoints, async (messages) =>
    (await import("./endpoints.ts")).composeEndpoints(ground, stores, {
      files,
      environments,
      builder: makeServingBuilder(ground, settings, files, builder),
      host: makeHost(ground, settings),
      bus: messages,
      turns,
      scoringUrl: settings.scoringUrl ?? ground.address(),
    }),
  );
  const schedules = lazyPart(bus, ROOMS.schedules, async (messages) =>
    (await import("./compose-schedules.ts")).composeSchedules(ground, stores, {
      bus: messages,
      timer,
      files,
      digest,
      scheduledJobs: jobs.scheduledJobs,
      bucketName: settings.bucketName,
      hasOwnBucket: async (workspace) => (await placesOf(workspace))?.bucket !== undefined,
      ears: lazyEars(settings),
      topics: lazyTopics(settings),
    }),
  );
  const batchEndpoints = lazyPart(bus, ROOMS.batchEndpoints, async () => {
    const { composeBatchEndpoints } = await import("../../src/home/compose-batch-endpoints.ts");
    return composeBatchEndpoints(ground, stores, { digest, submit: jobs.submit });
  });
  const tracking = composeTracking(ground, stores, { files });
  const parts: readonly Part[] = [assets, jobs, schedules, tracking, gc, endpoints, batchEndpoints];
  const handle = makeHandle(ground, stores, parts);
  const ready = once(async () => assets.start?.());
  return {
    async handle(request) {
      if (new URL(request.url).pathname !== "/health") {
        await ready().catch((error: unknown) => ground.log.fault("the home could not be made ready", error));
      }
      const reply = await handle(request);
      // What was done is done: a message that was not sent is made up for by the next round.
      await mover.settle().catch((error: unknown) => ground.log.fault("jobs could not be nudged", error));
      return reply;
    },
    consume: (copy) => bus.consume(copy),
    settle: () => mover.settle(),
  };
}

/** A bus whose rounds also do what is due beside jobs. */
function withRounds(
  bus: Pick<Bus, "send" | "subscribe">,
  work: () => Promise<unknown>,
): Pick<Bus, "send" | "subscribe"> {
  return {
    send: (...args) => bus.send(...args),
    subscribe(topic, handler) {
      if (topic !== TOPICS.round) return bus.subscribe(topic, handler);
      bus.subscribe(topic, async (delivery) => {
        await handler(delivery);
        await work();
      });
    },
  };
}

/** Nobody waits in a function, which is paid for by the time: what another one changes would not wake it. */
function noWatch() {
  const watch = makeWatch();
  watch.close();
  return watch;
}

function makeBuilder(
  ground: Ground,
  { images, bucketName }: Told,
  others: { readonly files: Files; readonly placesOf: PlacesOf },
) {
  return lazyBuilder(async () => {
    if (images === undefined) throw new AppError("NotSupported", "this function makes no images");
    const { openImageBuilder } = await import("./images.ts");
    return openImageBuilder(ground, { settings: images, bucketName, ...others });
  });
}

function makeTimer(ground: Ground, { timers, queueUrl }: Told): Timer {
  return lazyTimer(async () => {
    if (timers === undefined) throw new AppError("NotSupported", "this function sets no timers");
    return (await import("./timers.ts")).openTimers(ground, { queueUrl, timers });
  });
}

function lazyEars({ timers }: Told): () => Promise<BucketEars> {
  return once(async () => {
    if (timers === undefined) throw new AppError("NotSupported", "this function hears no events");
    return (await import("./ears.ts")).openEars({ home: timers.group, queueArn: timers.queueArn });
  });
}

function lazyTopics({ timers }: Told): () => Promise<Topics> {
  return once(async () => {
    if (timers === undefined) throw new AppError("NotSupported", "this function knows no topics");
    return (await import("./topics.ts")).openHomeTopics({ home: timers.group, queueArn: timers.queueArn });
  });
}

function makeLaunchers(
  ground: Ground,
  { training, runner, lending, bucketName, hasOneEndpoint = false }: Told,
  placesOf: PlacesOf,
): Launchers {
  const batch = lazyLauncher({ types: ["local", "cluster"], needsImage: true }, async () => {
    if (training === undefined) throw new AppError("NotSupported", "this function starts no jobs");
    return (await import("./training.ts")).openLauncher(ground, training);
  });
  return {
    all: [batch],
    slots: SLOTS,
    ...(runner === undefined
      ? {}
      : { runnerProgram: async () => (await import("./training.ts")).signRunner(runner, hasOneEndpoint) }),
    ...(lending === undefined
      ? {}
      : {
          credentials: lazyCredentials(async () =>
            (await import("./lending.ts")).openCredentials(lending, bucketName, placesOf),
          ),
        }),
    // AWS Batch tells by its events.
    onEnded: () => undefined,
    close: () => undefined,
  };
}

function makeServingBuilder(
  ground: Ground,
  { serving, images, bucketName, hasOneEndpoint = false }: Told,
  files: Files,
  environments: Builder,
): Builder {
  return lazyBuilder(async () => {
    if (serving === undefined || images === undefined)
      throw new AppError("NotSupported", "this function makes no images of deployments");
    const options = { serving, images, bucketName, files, environments, hasOneEndpoint };
    return (await import("./serving.ts")).openServingBuilder(ground, options);
  });
}

function makeHost(ground: Ground, { serving }: Told): Host {
  return lazyHost(async () =>
    serving === undefined
      ? (await import("./deployment-logs.ts")).openHostReader(ground.table)
      : (await import("./serving.ts")).openLambdaHost(ground, serving),
  );
}
