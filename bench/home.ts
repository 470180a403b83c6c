import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const yard = join(root, "dist", "yard.mjs");

/** A laptop home in a folder of its own, as `yard up` starts it. */
export interface BenchHome {
  readonly dir: string;
  /** Milliseconds from its command to `ready`. */
  readonly readyMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly process: ChildProcess;
  close(): Promise<void>;
}

/** Its folder goes with it, unless it is the caller's: a home closed and opened again has what it had. */
export async function openBenchHome(options: { readonly dir?: string } = {}): Promise<BenchHome> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "trainyard-bench-"));
  const start = performance.now();
  const child = spawn(process.execPath, [yard, "up", "--port", "0", "--data-dir", join(dir, "home")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  await new Promise<void>((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("ready")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`the home ended with ${code} before it was ready`)));
  });
  const readyMs = performance.now() - start;
  const server = JSON.parse(readFileSync(join(dir, "home", "server.json"), "utf8")) as { url: string; token: string };
  return {
    dir,
    readyMs,
    process: child,
    env: { ...process.env, TRAINYARD_URL: server.url, TRAINYARD_TOKEN: server.token, TRAINYARD_WORKSPACE: "default" },
    async close() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Runs a command to its end; its stdout. Throws with its stderr if it fails. */
export function execute(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${command} ${args.join(" ")} ended with ${code}: ${err}`)),
    );
  });
}

/** Milliseconds a function takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
