import { spawn } from "node:child_process";
import type { EnvironmentSpec } from "../../contract/environments.ts";
import { AppError, ERRORS, type ErrorCode } from "../../contract/errors.ts";
import type { Builder, BuildReady } from "../../core/ports/builder.ts";

export interface LocalBuilderOptions {
  /** The runner: a bundle, or its source. It builds for jobs and for this builder alike, and they share what is built. */
  readonly program: string;
  /** The home's folder: environments are in `envs/`, tools in `tools/`. */
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Builds Python environments in a process of their own, so that a server that stops or a build that hangs does no harm to the other. */
export function makeLocalBuilder(options: LocalBuilderOptions): Builder {
  return { build: ({ spec }, onLog) => build(options, spec, onLog) };
}

function build(
  options: LocalBuilderOptions,
  spec: EnvironmentSpec,
  onLog: (text: string) => void,
): Promise<BuildReady> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.program, "build-environment"], {
      stdio: ["pipe", "pipe", "pipe"],
      env: options.env,
    });
    let pending = "";
    let complaint = "";
    let answer: BuildReady | AppError | undefined;
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (pending + chunk).split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) {
        const read = readLine(line);
        if (typeof read === "string") onLog(read);
        else answer = read ?? answer;
      }
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      complaint = (complaint + chunk).slice(-4000);
    });
    child.stdin.on("error", () => undefined);
    child.on("error", (cause) =>
      reject(failed(spec, `the builder cannot be started: ${cause.message}`, complaint, cause)),
    );
    child.on("close", (code, signal) => {
      if (answer instanceof AppError) reject(answer);
      else if (answer !== undefined) resolve(answer);
      else reject(failed(spec, `the builder ended early (${signal ?? `exit code ${code}`})`, complaint));
    });
    child.stdin.end(JSON.stringify({ spec, cacheDir: options.dataDir }));
  });
}

function failed(spec: EnvironmentSpec, reason: string, log: string, cause?: Error): AppError {
  return new AppError("EnvironmentBuildFailed", `environment \`${spec.label}\`: ${reason}`, { log }, { cause });
}

interface WireLine {
  readonly log?: string;
  readonly result?: Omit<BuildReady, "state">;
  readonly error?: { readonly code: string; readonly message: string; readonly details: Record<string, unknown> };
}

/** Log text, the result, or the failure; undefined for a line that is none of them. */
function readLine(line: string): string | BuildReady | AppError | undefined {
  let value: WireLine;
  try {
    value = JSON.parse(line) as WireLine;
  } catch {
    return undefined;
  }
  if (value.log !== undefined) return value.log;
  if (value.result !== undefined) {
    const { hash, ref, cached } = value.result;
    return { state: "ready", hash, ref, cached };
  }
  if (value.error === undefined) return undefined;
  const { code, message, details } = value.error;
  return new AppError(code in ERRORS ? (code as ErrorCode) : "EnvironmentBuildFailed", message, details);
}
