import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import type { RunnerReport } from "../../contract/runner.ts";
import type { Launcher, LaunchRequest, LaunchState } from "../../core/ports/launcher.ts";
import { readIfPresent } from "./files.ts";
import { environmentForJobs } from "./launcher-env.ts";
import { type Standby, startStandby } from "./launcher-standby.ts";
import { isSameProcess, processesWith, processStartTime, signalProcess } from "./process-table.ts";

/** Marks the runner of one attempt in the process table, with the attempt's folder: unlike its name, no other home of this machine has that. */
const RUNNER_MARKER = "TRAINYARD_RUNNER";
/** Marks what a job's command started, likewise; set by the runner. */
const ATTEMPT_MARKER = "TRAINYARD_FOLDER";
/** A standby that nobody needed for so long is let go. */
const STANDBY_MS = 10 * 60_000;
const SETTLE_MS = 50;

export interface LocalLauncherOptions {
  /** The runner: a bundle, or its source. */
  readonly program: string;
  /** The home's folder: work folders are in `runs/`, what attempts share in `envs/` and `tools/`. */
  readonly dataDir: string;
  readonly serverFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** Keep a started runner ready after the first job. */
  readonly standby: boolean;
  /** Told when a runner that this process started has ended. */
  readonly onEnded?: () => void;
}

export interface LocalLauncher extends Launcher {
  /** Ends the standby; runners of jobs go on. */
  close(): void;
}

/** Who runs an attempt, as this launcher noted it (`launch.json`) or the runner itself (`runner.json`). */
interface Runner {
  readonly pid: number;
  readonly startTime: string | undefined;
}

/** Runs attempts as processes of this machine, each in a session of its own, so that they outlive the server and are found again by what they leave in their folders. */
export function makeLocalLauncher(options: LocalLauncherOptions): LocalLauncher {
  const runsDir = join(options.dataDir, "runs");
  mkdirSync(runsDir, { recursive: true, mode: 0o700 });
  const env = environmentForJobs(options.env);
  let standby: Standby | undefined;
  let letGo: NodeJS.Timeout | undefined;

  function keepStandby(): void {
    if (!options.standby) return;
    standby ??= startStandby(options.program, env, () => options.onEnded?.());
    clearTimeout(letGo);
    letGo = setTimeout(() => {
      standby?.drop();
      standby = undefined;
    }, STANDBY_MS);
    letGo.unref();
  }

  const folderOf = (handle: string): string => join(runsDir, handle);

  async function start(request: LaunchRequest, handle: string): Promise<void> {
    const folder = folderOf(handle);
    const text = JSON.stringify({
      apiUrl: request.apiUrl,
      serverFile: options.serverFile,
      token: request.runToken,
      workspace: request.workspace,
      runId: request.runId,
      attemptId: request.attemptId,
      folder,
      cacheDir: options.dataDir,
      sameHost: true,
    });
    const ready = standby;
    standby = undefined;
    if (ready !== undefined) {
      // Noted before the request is given: a server that dies in between leaves a standby that ends by itself.
      noteRunner(folder, ready);
      if (await ready.give(text)) return;
    }
    spawnRunner(options, folder, { ...env, [RUNNER_MARKER]: folder, TRAINYARD_RUNNER_REQUEST: text });
  }

  return {
    types: ["local"],
    async launch(request) {
      const handle = handleOf(request.workspace, request.attemptId);
      const folder = folderOf(handle);
      try {
        const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
        if (isNew || !wasStarted(folder)) await start(request, handle);
      } catch (error) {
        throw wordSpawnError(error);
      }
      setTimeout(keepStandby, SETTLE_MS).unref();
      return { handle };
    },
    async inspect(handle) {
      const state = inspect(folderOf(handle));
      // A runner that was killed could not end its command.
      if (state.state === "gone") endStrays(folderOf(handle));
      return state;
    },
    async cancel(handle, graceSec) {
      const folder = folderOf(handle);
      const runner = readRunner(folder);
      const all = (): number[] => [
        ...(runner !== undefined && isSameProcess(runner.pid, runner.startTime) ? [runner.pid] : []),
        ...processesWith(RUNNER_MARKER, folder),
        ...processesWith(ATTEMPT_MARKER, folder),
      ];
      for (const pid of all()) signalProcess(pid, "SIGTERM");
      setTimeout(() => {
        for (const pid of all()) signalProcess(pid, "SIGKILL");
      }, graceSec * 1000).unref();
    },
    async cleanup(handle) {
      endStrays(folderOf(handle));
      rmSync(folderOf(handle), { recursive: true, force: true, maxRetries: 3 });
    },
    close() {
      clearTimeout(letGo);
      standby?.drop();
      standby = undefined;
    },
  };
}

