import type { AwsBus } from "../../src/adapters/aws/bus.ts";
import type { ImageBook } from "../../src/core/environment-assets/ports.ts";
import type { Environments } from "../../src/core/jobs/ports.ts";
import type { Builder } from "../../src/core/ports/builder.ts";
import type { Credentials } from "../../src/core/ports/credentials.ts";
import type { Host } from "../../src/core/ports/host.ts";
import type { Launcher } from "../../src/core/ports/launcher.ts";
import type { Objects } from "../../src/core/ports/objects.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import type { Table } from "../../src/core/ports/table.ts";
import type { Timer } from "../../src/core/ports/timer.ts";

/** Does a thing when it is first asked for, once; a failure is tried again. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => {
    done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}

/** A table whose adapter is loaded with the first call. */
export function lazyTable(open: () => Promise<Table>): Table {
  const opened = once(open);
  return {
    get: async (...args) => (await opened()).get(...args),
    batchGet: async (...args) => (await opened()).batchGet(...args),
    query: async (...args) => (await opened()).query(...args),
    transact: async (...args) => (await opened()).transact(...args),
  };
}

/** Objects whose adapter is loaded with the first call: a function that answers from records alone starts without it. */
export function lazyObjects(open: () => Promise<Objects>): Objects {
  const opened = once(open);
  return {
    put: async (...args) => (await opened()).put(...args),
    get: async (...args) => (await opened()).get(...args),
    head: async (...args) => (await opened()).head(...args),
    list: async (...args) => (await opened()).list(...args),
    delete: async (...args) => (await opened()).delete(...args),
    copy: async (...args) => (await opened()).copy(...args),
    compose: async (...args) => (await opened()).compose(...args),
    sign: async (...args) => (await opened()).sign(...args),
    // No object of this home is a file of the machine.
    localPath: () => undefined,
  };
}

/** Storage whose adapter is loaded with the first workspace that is to have its own. */
export function lazyStorage(open: () => Promise<Storage>): Storage {
  const opened = once(open);
  return {
    make: async (...args) => (await opened()).make(...args),
    check: async (...args) => (await opened()).check(...args),
    settle: async (...args) => (await opened()).settle(...args),
    free: async (...args) => (await opened()).free(...args),
  };
}

/** Environments whose rules are loaded with the first that is resolved. */
export function lazyEnvironments(open: () => Promise<Environments>): Environments {
  const opened = once(open);
  return { resolve: async (...args) => (await opened()).resolve(...args) };
}

/** States of images, whose rules are loaded with the first that is asked for. */
export function lazyImageBook(open: () => Promise<ImageBook>): ImageBook {
  const opened = once(open);
  return { stateOf: async (...args) => (await opened()).stateOf(...args) };
}

/** A builder whose adapter is loaded with the first image that is asked for. */
export function lazyBuilder(open: () => Promise<Builder>): Builder {
  const opened = once(open);
  return { build: async (...args) => (await opened()).build(...args) };
}

/** Credentials whose adapter is loaded with the first that are lent. */
export function lazyCredentials(open: () => Promise<Credentials>): Credentials {
  const opened = once(open);
  return { lend: async (...args) => (await opened()).lend(...args) };
}

/** A launcher whose adapter is loaded with the first attempt that is launched or looked at. */
export function lazyLauncher(about: Pick<Launcher, "types" | "needsImage">, open: () => Promise<Launcher>): Launcher {
  const opened = once(open);
  return {
    ...about,
    launch: async (...args) => (await opened()).launch(...args),
    async launchMany(array, requests) {
      const launcher = await opened();
      const handles = await launcher.launchMany?.(array, requests);
      return handles ?? Promise.all(requests.map(async (request) => (await launcher.launch(request)).handle));
    },
    inspect: async (...args) => (await opened()).inspect(...args),
    cancel: async (...args) => (await opened()).cancel(...args),
    cleanup: async (...args) => (await opened()).cleanup(...args),
  };
}

/** A host whose adapter is loaded with the first replica that is looked at. */
export function lazyHost(open: () => Promise<Host>): Host {
  const opened = once(open);
  return {
    start: async (...args) => (await opened()).start(...args),
    inspect: async (...args) => (await opened()).inspect(...args),
    changed: async (...args) => (await opened()).changed(...args),
    stop: async (...args) => (await opened()).stop(...args),
    logs: async (...args) => (await opened()).logs(...args),
  };
}

/** A bus whose adapter is loaded with the first message. */
export function lazyBus(open: () => Promise<AwsBus>): Pick<AwsBus, "send" | "subscribe" | "consume"> {
  const handlers: Parameters<AwsBus["subscribe"]>[] = [];
  const opened = once(async () => {
    const bus = await open();
    for (const each of handlers) bus.subscribe(...each);
    return bus;
  });
  return {
    send: async (...args) => (await opened()).send(...args),
    subscribe: (...args) => void handlers.push(args),
    consume: async (copy) => (await opened()).consume(copy),
  };
}

/** A timer whose adapter is loaded with the first that is set. */
export function lazyTimer(open: () => Promise<Timer>): Timer {
  const opened = once(open);
  return {
    set: async (...args) => (await opened()).set(...args),
    cancel: async (...args) => (await opened()).cancel(...args),
  };
}
