import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { freePort, makeTempDir } from "../helpers/ports.ts";

const MAIN = join(import.meta.dirname, "emulator", "main.py");

/**
 * An AWS emulator on loopback, in a process of its own. `MINISTACK` names the program (PyPI: ministack); what it lacks is in `emulator/`.
 * What it says is appended to the file that `EMULATOR_LOG` names.
 */
export async function startMinistack(): Promise<{ readonly endpoint: string; readonly stop: () => Promise<void> }> {
  const port = await freePort();
  const folder = makeTempDir();
  const { EMULATOR_LOG } = process.env;
  const log = EMULATOR_LOG === undefined ? "ignore" : openSync(EMULATOR_LOG, "a");
  const python = join(dirname(process.env.MINISTACK ?? "ministack"), "python3");
  const child = spawn(python, [MAIN], {
    env: {
      ...process.env,
      // Functions and containers run on the Node that runs us.
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      EDGE_PORT: String(port),
      TRAINYARD_EMULATOR_DIR: folder.path,
    },
    stdio: ["ignore", log, log],
    detached: true,
  });
  let failed: Error | undefined;
  child.on("error", (error) => {
    failed = new Error(`the AWS emulator could not be started: ${error.message}; \`pip install ministack\` brings it`);
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const end = performance.now() + 90_000;
  while (!(await answers(endpoint))) {
    if (failed !== undefined) throw failed;
    if (performance.now() > end) throw new Error("the AWS emulator was not ready within 90 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    endpoint,
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      folder.remove();
    },
  };
}

/** Credentials of nobody; the emulator takes any. */
export const AWS = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/_ministack/health`, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}
