import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { Agent } from "node:http";
import type { ReplicaAssignment } from "../contract/endpoints.ts";
import { reasonOf, UNSERVABLE } from "./failure.ts";
import type { StatusFile } from "./folder.ts";
import type { Launch } from "./launch.ts";
import type { LogFile } from "./log-file.ts";
import { isHealthy } from "./probe.ts";

/** One run of the model server that answers. `agent` keeps connections to its socket. */
export interface Upstream {
  readonly socket: string;
  readonly agent: Agent;
}

export interface ModelServer {
  /** The server to send requests to; undefined while there is none that answers. */
  readonly upstream: Upstream | undefined;
  /** Keeps a model server running until `stop`. Resolves when it was stopped, or when it is hopeless (phase `failed`). */
  run(): Promise<void>;
  /** It broke off a request: nobody gets it again until it has answered a probe. */
  doubt(upstream: Upstream): void;
  /** Ends this run of the server, because of `reason`; another is started. */
  restart(reason: string): void;
  stop(): Promise<void>;
}

export interface ModelServerOptions {
  readonly plan: (files: { readonly socket: string; readonly failure: string }) => Launch;
  readonly probes: Pick<ReplicaAssignment, "readiness_probe" | "liveness_probe">;
  readonly places: number;
  /** Whether connections to the server's socket stay open between requests. */
  readonly keepAlive: boolean;
  readonly status: StatusFile;
  readonly log: LogFile;
  /** Requests under way: a busy single-threaded server can't answer a probe, and is alive all the same. */
  readonly busy: () => boolean;
}

const FAILURE = "failure.json";
const FIRST_TRIES = 3;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;
/** A run this long was a good one: the next failure starts the backoff anew. */
const STEADY_MS = 30_000;
const STOP_GRACE_MS = 1500;
const FIRST_PROBE_MS = 20;
const START_PROBE_MS = 250;

interface Run {
  readonly child: ChildProcess;
  readonly socket: string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly error?: Error }>;
  over: boolean;
  /** Why we ended it ourselves. */
  killedFor?: string;
}

