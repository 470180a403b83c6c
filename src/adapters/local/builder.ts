import { spawn } from "node:child_process";
import type { EnvironmentSpec } from "../../contract/environments.ts";
import { AppError, ERRORS, type ErrorCode } from "../../contract/errors.ts";
import type { Builder, BuildResult } from "../../core/ports/builder.ts";
import { environmentForJobs } from "./launcher-env.ts";

export interface LocalBuilderOptions {
  /** The runner: a bundle, or its source. */
  readonly program: string;
  /** The home's folder: environments are in `envs/`, shared with jobs. */
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What the runner writes, one JSON a line: log text, and at last a result or an error. */
interface Line {
  readonly log?: string;
  readonly result?: BuildResult;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** Builds Python environments with the runner's own code, so that a job and a deployment of one spec share one environment. */
export function makeLocalBuilder(options: LocalBuilderOptions): Builder {
  return { build: (spec, onLog) => build(options, spec, onLog) };
}

function build(
  options: LocalBuilderOptions,
  spec: EnvironmentSpec,
  onLog: (text: string) => void,
): Promise<BuildResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.program, "build-environment"], {
      stdio: ["pipe", "pipe", "pipe"],
      env: environmentForJobs(options.env),
    });
    let rest = "";
    let said = "";
    let last: Line = {};
    const take = (text: string): void => {
      const line = parse(text);
      if (line === undefined) onLog(`${text}\n`);
      else if (line.log !== undefined) onLog(line.log);
      else last = line;
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") take(line);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2000);
      onLog(text);
    });
    child.stdin.on("error", () => undefined);
    child.on("error", (cause) => reject(failed(`the environment's builder can't be started: ${cause.message}`, cause)));
    child.on("close", (code, signal) => {
      if (rest !== "") take(rest);
      if (last.result !== undefined) return resolve(last.result);
      if (last.error !== undefined) return reject(errorOf(last.error));
      reject(
        failed(`the environment's builder ended without a word (${signal ?? `exit code ${code}`}): ${said.trim()}`),
      );
    });
    child.stdin.end(JSON.stringify({ spec, cacheDir: options.dataDir }));
  });
}

function parse(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}

function errorOf({ code, message, details }: NonNullable<Line["error"]>): AppError {
  return new AppError(code in ERRORS ? (code as ErrorCode) : "EnvironmentBuildFailed", message, details);
}

function failed(message: string, cause?: Error): AppError {
  return new AppError("EnvironmentBuildFailed", message, {}, cause === undefined ? undefined : { cause });
}
