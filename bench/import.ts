import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { ImportReport } from "../src/client/import-mlflow/tally.ts";
import { startServer, type TestServer } from "../test/helpers/server.ts";
import { root, timed } from "./home.ts";
import { type Contents, contentsOf, differences } from "./import-contents.ts";
import { fill } from "./import-source.ts";
import { MLFLOW_VERSION, mlflowProgram, openMlflow, type Peer, type PeerStore } from "./mlflow-peer.ts";
import { cpuMs } from "./process-tree.ts";

/**
 * `node bench/import.ts`: moves an MLflow server into ours and compares all of both. First with interruptions - SIGKILL of the import, of our server, of
 * the import again - then whole, into a new home. `--from sqlite|folder` hands the import the database or the folder instead of the address.
 */
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    points: { type: "string", default: "100" },
    from: { type: "string", default: "server" },
  },
});
const RUNS = Number(values.runs);
const POINTS = Number(values.points);

interface Move {
  readonly code: number | null;
  readonly seconds: number;
  readonly peakMb: number;
  readonly report: ImportReport | undefined;
  readonly said: string;
}

const say = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

interface Running {
  /** SIGKILL. */
  stop(): Promise<void>;
  readonly isOver: () => boolean;
  /** Its standard error so far. */
  readonly said: () => string;
}

/** One `yard import mlflow` in a process of its own; `until` says when it is killed. */
async function move(home: TestServer, uri: string, until?: (running: Running) => Promise<void>): Promise<Move> {
  const args = [
    join(root, "src/cli/main.ts"),
    "import",
    "mlflow",
    uri,
    "-o",
    "json",
    "--mlflow",
    await mlflowProgram(),
  ];
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TRAINYARD_URL: home.url(), TRAINYARD_TOKEN: home.token() },
  });
  const ended = once(child, "exit");
  let out = "";
  let said = "";
  let peakMb = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const watching = setInterval(() => {
    peakMb = Math.max(peakMb, peakMbOf(child.pid ?? 0));
  }, 200);
  await until?.({
    isOver: () => child.exitCode !== null || child.signalCode !== null,
    said: () => said,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  });
  await ended;
  clearInterval(watching);
  const report = out.startsWith("{") ? (JSON.parse(out) as ImportReport) : undefined;
  return { code: child.exitCode, seconds: (performance.now() - started) / 1000, peakMb, report, said };
}

function peakMbOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Runs that the home holds now. */
async function runsAt(home: TestServer): Promise<number> {
  const headers = { authorization: `Bearer ${home.token()}`, "content-type": "application/json" };
  const post = async (path: string, body: object) => {
    const sent = { method: "POST", headers, body: JSON.stringify(body) };
    return (await (await fetch(`${home.url()}/w/default/api/2.0/mlflow/${path}`, sent)).json()) as {
      experiments?: { experiment_id: string }[];
      runs?: unknown[];
    };
  };
  const { experiments = [] } = await post("experiments/search", { max_results: 1000, view_type: "ALL" });
  const experiment_ids = experiments.map((experiment) => experiment.experiment_id);
  return (await post("runs/search", { experiment_ids, max_results: 50_000, run_view_type: "ALL" })).runs?.length ?? 0;
}

async function reach(home: TestServer, share: number, running: Running): Promise<number> {
  for (;;) {
    const runs = await runsAt(home);
    if (runs >= share * RUNS) return runs;
    if (running.isOver())
      throw new Error(`the import ended at ${runs} runs, before it was killed: ${running.said().trim()}`);
    await delay(100);
  }
}

async function interrupted(home: TestServer, uri: string): Promise<Move> {
  await move(home, uri, async (running) => {
    const runs = await reach(home, 0.2, running);
    await running.stop();
    say(`import killed at ${runs} runs`);
  });
  const broken = await move(home, uri, async (running) => {
    const runs = await reach(home, 0.5, running);
    await home.kill();
    say(`our server killed at ${runs} runs`);
  });
  say(`  the import ended with ${broken.code}: ${broken.said.trim().split("\n").at(-1) ?? ""}`);
  await home.start();
  await move(home, uri, async (running) => {
    const runs = await reach(home, 0.8, running);
    await running.stop();
    say(`import killed at ${runs} runs`);
  });
  return move(home, uri);
}

/** Prints one move; true if all of it is there and the same. */
async function told(name: string, moved: Move, home: TestServer, source: Contents): Promise<boolean> {
  const here = await contentsOf(`${home.url()}/w/default`, home.token());
  const found = differences(source, here);
  const { report } = moved;
  say(
    `${name}: ${moved.seconds.toFixed(1)} s, peak of the import ${moved.peakMb.toFixed(0)} MB, exit code ${moved.code}`,
  );
  say(`  its own report: ${report?.verified === true ? "verified" : JSON.stringify(report?.problems ?? moved.said)}`);
  say(`  compared from outside: ${found.length === 0 ? "equal counts and checksums" : found.join("; ")}`);
  return found.length === 0 && report?.verified === true && moved.code === 0;
}

async function main(): Promise<boolean> {
  const store: PeerStore = values.from === "folder" ? "folder" : "sqlite";
  const peer = await openMlflow(store);
  const url = `http://127.0.0.1:${peer.port}`;
  try {
    say(`MLflow ${MLFLOW_VERSION} (${store}): ${RUNS} runs of ${POINTS} points`);
    say(`filled in ${seconds(await timed(() => fill(url, { runs: RUNS, points: POINTS })))}`);
    const source = await contentsOf(url);
    for (const [kind, { count, sha256 }] of Object.entries(source))
      say(`  ${kind.padEnd(16)} ${String(count).padStart(8)}  ${sha256.slice(0, 16)}`);
    const uri =
      values.from === "server"
        ? url
        : store === "folder"
          ? join(peer.dir, "mlruns")
          : `sqlite:///${join(peer.dir, "mlflow.db")}`;
    return (await broken(uri, source)) && (await whole(uri, source, peer));
  } finally {
    await peer.close();
  }
}

async function broken(uri: string, source: Contents): Promise<boolean> {
  const home = await startServer();
  try {
    return await told("interrupted three times, the last go", await interrupted(home, uri), home, source);
  } finally {
    await home.dispose();
  }
}

async function whole(uri: string, source: Contents, peer: Peer): Promise<boolean> {
  const home = await startServer();
  try {
    const [ours, theirs] = [cpuMs(home.pid()), cpuMs(peer.process.pid ?? 0)];
    const first = await move(home, uri);
    const [oursAfter, theirsAfter] = [cpuMs(home.pid()), cpuMs(peer.process.pid ?? 0)];
    const ok = await told("whole", first, home, source);
    say(`  ${(RUNS / first.seconds).toFixed(1)} runs/s, ${((RUNS * POINTS) / first.seconds).toFixed(0)} points/s`);
    say(`  processor time: our server ${seconds(oursAfter - ours)}, MLflow's ${seconds(theirsAfter - theirs)}`);
    say(`  peak of our server ${peakMbOf(home.pid()).toFixed(0)} MB`);
    const again = await move(home, uri);
    const copied = Object.values(again.report?.counts ?? {}).reduce((sum, counts) => sum + counts.copied, 0);
    return (await told("again", again, home, source)) && copied === 0 && ok;
  } finally {
    await home.dispose();
  }
}

process.exitCode = (await main()) ? 0 : 1;
