import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, makeTempDir } from "./ports.ts";

export interface MlflowServer {
  readonly url: string;
  dispose(): Promise<void>;
}

/** MLflow's own server of the environment of this `python`, on `m.db` and artifacts in a folder: a temporary one unless it is given. */
export async function startMlflow(python: string, folder?: string): Promise<MlflowServer> {
  const temporary = makeTempDir();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ["server", "--backend-store-uri", "sqlite:///m.db", "--host", "127.0.0.1", "--port", `${port}`];
  const child = spawn(join(dirname(python), "mlflow"), [...args, "--workers", "1"], {
    cwd: folder ?? temporary.path,
    env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: "true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false" },
    stdio: "ignore",
    detached: true,
  });
  const isUp = () =>
    fetch(`${url}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`MLflow's server ended with ${child.exitCode} before it was ready`);
    await delay(100);
  }
  return {
    url,
    async dispose() {
      if (child.pid !== undefined && child.exitCode === null) {
        const gone = once(child, "exit");
        process.kill(-child.pid, "SIGTERM");
        await gone;
      }
      temporary.remove();
    },
  };
}
