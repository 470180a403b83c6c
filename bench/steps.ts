import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type BenchHome, execute, openBenchHome, root, timed, yard } from "./home.ts";
import { median } from "./measure.ts";
import { forgetPeak, peakMb } from "./process-tree.ts";
import { installPeers, NOOP, openPeers, type Shape, type StepPeer } from "./step-peers.ts";

/** One figure: ours beside the peers'. */
interface Row {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly target: string;
}

type Side = Pick<StepPeer, "run" | "again" | "close"> & { readonly name: string };
/** Ours can also train and register a model for each of so many files. */
type Ours = Side & { readonly models: (count: number) => Promise<number> };

export const rowIds: readonly string[] = ["chain", "fan", "reused", "thousand", "models"];

const QUICK = process.env.TRAINYARD_BENCH_QUICK === "1";
const STEPS = QUICK ? 25 : 100;
const NODES = 1000;
const MODELS = QUICK ? 50 : 1000;
const ROUNDS = QUICK ? 1 : 3;
const BARE = 24;
const CORES = availableParallelism();

/** What a step costs beside its own process, whole commands from the shell; and what pipelines of many nodes cost. */
export async function table(only: readonly string[] = rowIds): Promise<{ text: string; json: unknown }> {
  const bin = await installPeers();
  const python = join(bin, "python");
  const home = await openHome(python);
  const peers = openPeers(bin);
  try {
    const ours = openOurs(home);
    const sides: readonly Side[] = [ours, ...peers];
    const rows: Row[] = [];
    for (const shape of ["chain", "fan"] as const) {
      if (only.includes(shape)) rows.push(await overhead(shape, sides, python));
    }
    if (only.includes("reused")) rows.push(await reused(sides));
    if (only.includes("thousand")) rows.push(...(await thousand(home, ours)));
    if (only.includes("models")) rows.push(await manyModels(ours, peers, python));
    const about = aboutOf(peers);
    return { text: textOf(rows, about), json: { ...about, rows } };
  } finally {
    for (const peer of peers) peer.close();
    await home.close();
  }
}

/** Its jobs use the same Python as the peers' steps, as many at once as there are processors. */
async function openHome(python: string): Promise<BenchHome> {
  const base = "import sys; print(getattr(sys, '_base_executable', None) or sys.executable)";
  process.env.TRAINYARD_JOB_PYTHON = execFileSync(python, ["-c", base], { encoding: "utf8" }).trim();
  const home = await openBenchHome();
  const { TRAINYARD_URL: url, TRAINYARD_TOKEN: token } = home.env;
  await fetch(`${url}/api/v1/workspaces/default/computes/local`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ type: "local", slots: CORES }),
  });
  return home;
}

function openOurs(home: BenchHome): Ours {
  let runs = 0;
  let folder = "";
  const command = (words: readonly string[] = []) => {
    const args = [yard, "job", "create", "--file", "pipeline.yml", "--stream", ...words];
    return timed(() => execute(process.execPath, args, { cwd: folder, env: home.env }));
  };
  return {
    name: "ours",
    async run(shape, steps) {
      folder = join(home.dir, `steps-${runs++}`);
      mkdirSync(join(folder, "src"), { recursive: true });
      // Another text each time, since what has run is not run again.
      writeFileSync(join(folder, "src", "noop.py"), `${NOOP}# ${runs}\n`);
      writeFileSync(join(folder, "pipeline.yml"), pipelineOf(shape, steps));
      return command();
    },
    again: () => command(),
    models(count) {
      folder = join(home.dir, `steps-${runs++}`);
      for (const name of ["src", "parts"]) mkdirSync(join(folder, name), { recursive: true });
      for (let i = 0; i < count; i++) writeFileSync(join(folder, "parts", `store-${i}.csv`), `units\n${i}\n`);
      writeFileSync(join(folder, "src", "noop.py"), `${NOOP}# ${runs}\n`);
      writeFileSync(join(folder, "pipeline.yml"), MANY_MODELS);
      return command();
    },
    close: () => {},
  };
}

const MANY_MODELS = `type: pipeline
settings: {default_compute: azureml:local}
inputs: {sales: {type: uri_folder, path: ./parts}}
jobs:
  train:
    command: python noop.py \${{outputs.model}}/weights
    code: src
    environment: {image: python}
    inputs: {part: {type: uri_file, path: ./parts/store-0.csv}}
    outputs: {model: {type: custom_model}}
  each:
    type: parallel_for
    body: train
    partitions: {of: "\${{parent.inputs.sales}}", input: part}
    models: {group: stores, output: model}
`;

/** Each peer runs as many steps side by side; none of them has a registry. */
async function manyModels(ours: Ours, peers: readonly StepPeer[], python: string): Promise<Row> {
  const bare = bareMs("fan", python);
  const perModel = (took: number): number => took / MODELS - bare;
  const own = perModel(await ours.models(MODELS));
  const others: Record<string, number> = {};
  for (const peer of peers) others[peer.name] = perModel(await peer.run("fan", MODELS));
  return { id: "models", name: `a model of ${MODELS}, registered`, unit: "ms", ours: own, peers: others, target: "-" };
}

