import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Host, HostRequest, HostState } from "../../core/ports/host.ts";
import { writeFileAtomic } from "./files.ts";
import { hostHandle } from "./host-handle.ts";
import { readLogs } from "./host-logs.ts";
import { makeReplica, type Replica } from "./host-replica.ts";
import { environmentForJobs } from "./launcher-env.ts";
import { readJson } from "./read-json.ts";

export interface LocalHostOptions {
  /** The replica wrapper: a bundle, or its source. */
  readonly program: string;
  /** The home's folder; replicas have theirs in `serving/`. */
  readonly dataDir: string;
  readonly serverFile: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface LocalHost extends Host {
  /** Told of each replica set whose state is another than before. */
  onChanged(listener: (handle: string, state: HostState) => void): void;
  /** Stops looking after replicas and ends their processes; the next home of this folder starts them again. A home that is killed leaves them serving. */
  close(): Promise<void>;
}

/** `set.json` of a replica set's folder. */
interface SetFile {
  readonly request: HostRequest;
  /** Every replica has been ready at one time: from then on, what fails is started again for ever. */
  readonly wasHealthy: boolean;
  readonly stopping: boolean;
}

interface ReplicaSet {
  readonly handle: string;
  readonly folder: string;
  file: SetFile;
  readonly replicas: readonly Replica[];
  state: HostState;
}

const SET_FILE = "set.json";
/** While something is coming up, and when all is well. */
const BUSY_LOOK_MS = 20;
const CALM_LOOK_MS = 500;
/** What wrappers without requests need to end. */
const LEAST_DRAIN_MS = 3000;
/** How long a closing home waits for requests under way. */
const CLOSE_DRAIN_MS = 1500;
const STOP_LOOK_MS = 20;

/**
 * Runs replicas as processes of this machine, each in a session of its own: they outlive the server, are found again by what is in their
 * folders, and are started again when they die.
 */
export function openLocalHost(options: LocalHostOptions): LocalHost {
  const root = join(options.dataDir, "serving");
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const env = environmentForJobs(options.env);
  const sets = new Map<string, ReplicaSet>();
  const listeners = new Set<(handle: string, state: HostState) => void>();
  const waiting = new Map<string, Set<() => void>>();
  const stops = new Map<string, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  for (const name of readdirSync(root)) adopt(name);
  look();

  function adopt(handle: string): void {
    const folder = join(root, handle);
    const file = readJson<SetFile>(join(folder, SET_FILE));
    // A folder without its file was being made when the machine stopped; nothing was started in it.
    if (file === undefined) rmSync(folder, { recursive: true, force: true });
    else sets.set(handle, makeSet(handle, folder, file));
  }

  function makeSet(handle: string, folder: string, file: SetFile): ReplicaSet {
    const { request } = file;
    const replicas = Array.from({ length: request.instanceCount }, (_, index) =>
      makeReplica({
        program: options.program,
        folder: join(folder, String(index)),
        env,
        onEnded: () => lookSoon(0),
        request: {
          id: request.id,
          index,
          workspace: request.workspace,
          endpoint: request.endpoint,
          deployment: request.deployment,
          revision: request.revision,
          apiUrl: request.apiUrl,
          serverFile: options.serverFile,
          token: request.token,
          secret: request.secret,
          environmentRef: request.environmentRef,
          sharedFolder: join(folder, "shared"),
        },
      }),
    );
    return { handle, folder, file, replicas, state: { state: "starting", addresses: [] } };
  }

  function save(set: ReplicaSet, change: Partial<SetFile>): void {
    set.file = { ...set.file, ...change };
    writeFileAtomic(join(set.folder, SET_FILE), Buffer.from(JSON.stringify(set.file)));
  }

  function lookSoon(ms: number): void {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(look, ms);
  }

  function look(): void {
    let calm = true;
    for (const set of sets.values()) {
      try {
        if (refresh(set).state !== "healthy") calm = false;
      } catch {
        // A full disk or a folder taken away by hand: the next look may do better.
      }
    }
    lookSoon(calm ? CALM_LOOK_MS : BUSY_LOOK_MS);
  }

  /** Reads what the replicas say, starts those that are gone, tells listeners of a change. */
  function refresh(set: ReplicaSet): HostState {
    if (!set.file.stopping) for (const replica of set.replicas) replica.keepUp(set.file.wasHealthy);
    const state = judge(set);
    if (state.state === "healthy" && !set.file.wasHealthy) save(set, { wasHealthy: true });
    if (JSON.stringify(state) !== JSON.stringify(set.state)) {
      set.state = state;
      for (const wake of waiting.get(set.handle) ?? []) wake();
      for (const listener of listeners) listener(set.handle, state);
    }
    return state;
  }

  async function stopSet(set: ReplicaSet, drainSec: number): Promise<void> {
    save(set, { stopping: true });
    await endReplicas(set.replicas, Math.max(drainSec * 1000, LEAST_DRAIN_MS));
    rmSync(set.folder, { recursive: true, force: true, maxRetries: 5 });
    sets.delete(set.handle);
    stops.delete(set.handle);
    for (const wake of waiting.get(set.handle) ?? []) wake();
  }

  return {
    async start(request) {
      const handle = hostHandle(request);
      await stops.get(handle);
      if (!sets.has(handle)) {
        const folder = join(root, handle);
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const set = makeSet(handle, folder, { request, wasHealthy: false, stopping: false });
        save(set, {});
        sets.set(handle, set);
        refresh(set);
        lookSoon(BUSY_LOOK_MS);
      }
      return { handle };
    },
    async inspect(handle) {
      const set = sets.get(handle);
      return set === undefined
        ? { state: "gone", addresses: [], reason: "the host knows nothing of it" }
        : refresh(set);
    },
    changed(handle, timeoutMs) {
      return new Promise((resolve) => {
        const all = waiting.get(handle) ?? new Set();
        waiting.set(handle, all);
        const done = (): void => {
          clearTimeout(limit);
          all.delete(done);
          if (all.size === 0 && waiting.get(handle) === all) waiting.delete(handle);
          resolve();
        };
        const limit = setTimeout(done, timeoutMs);
        all.add(done);
      });
    },
    async stop(handle, drainSec) {
      const set = sets.get(handle);
      if (set !== undefined && !stops.has(handle)) stops.set(handle, stopSet(set, drainSec));
      await stops.get(handle);
      return "stopped";
    },
    async logs(handle, tailLines) {
      const set = sets.get(handle);
      return set === undefined
        ? ""
        : readLogs(
            set.replicas.map((replica) => replica.folder),
            tailLines,
          );
    },
    onChanged(listener) {
      listeners.add(listener);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await Promise.all([...stops.values()]);
      await endReplicas(
        [...sets.values()].flatMap((set) => set.replicas),
        CLOSE_DRAIN_MS,
      );
    },
  };
}

/** Asks replicas to end, and after `drainMs` makes them. */
async function endReplicas(replicas: readonly Replica[], drainMs: number): Promise<void> {
  for (const replica of replicas) replica.terminate();
  const end = performance.now() + drainMs;
  while (replicas.some((replica) => replica.alive()) && performance.now() < end) await pause(STOP_LOOK_MS);
  await Promise.all(replicas.map((replica) => replica.endAll()));
}

/** What the replicas amount to together. */
function judge({ file, replicas }: ReplicaSet): HostState {
  const seen = replicas.map((replica) => replica.seen());
  const addresses = seen.flatMap(({ address }) => (address === undefined ? [] : [address]));
  if (addresses.length === replicas.length && !file.stopping) return { state: "healthy", addresses };
  const reason = seen.find((one) => one.reason !== undefined)?.reason;
  const failed = seen.find((one) => one.failed);
  if (failed !== undefined && !file.wasHealthy) {
    return { state: "failed", addresses, reason: failed.reason ?? "a replica could not be started" };
  }
  const state = file.wasHealthy ? "unhealthy" : "starting";
  return { state, addresses, ...(reason === undefined ? {} : { reason }) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
