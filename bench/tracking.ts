import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type BenchHome, openBenchHome, root } from "./home.ts";
import { load, type Target } from "./http-load.ts";
import { median } from "./measure.ts";
import { newExperiment } from "./mlflow-calls.ts";
import { MLFLOW_VERSION, openMlflow } from "./mlflow-peer.ts";
import { cpuMs, forgetPeak, peakMb, residentMb } from "./process-tree.ts";
import { fillHome, fillMlflow, makeRuns } from "./tracking-fill.ts";
import { type Filled, type Goal, PATHS, type Path } from "./tracking-paths.ts";

/** Of one path on one server: ms of an operation or a rate, server CPU an operation, and how far its memory rose meanwhile. */
interface Figures {
  readonly value: number;
  readonly cpuMs?: number;
  readonly growthMb?: number;
  /** Calls that were answered with 503 and sent again, of all rounds. */
  readonly retries?: number;
}

type Sides<T> = { readonly ours: T; readonly mlflow: T };

interface Row extends Sides<Figures> {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  /** Times that ours is better; of CPU too where it was counted. */
  readonly times: number;
  readonly cpuTimes?: number;
  readonly goal: Goal;
  readonly isMet: boolean;
}

interface Side {
  readonly filled: Filled;
  readonly pid: number;
}

const FEW = 10_000;
const MANY = 100_000;
const STARTS = 3;
/** One round, and few operations: for a look, or a machine that others use. */
const QUICK = process.env.TRAINYARD_BENCH_QUICK === "1";
/** Rows that are no path: taken before and after all of them. */
const READY = "ready";
const MEMORY = "memory";

export const rowIds: readonly string[] = [READY, ...PATHS.map(({ id }) => id), MEMORY];

