import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeClient } from "../../client/client.ts";
import { pause } from "../../client/retry.ts";
import { AppError } from "../../contract/errors.ts";
import type { Io } from "../io.ts";
import { endGroup, freePort, spawnTied } from "../programs.ts";

const READY_MS = 120_000;
const WORDS_KEPT = 4000;

/** What a folder or a database file is served from; undefined for the address of a server. */
export function localStore(uri: string, cwd: string): { readonly store: string; readonly folder: string } | undefined {
  if (/^https?:/i.test(uri)) return undefined;
  const file = /^sqlite:\/\/\/(.+)$/.exec(uri)?.[1];
  if (file === undefined && /^[a-z][a-z0-9+.-]+:/i.test(uri) && !/^file:/i.test(uri)) {
    if (/^(postgresql|mysql|mssql)/.test(uri)) return { store: uri, folder: cwd };
    throw new AppError("InvalidArgument", `\`${uri}\` is not an MLflow server, folder or database`, {
      hint: "an http(s) address, an `mlruns` folder, a .db file, or a database URI that MLflow takes",
    });
  }
  const path = resolve(cwd, file ?? uri.replace(/^file:(\/\/)?/i, ""));
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new AppError("NotFound", `there is no folder or file \`${path}\``);
  // Relative artifact locations are meant from beside the store.
  return { store: found.isDirectory() ? path : `sqlite:///${path}`, folder: dirname(path) };
}

/** Starts the user's own `mlflow` over the store, on a free port of this machine, for as long as `work` takes. */
export async function withLocalMlflow<T>(
  io: Pick<Io, "env" | "signal">,
  program: string,
  local: { readonly store: string; readonly folder: string },
  work: (url: string) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    "server",
    "--backend-store-uri",
    local.store,
    "--host",
    "127.0.0.1",
    "--port",
    String(port),
    "--workers",
    "1",
  ];
  const child = spawnTied(program, args, {
    cwd: local.folder,
    env: {
      ...process.env,
      ...io.env,
      MLFLOW_ALLOW_FILE_STORE: "true",
      MLFLOW_DISABLE_TELEMETRY: "true",
      // Else eight more processes start with it, for evaluations.
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-WORDS_KEPT);
    });
  try {
    await once(child, "spawn");
    await ready(child, url, io.signal, program, () => said);
    return await work(url);
  } finally {
    await endGroup(child);
  }
}

async function ready(
  child: ChildProcess,
  url: string,
  signal: AbortSignal,
  program: string,
  words: () => string,
): Promise<void> {
  const probe = makeClient({ url, retry: { attempts: 1 } });
  const until = performance.now() + READY_MS;
  for (;;) {
    if (child.exitCode === 126 || child.exitCode === 127)
      throw new AppError(
        "NotFound",
        `a folder or database is read by MLflow itself, and \`${program}\` can't be started`,
        { hint: "`pip install mlflow`, or name the program: `--mlflow path/to/mlflow`" },
      );
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > until)
      throw new AppError("Unavailable", "MLflow's own server did not start", { mlflow: words().trim() });
    try {
      await (await probe.raw("/health", { signal })).text();
      return;
    } catch {
      await pause(200, signal);
    }
  }
}
