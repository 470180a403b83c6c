import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./vitest.ts";

/** A program from PyPI in a virtual environment of its own below node_modules/.cache, installed on first use. Answers its path. */
export function pythonTool(name: string, requirement: string): string {
  const venv = join(root, "node_modules", ".cache", requirement.replace(/[^\w.-]/g, "_"));
  const program = join(venv, "bin", name);
  if (existsSync(program)) return program;
  console.error(`installing ${requirement} …`);
  mkdirSync(dirname(venv), { recursive: true });
  run("python3", ["-m", "venv", venv]);
  run(join(venv, "bin", "python"), ["-m", "pip", "install", "--quiet", requirement]);
  return program;
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status === 0) return;
  throw new Error(`\`${command} ${args.join(" ")}\` failed${error === undefined ? "" : `: ${error.message}`}`);
}