/** Both servers at once, measured in turn, the order flipped each round: a drifting machine hurts both alike. */
export async function table(only: readonly string[] = rowIds): Promise<{ text: string; json: unknown }> {
  const paths = PATHS.filter(({ id }) => only.includes(id));
  const closers: (() => Promise<void> | void)[] = [];
  try {
    const dir = mkdtempSync(join(tmpdir(), "trainyard-bench-tracking-"));
    closers.push(() => rmSync(dir, { recursive: true, force: true }));
    const readyMs: number[] = [];
    for (let i = 1; i < STARTS; i++) {
      const trial = await openBenchHome();
      readyMs.push(trial.readyMs);
      await trial.close();
    }
    const peer = await openMlflow();
    closers.push(() => peer.close());
    const peerTarget: Target = { port: peer.port, prefix: "", token: undefined };

    const home = await filledHome(dir, only.includes("search-100k"), readyMs);
    closers.push(() => home.close());
    say(`filling MLflow with ${FEW} runs`);
    const database = join(peer.dir, "mlflow.db");
    const sides: Sides<Side> = {
      ours: { filled: home.filled, pid: home.process.pid ?? 0 },
      mlflow: {
        filled: {
          target: peerTarget,
          few: await fillPeer(peerTarget, database, FEW),
          many: once(() => fillPeer(peerTarget, database, MANY)),
        },
        pid: peer.process.pid ?? 0,
      },
    };
    const idleMb = { ours: residentMb(sides.ours.pid), mlflow: residentMb(sides.mlflow.pid) };
    const rows: Row[] = [];
    if (only.includes(READY)) rows.push(plainRow(READY, "ready to serve", "ms", median(readyMs), peer.readyMs, 1000));
    for (const path of paths) {
      say(path.name);
      rows.push(await rowOf(path, sides));
    }
    if (only.includes(MEMORY)) {
      const { ours, mlflow } = { ours: residentMb(sides.ours.pid), mlflow: residentMb(sides.mlflow.pid) };
      rows.push(plainRow(MEMORY, "resident at the end", "MB", ours, mlflow, 250));
    }
    const about = { ...versions(), isQuick: QUICK, idleMb };
    return { text: textOf(rows, about), json: { ...about, rows } };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function say(what: string): void {
  process.stderr.write(`  ${what} …\n`);
}

export function targetOf(home: BenchHome): Target {
  const url = new URL(home.env.TRAINYARD_URL ?? "");
  return { port: Number(url.port), prefix: "/w/default", token: home.env.TRAINYARD_TOKEN };
}

/** A home that has its runs already when it starts. */
async function filledHome(dir: string, withMany: boolean, readyMs: number[]): Promise<BenchHome & { filled: Filled }> {
  const empty = await openBenchHome({ dir });
  readyMs.push(empty.readyMs);
  const few = await newExperiment(targetOf(empty), "few");
  const many = await newExperiment(targetOf(empty), "many");
  await empty.close();
  say(`filling ours with ${FEW}${withMany ? ` and ${MANY}` : ""} runs`);
  await fillHome(join(dir, "home"), few, makeRuns(FEW));
  if (withMany) await fillHome(join(dir, "home"), many, makeRuns(MANY));
  const home = await openBenchHome({ dir });
  return { ...home, filled: { target: targetOf(home), few, many: async () => many } };
}

async function fillPeer(target: Target, database: string, count: number): Promise<string> {
  const id = await newExperiment(target, `of ${count} runs`);
  fillMlflow(database, id, makeRuns(count));
  return id;
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

async function rowOf(path: Path, sides: Sides<Side>): Promise<Row> {
  const raw: Record<keyof Sides<Side>, Figures[]> = { ours: [], mlflow: [] };
  for (let round = 0; round < (QUICK ? 1 : Math.max(path.ours.rounds, path.mlflow.rounds)); round++) {
    const order = ["mlflow", "ours"] as const;
    for (const name of round % 2 === 0 ? order : order.toReversed()) {
      const { rounds, count } = path[name];
      const some = Math.max(path.clients, Math.ceil(count / (name === "ours" ? 2 : 6)));
      if (round < rounds) raw[name].push(await figuresOf(path, QUICK ? some : count, sides[name]));
    }
  }
  const [ours, mlflow] = [middle(raw.ours), middle(raw.mlflow)];
  const times = path.by === "rate" ? ours.value / mlflow.value : mlflow.value / ours.value;
  const cpuTimes = (mlflow.cpuMs ?? 0) / (ours.cpuMs ?? 0);
  const { goal } = path;
  const isMet =
    (goal.value === undefined || (path.by === "rate" ? ours.value >= goal.value : ours.value <= goal.value)) &&
    times >= (goal.times ?? 0) &&
    cpuTimes >= (goal.cpuTimes ?? 0) &&
    (ours.growthMb ?? 0) <= (goal.growthMb ?? Number.POSITIVE_INFINITY);
  const unit = path.by === "ms" ? "ms" : `${path.per}/s`;
  return { id: path.id, name: path.name, unit, ours, mlflow, times, cpuTimes, goal, isMet };
}

async function figuresOf(path: Path, count: number, { filled, pid }: Side): Promise<Figures> {
  const operation = await path.prepare(filled);
  forgetPeak(pid);
  const [startMb, startMs] = [residentMb(pid), cpuMs(pid)];
  const { each, totalMs, retries } = await load(filled.target, path.clients, count, operation);
  return {
    value: path.by === "ms" ? median(each) : (count * (path.weight ?? 1) * 1000) / totalMs,
    cpuMs: (cpuMs(pid) - startMs) / count,
    growthMb: Math.max(0, peakMb(pid) - startMb),
    retries,
  };
}

function middle(figures: readonly Figures[]): Figures {
  const of = (name: keyof Figures) => median(figures.map((each) => each[name] ?? 0));
  return {
    value: of("value"),
    cpuMs: of("cpuMs"),
    growthMb: of("growthMb"),
    retries: figures.reduce((sum, each) => sum + (each.retries ?? 0), 0),
  };
}

function plainRow(id: string, name: string, unit: string, ours: number, mlflow: number, most: number): Row {
  return {
    id,
    name,
    unit,
    ours: { value: ours },
    mlflow: { value: mlflow },
    times: mlflow / ours,
    goal: { value: most },
    isMet: ours <= most,
  };
}

export function versions() {
  const [cpu] = cpus();
  return {
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
    mlflow: MLFLOW_VERSION,
    node: process.version,
    machine: `${cpus().length} x ${cpu?.model ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    date: new Date().toISOString().slice(0, 10),
  };
}

function textOf(rows: readonly Row[], about: ReturnType<typeof versions> & { readonly idleMb: Sides<number> }): string {
  const line = (...[name, mlflow, ours, unit, times, cpu, met, goal]: readonly string[]) =>
    `  ${name?.padEnd(44)} ${mlflow?.padStart(9)} ${ours?.padStart(9)} ${unit?.padEnd(9)} ${times?.padStart(8)}  ${cpu?.padEnd(26)} ${met?.padEnd(7)} ${goal}`;
  return [
    `tracking: MLflow ${about.mlflow} (2 uvicorn workers, uvloop, httptools, SQLite) and ours (${about.commit}, Node ${about.node}); ${about.machine}; ${about.date}`,
    line("medians", "MLflow", "ours", "", "ours is", "server CPU, ms", "target", ""),
    ...rows.map(({ name, unit, ours, mlflow, times, cpuTimes, goal, isMet }) => {
      const cpu =
        cpuTimes === undefined ? "" : `${digits(mlflow.cpuMs)} / ${digits(ours.cpuMs)} = ${cpuTimes.toFixed(0)} x`;
      const met = isMet ? "met" : "NOT MET";
      return line(name, digits(mlflow.value), digits(ours.value), unit, `${times.toFixed(1)} x`, cpu, met, words(goal));
    }),
    `  idle: ${digits(about.idleMb.mlflow)} MB and ${digits(about.idleMb.ours)} MB resident; ${rows.filter(({ isMet }) => isMet).length} of ${rows.length} targets met`,
  ].join("\n");
}

function words({ value, times, cpuTimes, growthMb }: Goal): string {
  return [
    ...(value === undefined ? [] : [digits(value)]),
    ...(times === undefined ? [] : [`${times} x`]),
    ...(cpuTimes === undefined ? [] : [`${cpuTimes} x less CPU`]),
    ...(growthMb === undefined ? [] : [`under ${growthMb} MB more memory`]),
  ].join(", ");
}

function digits(value = Number.NaN): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
