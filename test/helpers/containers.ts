import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { BOOTSTRAP } from "../../src/adapters/aws/batch/bootstrap.ts";

/** An attempt's three containers as processes over one folder, in the order AWS Batch keeps. */
export interface Containers {
  /** What the containers themselves wrote, for failures' sake. */
  readonly said: () => string;
  /** Exit codes, once all have ended; a container that was not started has none. */
  readonly ended: Promise<{ prepare: number | null; keeper?: number | null; user?: number | null }>;
}

/** The runner as one file, as it lies in the bucket. */
export async function bundleRunner(file: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "../../src/runner/main.ts")],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "error",
  });
}

export function startContainers(options: {
  readonly url: string;
  readonly code: string;
  readonly runnerFile: string;
  /** Folder for what a test looks up: `<container>.pid`. */
  readonly note: string;
}): Containers {
  const volume = mkdtempSync(join(tmpdir(), "trainyard-volume-"));
  const home = `${volume}-home`;
  mkdirSync(home);
  let said = "";
  const run = (name: string, [program = "", ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess => {
    const child = spawn(program, args, {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, TRAINYARD_VOLUME: volume, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    writeFileSync(join(options.note, `${name}.pid`), String(child.pid));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
    }
    return child;
  };
  const over = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  };

  const play = async () => {
    // In AWS the program comes with the token.
    copyFileSync(options.runnerFile, join(volume, "runner.mjs"));
    const bootstrap = [process.execPath, "--input-type=module", "-e", BOOTSTRAP];
    const prepare = await over(
      run("prepare", bootstrap, { TRAINYARD_URL: options.url, TRAINYARD_START: options.code }),
    );
    if (prepare !== 0) return { prepare };
    const keeper = run("keeper", [process.execPath, join(volume, "runner.mjs"), "keep", volume]);
    const user = run("user", ["/bin/sh", join(volume, "user.sh")]);
    const kept = await over(keeper);
    kill(user, "SIGKILL");
    return { prepare, keeper: kept, user: await over(user) };
  };
  const ended = play().finally(() => {
    rmSync(volume, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  });
  return {
    said: () => said,
    ended,
  };
}

/** All processes of a container. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid ?? 0), signal);
  } catch {
    // Gone already.
  }
}
