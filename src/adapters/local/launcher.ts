import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import type { RunnerReport } from "../../contract/runner.ts";
import type { Launcher, LaunchRequest, LaunchState } from "../../core/ports/launcher.ts";
import { readIfPresent } from "./files.ts";
import { environmentForJobs } from "./launcher-env.ts";
import { openRunnerPool, type Runner } from "./launcher-pool.ts";
import { isSameProcess, processesWith, signalProcess } from "./process-table.ts";

/** Marks what a job's command started, in the process table, with the attempt's folder: unlike its name, no other home of this machine has that. Set by the runner. */
const ATTEMPT_MARKER = "TRAINYARD_FOLDER";

export interface LocalLauncherOptions {
  /** The runner: a bundle, or its source. */
  readonly program: string;
  /** The home's folder: work folders are in `runs/`, what attempts share in `envs/` and `tools/`. */
  readonly dataDir: string;
  readonly serverFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** Keep runners for the next job, and one ready. */
  readonly standby: boolean;
  /** Told when a runner that this process started has ended before its attempt was over. */
  readonly onEnded?: () => void;
}

export interface LocalLauncher extends Launcher {
  /** Ends runners that wait; those of jobs go on. */
  close(): void;
}

/** Runs attempts as processes of this machine, each runner in a session of its own, so that they outlive the server and are found again by what they leave in their folders. */
export function makeLocalLauncher(options: LocalLauncherOptions): LocalLauncher {
  const runsDir = join(options.dataDir, "runs");
  mkdirSync(runsDir, { recursive: true, mode: 0o700 });
  const folderOf = (handle: string): string => join(runsDir, handle);
  const pool = openRunnerPool({
    program: options.program,
    env: environmentForJobs(options.env),
    spare: options.standby ? availableParallelism() : 0,
    onLost(handle, said) {
      if (said !== "") noteLastWords(folderOf(handle), said);
      options.onEnded?.();
    },
  });

  function requestLine(request: LaunchRequest, folder: string): string {
    return JSON.stringify({
      apiUrl: request.apiUrl,
      serverFile: options.serverFile,
      token: request.runToken,
      workspace: request.workspace,
      runId: request.runId,
      attemptId: request.attemptId,
      folder,
      cacheDir: options.dataDir,
      sameHost: true,
      ...(request.assignment === undefined ? {} : { assignment: request.assignment }),
    });
  }

  /** The attempt's runner, unless that has gone on to another attempt, and all that the command started. */
  function processesOf(handle: string): number[] {
    const folder = folderOf(handle);
    const own = readJson(join(folder, "runner.json"));
    const runner = own?.phase === "Done" ? undefined : readRunner(folder);
    const isIts = runner !== undefined && isSameProcess(runner.pid, runner.startTime);
    return [
      ...(isIts && !pool.isElsewhere(runner.pid, handle) ? [runner.pid] : []),
      ...processesWith(ATTEMPT_MARKER, folder),
    ];
  }

  return {
    types: ["local"],
    async launch(request) {
      const handle = handleOf(request.workspace, request.attemptId);
      const folder = folderOf(handle);
      try {
        const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
        if (isNew || !wasStarted(folder)) {
          await pool.give(handle, requestLine(request, folder), (runner) => noteRunner(folder, runner));
        }
      } catch (error) {
        throw wordSpawnError(error);
      }
      return { handle };
    },
    async inspect(handle) {
      const state = inspect(folderOf(handle));
      // A runner that was killed could not end its command.
      if (state.state === "gone") endStrays(folderOf(handle));
      return state;
    },
    async cancel(handle, graceSec) {
      pool.retire(handle);
      for (const pid of processesOf(handle)) signalProcess(pid, "SIGTERM");
      setTimeout(() => {
        for (const pid of processesOf(handle)) signalProcess(pid, "SIGKILL");
      }, graceSec * 1000).unref();
    },
    async cleanup(handle) {
      // A runner that came to its end has left nothing running.
      if (readJson(join(folderOf(handle), "runner.json"))?.phase !== "Done") endStrays(folderOf(handle));
      await rm(folderOf(handle), { recursive: true, force: true, maxRetries: 3 });
    },
    close: () => pool.close(),
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
  return noted !== undefined && isSameProcess(noted.pid, noted.startTime);
}

function noteLastWords(folder: string, said: string): void {
  try {
    writeFileSync(join(folder, "runner.log"), said, { mode: 0o600 });
  } catch {
    // Its folder was taken away.
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
  const own = readJson(join(folder, "runner.json"));
  const runner = readRunner(folder);
  const isThere = runner !== undefined && isSameProcess(runner.pid, runner.startTime);
  // A runner that is done may be at its next attempt.
  if (isThere && own?.phase !== "Done") return { state: own === undefined ? "starting" : "running" };
  const report = readJson(join(folder, "final.json"));
  if (report !== undefined) return { state: "exited", report: report as unknown as RunnerReport };
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