/** Names of a workspace and an attempt (`<run>.<number>`) hold no dots of their own, so the pair reads back; a file name takes 255 bytes. */
export function handleOf(workspace: string, attemptId: string): string {
  const name = `${workspace}.${attemptId}`;
  if (name.length <= 200) return name;
  const number = attemptId.slice(attemptId.lastIndexOf("."));
  return `${name.slice(0, 150)}-${createHash("sha256").update(name).digest("hex").slice(0, 24)}${number}`;
}

/** Kills what the attempt's command left running. */
function endStrays(folder: string): void {
  for (const pid of processesWith(ATTEMPT_MARKER, folder)) signalProcess(pid, "SIGKILL");
}

/** True where a runner of this attempt is, or was, at work. One that died before it noted anything has done nothing. */
function wasStarted(folder: string): boolean {
  if (readIfPresent(join(folder, "runner.json")) !== undefined) return true;
  const noted = readNote(join(folder, "launch.json"));
  if (noted !== undefined && isSameProcess(noted.pid, noted.startTime)) return true;
  return processesWith(RUNNER_MARKER, folder).length > 0;
}

function spawnRunner(options: LocalLauncherOptions, folder: string, env: Record<string, string>): void {
  const output = openSync(join(folder, "runner.log"), "a", 0o600);
  try {
    const child = spawn(process.execPath, [options.program], {
      detached: true,
      stdio: ["ignore", output, output],
      env,
      cwd: folder,
    });
    child.once("error", () => undefined);
    child.once("exit", () => options.onEnded?.());
    child.unref();
    if (child.pid === undefined) {
      throw new AppError("Unavailable", "this machine can't start another process now", {
        hint: "end some programs; the job is tried again by itself",
      });
    }
    noteRunner(folder, { pid: child.pid, startTime: processStartTime(child.pid) });
  } finally {
    closeSync(output);
  }
}

/** Not flushed to disk: what a power cut takes from it, it takes from the runner too. */
function noteRunner(folder: string, runner: Runner): void {
  const { pid, startTime } = runner;
  const path = join(folder, "launch.json");
  writeFileSync(`${path}.new`, JSON.stringify({ pid, start_time: startTime }), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readNote(path: string): Runner | undefined {
  const note = readJson(path);
  if (note === undefined || typeof note.pid !== "number") return undefined;
  return { pid: note.pid, startTime: typeof note.start_time === "string" ? note.start_time : undefined };
}

function readRunner(folder: string): Runner | undefined {
  return readNote(join(folder, "runner.json")) ?? readNote(join(folder, "launch.json"));
}

function inspect(folder: string): LaunchState {
  const own = readNote(join(folder, "runner.json"));
  const runner = own ?? readNote(join(folder, "launch.json"));
  if (runner !== undefined && isSameProcess(runner.pid, runner.startTime)) {
    return { state: own === undefined ? "starting" : "running" };
  }
  const report = readJson(join(folder, "final.json"));
  if (report !== undefined) return { state: "exited", report: report as unknown as RunnerReport };
  if (runner === undefined && processesWith(RUNNER_MARKER, folder).length > 0) return { state: "starting" };
  const last = readIfPresent(join(folder, "runner.log"))?.toString("utf8").trim().slice(-1000) ?? "";
  const said = last === "" ? "" : `; its last words: ${last}`;
  return { state: "gone", reason: `its runner is not running any more (killed, or the machine restarted)${said}` };
}

function readJson(path: string): Record<string, unknown> | undefined {
  const bytes = readIfPresent(path);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function wordSpawnError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || error instanceof AppError) return error;
  const { code } = error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AppError(
      "StorageFull",
      "no room left for the job's folder",
      { hint: "free disk space" },
      { cause: error },
    );
  }
  if (code === "EAGAIN" || code === "ENOMEM" || code === "EMFILE" || code === "ENFILE") {
    return new AppError("Unavailable", `this machine can't start another process now (${code})`, {}, { cause: error });
  }
  return new AppError("Forbidden", `the job's runner can't be started: ${error.message}`, {}, { cause: error });
}