function pipelineOf(shape: Shape, steps: number): string {
  const jobs = Array.from({ length: steps }, (_, i) => {
    const before =
      shape === "chain" && i > 0 ? `    inputs:\n      before: \${{parent.jobs.s${i - 1}.outputs.out}}\n` : "";
    // Else it would be the same as the step before, and not run again.
    const what = `    environment_variables: {STEP: "${i}"}\n`;
    return `  s${i}:\n    command: python noop.py \${{outputs.out}}/file\n    code: src\n    environment: {image: python}\n${what}${before}    outputs:\n      out: {type: uri_folder}\n`;
  });
  return `type: pipeline\nsettings: {default_compute: azureml:local}\njobs:\n${jobs.join("")}`;
}

/** Milliseconds a step beyond the bare processes', which run one after the other or as many at once as there are processors. */
async function overhead(shape: Shape, sides: readonly Side[], python: string): Promise<Row> {
  const raw: Record<string, number[]> = {};
  // The first of each is slower: environments are made, files come into memory.
  for (const side of sides) await side.run(shape, 3);
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const bare = bareMs(shape, python);
      const took = await side.run(shape, STEPS);
      raw[side.name] = [...(raw[side.name] ?? []), took / STEPS - bare];
    }
  }
  const { ours = Number.NaN, ...peers } = Object.fromEntries(
    Object.entries(raw).map(([name, values]) => [name, median(values)]),
  );
  const name = shape === "chain" ? `a step of a chain of ${STEPS}` : `a step of ${STEPS} side by side`;
  return { id: shape, name, unit: "ms", ours, peers, target: "25" };
}

function bareMs(shape: Shape, python: string): number {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-bench-bare-"));
  writeFileSync(join(folder, "noop.py"), NOOP);
  const atOnce = shape === "chain" ? 1 : CORES;
  const words = ["-P", String(atOnce), "-I", "{}", python, "noop.py", "{}"];
  const input = Array.from({ length: BARE }, (_, i) => `${i}\n`).join("");
  const start = performance.now();
  const { status } = spawnSync("xargs", words, { cwd: folder, input });
  const took = performance.now() - start;
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0) throw new Error("the bare steps could not be run by `xargs`");
  return took / BARE;
}

async function reused(sides: readonly Side[]): Promise<Row> {
  const took: Record<string, number> = {};
  for (const side of sides) {
    await side.run("chain", STEPS);
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await side.again());
    took[side.name] = median(rounds);
  }
  const { ours = Number.NaN, ...peers } = took;
  return { id: "reused", name: `all of ${STEPS} steps reused`, unit: "ms", ours, peers, target: "500" };
}

async function thousand(home: BenchHome, ours: Side): Promise<Row[]> {
  const pid = home.process.pid ?? 0;
  const before = peakMb(pid);
  forgetPeak(pid);
  const took = await ours.run("fan", NODES);
  const row = (name: string, unit: string, value: number, target: string): Row => ({
    id: "thousand",
    name: `${NODES} nodes: ${name}`,
    unit,
    ours: value,
    peers: {},
    target,
  });
  return [
    row("a step", "ms", took / NODES, "-"),
    row("state kept", "KB", largestState(home) / 1024, "400"),
    row("the home's memory at most", "MB", peakMb(pid), `flat; ${before.toFixed(0)} before`),
  ];
}

/** Bytes of the largest state that a composite job was decided by. */
function largestState(home: BenchHome): number {
  const [name = ""] = readdirSync(join(home.dir, "home")).filter((file) => file.endsWith(".db") && file !== "lock.db");
  const database = new DatabaseSync(join(home.dir, "home", name), { readOnly: true });
  try {
    const found = database
      .prepare("SELECT max(length(body) + coalesce(length(bytes), 0)) AS most FROM items WHERE sk = 'COORD'")
      .get();
    return Number(found?.most ?? Number.NaN);
  } finally {
    database.close();
  }
}

function aboutOf(peers: readonly StepPeer[]) {
  const [cpu] = cpus();
  return {
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
    node: process.version,
    peers: peers.map(({ name, version }) => `${name} ${version}`),
    machine: `${cpus().length} x ${cpu?.model ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    date: new Date().toISOString().slice(0, 10),
  };
}

function textOf(rows: readonly Row[], about: ReturnType<typeof aboutOf>): string {
  const lines = rows.map(({ name, unit, ours, peers, target }) => {
    const others = Object.entries(peers).map(
      ([peer, value]) => `${peer} ${value.toFixed(0)} (ours is ${(ours / value).toFixed(2)} x of it)`,
    );
    return `  ${name.padEnd(40)} ${ours.toFixed(1).padStart(8)} ${unit.padEnd(3)} target ${target.padEnd(6)} ${others.join(", ")}`;
  });
  return [
    `steps: ours (${about.commit}, Node ${about.node}) beside ${about.peers.join(", ")}; ${about.machine}; ${about.date}`,
    "  whole commands; a step's own process is taken off where a step is told",
    ...lines,
  ].join("\n");
}
