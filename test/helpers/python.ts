import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { uvVariables } from "../../src/runner/tools/pip-settings.ts";
import { findPython } from "../../src/runner/tools/python.ts";
import { findUv } from "../../src/runner/tools/uv.ts";
import { onceIn } from "./once.ts";

/** The real client, of the version whose surface is answered. */
export const MLFLOW_CLIENT = ["mlflow==3.17.2", "scikit-learn>=1.5"];

const CACHE = process.env.TRAINYARD_TEST_CACHE ?? join(tmpdir(), `trainyard-test-cache-${userInfo().uid}`);
const run = promisify(execFile);

/** The `python` of an environment with these packages; made once a machine and shared by all tests, also by two that begin at once. */
export async function pythonWith(packages: readonly string[]): Promise<string> {
  const place = join(CACHE, createHash("sha256").update(JSON.stringify(packages)).digest("hex").slice(0, 16));
  const python = join(place, "bin/python");
  mkdirSync(CACHE, { recursive: true, mode: 0o700 });
  await onceIn(place, () => make(place, python, packages));
  return python;
}

async function make(place: string, python: string, packages: readonly string[]): Promise<void> {
  rmSync(place, { recursive: true, force: true });
  const base = await findPython();
  const uv = await findUv({ toolsDir: join(CACHE, "tools"), python: base, onLog: () => undefined });
  const env = { ...process.env, ...uvVariables() };
  await run(uv, ["venv", "--quiet", "--python", base.path, place], { env });
  await run(uv, ["pip", "install", "--quiet", "--python", python, ...packages], { env, maxBuffer: 64 * 1024 * 1024 });
}

export interface PythonResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script that reports by printing; both outputs are kept. */
export function runPython(
  python: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<PythonResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, {
      env: { ...process.env, PYTHONWARNINGS: "ignore", PYTHONDONTWRITEBYTECODE: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...said }));
  });
}

/** What points the real client at a server, with nothing sent elsewhere. */
export function mlflowVariables(server: { readonly url: string; readonly token: string }): Record<string, string> {
  return {
    MLFLOW_TRACKING_URI: `${server.url}/w/default`,
    MLFLOW_TRACKING_TOKEN: server.token,
    MLFLOW_DISABLE_TELEMETRY: "true",
    DO_NOT_TRACK: "true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: "1",
    GIT_PYTHON_REFRESH: "quiet",
  };
}
