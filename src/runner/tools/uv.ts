import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import type { Python } from "./python.ts";
import { runTool } from "./run-tool.ts";

export interface FindUvOptions {
  readonly toolsDir: string;
  readonly python: Python;
  readonly onLog: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** `uv` on PATH, or a private copy in the tools folder, fetched with pip (and so with pip's own index settings) the first time. */
export async function findUv(options: FindUvOptions): Promise<string> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, "uv");
    if (folder !== "" && !folder.includes("/shims") && executable(path)) return path;
  }
  const own = join(options.toolsDir, "uv/bin/uv");
  if (executable(own)) return own;
  return install(options, own);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function install({ toolsDir, python, onLog, signal }: FindUvOptions, own: string): Promise<string> {
  mkdirSync(toolsDir, { recursive: true });
  const place = join(toolsDir, `uv-${process.pid}-${Date.now().toString(36)}`);
  onLog("getting the package installer uv\n");
  try {
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    let done: { code: number; output: string };
    if (python.hasPip) {
      done = await runTool(python.path, [...pip, "--target", place, "uv"], { signal });
    } else if (python.hasVenv) {
      done = await runTool(python.path, ["-m", "venv", place], { signal });
      if (done.code === 0) done = await runTool(join(place, "bin/python"), [...pip, "uv"], { signal });
    } else {
      throw new AppError(
        "EnvironmentBuildFailed",
        `Python ${python.version} at \`${python.path}\` has neither pip nor venv`,
        {
          hint: "install its venv package (Debian: python3-venv), or uv",
        },
      );
    }
    if (done.code !== 0 || !executable(join(place, "bin/uv"))) {
      throw new AppError("EnvironmentBuildFailed", "the package installer uv could not be installed with pip", {
        hint: "check pip's index settings and the network, or install uv yourself",
        log: done.output.slice(-4000),
      });
    }
    try {
      renameSync(place, join(toolsDir, "uv"));
    } catch (error) {
      // Another runner was quicker; its copy is as good.
      if (!existsSync(own)) throw error;
    }
    return own;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
