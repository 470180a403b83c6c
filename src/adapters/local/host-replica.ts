import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPLICA_FILES, REPLICA_MARKER, type ReplicaRequest, type ReplicaStatus } from "../../contract/replica.ts";
import { writeFileAtomic } from "./files.ts";
import { WRAPPER_OUTPUT } from "./host-logs.ts";
import { isSameProcess, processesWith, processStartTime, signalProcess } from "./process-table.ts";
import { readJson } from "./read-json.ts";

export interface ReplicaOptions {
  readonly program: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly request: ReplicaRequest;
  /** Told when the wrapper that this process started has ended. */
  readonly onEnded: () => void;
}

/** What is seen of a replica from outside. */
export interface Seen {
  /** Present while it answers. */
  readonly address?: string;
  readonly failed: boolean;
  readonly reason?: string;
}

export interface Replica {
  readonly folder: string;
  /** Starts the wrapper where there is none; one that failed only with `always`, and then less and less often. */
  keepUp(always: boolean): void;
  seen(): Seen;
  alive(): boolean;
  terminate(): void;
  /** Kills whatever of the replica still runs. Returns when nothing does. */
  endAll(): Promise<void>;
}

interface Note {
  readonly pid: number;
  readonly start_time?: string;
}

const NOTE_FILE = "launch.json";
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 60_000;
const STEADY_MS = 60_000;
const SWEEP_MS = 20;
const SWEEPS = 250;
/** A wrapper that ends so often before it says anything can't be started here. */
const MAX_DEATHS = 3;

/** One replica's wrapper process, in a folder of its own. */
export function makeReplica(options: ReplicaOptions): Replica {
  const { folder, request } = options;
  const marker = `${request.id}#${request.index}`;
  const notePath = join(folder, NOTE_FILE);
  let note = readJson<Note>(notePath);
  let backoff = FIRST_BACKOFF_MS;
  let nextTry = 0;
  let startedAt = performance.now();
  let deaths = 0;

  function alive(): boolean {
    return note !== undefined && isSameProcess(note.pid, note.start_time);
  }

  function status(): ReplicaStatus | undefined {
    const found = readJson<ReplicaStatus>(join(folder, REPLICA_FILES.status));
    return found?.pid === note?.pid ? found : undefined;
  }

  function start(): void {
    startedAt = performance.now();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // A wrapper that was killed may have left its model server, or be one that this server's predecessor could not note.
    for (const pid of processesWith(REPLICA_MARKER, marker)) signalProcess(pid, "SIGKILL");
    rmSync(join(folder, REPLICA_FILES.status), { force: true });
    writeFileAtomic(join(folder, REPLICA_FILES.request), Buffer.from(JSON.stringify(request)));
    const output = openSync(join(folder, WRAPPER_OUTPUT), "a", 0o600);
    try {
      const child = spawn(process.execPath, [options.program], {
        cwd: folder,
        detached: true,
        stdio: ["ignore", output, output],
        env: { ...options.env, [REPLICA_MARKER]: marker },
      });
      child.once("error", () => options.onEnded());
      child.once("exit", () => options.onEnded());
      child.unref();
      if (child.pid === undefined) return;
      const startTime = processStartTime(child.pid);
      note = { pid: child.pid, ...(startTime === undefined ? {} : { start_time: startTime }) };
      writeFileAtomic(notePath, Buffer.from(JSON.stringify(note)));
    } finally {
      closeSync(output);
    }
  }

  return {
    folder,
    alive,
    keepUp(always) {
      if (alive()) return;
      const now = performance.now();
      if (note === undefined && nextTry === 0) {
        nextTry = now + backoff;
        start();
        return;
      }
      if (!always && (status()?.phase === "failed" || deaths >= MAX_DEATHS)) return;
      if (now < nextTry) return;
      deaths++;
      backoff = now - startedAt > STEADY_MS ? FIRST_BACKOFF_MS : Math.min(backoff * 2, MAX_BACKOFF_MS);
      nextTry = now + backoff;
      start();
    },
    seen() {
      const now = status();
      if (now === undefined) {
        return deaths < MAX_DEATHS || alive()
          ? { failed: false }
          : { failed: true, reason: "the replica's process ends as soon as it is started; its log has more" };
      }
      const running = alive();
      const reason = now.reason ?? (running ? undefined : "its process ended; it is being started again");
      return {
        failed: now.phase === "failed",
        ...(reason === undefined ? {} : { reason }),
        ...(running && now.phase === "ready" && now.port !== undefined
          ? { address: `http://127.0.0.1:${now.port}` }
          : {}),
      };
    },
    terminate() {
      if (alive() && note !== undefined) signalProcess(note.pid, "SIGTERM");
    },
    async endAll() {
      for (let i = 0; i < SWEEPS; i++) {
        const left = [...(alive() && note !== undefined ? [note.pid] : []), ...processesWith(REPLICA_MARKER, marker)];
        if (left.length === 0) return;
        for (const pid of left) signalProcess(pid, "SIGKILL");
        await new Promise((resolve) => setTimeout(resolve, SWEEP_MS));
      }
    },
  };
}
