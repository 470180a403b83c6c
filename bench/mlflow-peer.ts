import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execute, root } from "./home.ts";

export const MLFLOW_VERSION = "3.17.2";
/** uvicorn takes both for its loop and its parser where they are. */
const REQUIREMENTS = [`mlflow==${MLFLOW_VERSION}`, "uvloop", "httptools"];
const START_LIMIT_MS = 120_000;

export interface Peer {
  readonly port: number;
  /** Where its records and artifacts are. */
  readonly dir: string;
  readonly process: ChildProcess;
  /** Milliseconds from its command to its first answer. */
  readonly readyMs: number;
  close(): Promise<void>;
}

/** What the server keeps its records in: `mlflow.db` or `mlruns` of its folder. */
export type PeerStore = "sqlite" | "folder";

/** An MLflow server of PyPI as quick as it goes on one machine: two uvicorn workers with uvloop, no job runner, SQLite. */
export async function openMlflow(store: PeerStore = "sqlite"): Promise<Peer> {
  const program = await mlflowProgram();
  const dir = mkdtempSync(join(tmpdir(), "trainyard-bench-mlflow-"));
  const port = await freePort();
  const start = performance.now();
  const child = spawn(
    program,
    [
      ...[
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        "--workers",
        "2",
        "--uvicorn-opts",
        "--loop uvloop --log-level warning",
      ],
      ...[
        "--backend-store-uri",
        store === "sqlite" ? `sqlite:///${join(dir, "mlflow.db")}` : join(dir, "mlruns"),
        "--artifacts-destination",
        join(dir, "mlartifacts"),
      ],
    ],
    {
      cwd: dir,
      detached: true,
      stdio: ["ignore", "ignore", "ignore"],
      env: {
        ...process.env,
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
        MLFLOW_DISABLE_TELEMETRY: "true",
        ...(store === "folder" ? { MLFLOW_ALLOW_FILE_STORE: "true" } : {}),
      },
    },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  // The group: its workers outlive a master that is killed alone.
  const kill = () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  };
  process.once("exit", kill);
  const close = async () => {
    kill();
    await ended;
    process.off("exit", kill);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await answers(`http://127.0.0.1:${port}/health`, child);
  } catch (error) {
    await close();
    throw error;
  }
  return { port, dir, process: child, readyMs: performance.now() - start, close };
}

/** The program, of a virtual environment of its own. */
export async function mlflowProgram(): Promise<string> {
  return join(await install(), "bin", "mlflow");
}

/** Its virtual environment below node_modules/.cache, made on first use. */
async function install(): Promise<string> {
  const venv = join(root, "node_modules", ".cache", `mlflow-${MLFLOW_VERSION}-fast`);
  const done = join(venv, "installed");
  if (existsSync(done)) return venv;
  process.stderr.write(`installing MLflow ${MLFLOW_VERSION} …\n`);
  mkdirSync(dirname(venv), { recursive: true });
  rmSync(venv, { recursive: true, force: true });
  await execute("python3", ["-m", "venv", venv]);
  await execute(join(venv, "bin", "python"), ["-m", "pip", "install", "--quiet", ...REQUIREMENTS]);
  writeFileSync(done, "");
  return venv;
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS;
  while (performance.now() < limit) {
    if (child.exitCode !== null) throw new Error(`the MLflow server ended with ${child.exitCode}`);
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await delay(20);
  }
  throw new Error(`the MLflow server did not answer within ${START_LIMIT_MS} ms`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