export function makeModelServer(options: ModelServerOptions): ModelServer {
  const { status, log, probes } = options;
  let upstream: Upstream | undefined;
  let current: Run | undefined;
  let stopping = false;
  let wake: () => void = () => undefined;
  let count = 0;

  function start(): Run {
    count++;
    const socket = `m${count}.sock`;
    rmSync(socket, { force: true });
    rmSync(FAILURE, { force: true });
    const { command, args, cwd, env } = options.plan({ socket, failure: FAILURE });
    // A process group of its own, so that whatever it starts ends with it; standard input tells it that we live.
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    child.stdout.on("data", (chunk: Buffer) => log.output(chunk));
    child.stderr.on("data", (chunk: Buffer) => log.output(chunk));
    child.stdin.on("error", () => undefined);
    const ended = new Promise<Awaited<Run["ended"]>>((resolve) => {
      child.on("error", (error) => resolve({ code: null, signal: null, error }));
      child.on("exit", (code, signal) => resolve({ code, signal }));
    });
    const run: Run = { child, socket, ended, over: false };
    current = run;
    return run;
  }

  function kill(run: Run, signal: NodeJS.Signals): void {
    try {
      if (run.child.pid !== undefined) process.kill(-run.child.pid, signal);
    } catch {
      // The whole group is gone already.
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** True once the run answers; false when it ended first, or took longer than its probe allows. */
  async function becomesReady(run: Run, alive: () => boolean): Promise<boolean> {
    const { initial_delay, period, timeout, failure_threshold, success_threshold } = probes.readiness_probe;
    const limitMs = (initial_delay + period * failure_threshold) * 1000;
    const begun = performance.now();
    let successes = 0;
    for (let wait = FIRST_PROBE_MS; alive(); wait = Math.min(wait * 1.5, START_PROBE_MS)) {
      await Promise.race([pause(wait), run.ended]);
      successes = (await isHealthy(run.socket, timeout * 1000)) ? successes + 1 : 0;
      if (successes >= success_threshold) return alive();
      if (performance.now() - begun > limitMs) {
        run.killedFor = `the model server did not answer \`GET /\` with 200 within ${limitMs / 1000} s of its start (readiness probe)`;
        kill(run, "SIGKILL");
        return false;
      }
    }
    return false;
  }

  /** Probes until the run ends. */
  async function watch(run: Run, alive: () => boolean): Promise<void> {
    const { period, timeout, failure_threshold } = probes.liveness_probe;
    let failures = 0;
    while (alive()) {
      await Promise.race([pause(period * 1000), run.ended]);
      if (!alive()) return;
      const good = (await isHealthy(run.socket, timeout * 1000)) || options.busy();
      failures = good ? 0 : failures + 1;
      if (alive() && failures >= failure_threshold) {
        run.killedFor = `the model server did not answer \`GET /\` ${failures} times in a row (liveness probe)`;
        kill(run, "SIGKILL");
        return;
      }
    }
  }

  /** One run from start to end; answers why it ended and whether another may do better. */
  async function once(): Promise<{ readonly wasReady: boolean; readonly reason: string; readonly hopeless: boolean }> {
    const run = start();
    const gone = run.ended.then(() => {
      run.over = true;
    });
    const alive = (): boolean => !run.over && !stopping;
    const wasReady = await becomesReady(run, alive);
    let made: Upstream | undefined;
    if (wasReady) {
      made = { socket: run.socket, agent: new Agent({ keepAlive: options.keepAlive, maxSockets: options.places + 1 }) };
      upstream = made;
      status.set({ phase: "ready" });
      log.say("the model server answers");
      await watch(run, alive);
    }
    await gone;
    made?.agent.destroy();
    upstream = undefined;
    const ended = await run.ended;
    // What the server started must not outlive it.
    kill(run, "SIGKILL");
    rmSync(run.socket, { force: true });
    const reason = ended.error?.message ?? run.killedFor ?? reasonOf(ended, FAILURE, log.tail());
    return { wasReady, reason, hopeless: ended.code === UNSERVABLE || ended.error !== undefined };
  }

  return {
    get upstream() {
      return upstream;
    },
    async run() {
      let everReady = false;
      let backoff = FIRST_BACKOFF_MS;
      for (let tries = 1; !stopping; tries++) {
        if (!everReady) status.set({ phase: "starting" });
        const begun = performance.now();
        const { wasReady, reason, hopeless } = await once();
        if (stopping) return;
        everReady ||= wasReady;
        log.say(`the model server is gone: ${reason}`);
        if (!everReady && (hopeless || tries >= FIRST_TRIES)) {
          status.set({ phase: "failed", reason });
          return;
        }
        status.set({ phase: everReady ? "unhealthy" : "starting", reason });
        status.restarted();
        if (performance.now() - begun > STEADY_MS) backoff = FIRST_BACKOFF_MS;
        await pause(backoff);
        backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
      }
    },
    doubt(doubted) {
      if (upstream !== doubted) return;
      const run = current;
      upstream = undefined;
      const decide = (good: boolean): void => {
        // A run that has ended since is not brought back; the next one has another socket.
        if (run === undefined || run !== current || run.over || stopping) return;
        if (good || options.busy()) {
          upstream = doubted;
          return;
        }
        run.killedFor = "the model server broke off a request and does not answer `GET /`";
        kill(run, "SIGKILL");
      };
      isHealthy(doubted.socket, probes.liveness_probe.timeout * 1000).then(decide, () => decide(false));
    },
    restart(reason) {
      if (current === undefined) return;
      current.killedFor = reason;
      kill(current, "SIGKILL");
    },
    async stop() {
      stopping = true;
      wake();
      const run = current;
      if (run === undefined) return;
      run.child.stdin?.end();
      kill(run, "SIGTERM");
      const timer = setTimeout(() => kill(run, "SIGKILL"), STOP_GRACE_MS);
      await run.ended;
      clearTimeout(timer);
      kill(run, "SIGKILL");
    },
  };
}
