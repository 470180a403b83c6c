import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMeteredHome } from "../test/helpers/metered-home.ts";
import { openBenchHome, timed } from "./home.ts";
import { type Connection, load, open, type Target } from "./http-load.ts";
import { logRun, POINTS_A_RUN, paramsOf, pointsOf, RUNS, SHAPE, tagsOf } from "./load-shape-runs.ts";
import { median } from "./measure.ts";
import { get, newExperiment, post } from "./mlflow-calls.ts";
import { MLFLOW_VERSION, openMlflow } from "./mlflow-peer.ts";
import { cpuMs, residentMb } from "./process-tree.ts";
import { targetOf, versions } from "./tracking.ts";
import { type FilledRun, fillMlflow } from "./tracking-fill.ts";

/** Experiments of the shape that ours is given (50 is all of it), and runs that MLflow's load time is taken of; both are scaled by runs. */
const EXPERIMENTS = Number(process.env.TRAINYARD_BENCH_EXPERIMENTS ?? 5);
const PEER_RUNS = 12;
const ASKS = 15;
/** In AWS: so many runs, and points of all of them together. */
const CLOUD = { runs: 75_000, points: 2_000_000_000 } as const;
/** US East (N. Virginia), on demand, as published for 2025: a million write units, a million read units, a GB a month. */
const PRICES = { writes: 0.625, reads: 0.125, storage: 0.25, date: "2025" } as const;

/** Of one server. `load` counts runs a second, the others are milliseconds (medians) but where a name tells the unit. */
interface Measured {
  readonly runsASecond: number;
  readonly cpuMsARun: number;
  readonly bytesAPoint: number;
  readonly list: number;
  readonly search: number;
  readonly chart: number;
}

interface Ours extends Measured {
  readonly firstSearchAll: number;
  readonly searchAll: number;
  readonly residentMb: number;
}

export const rowIds: readonly string[] = ["ours", "mlflow", "aws"];

export async function table(only: readonly string[] = rowIds): Promise<{ text: string; json: unknown }> {
  const ours = only.includes("ours") ? await measureOurs() : undefined;
  const mlflow = only.includes("mlflow") ? await measureMlflow() : undefined;
  const aws = only.includes("aws") ? await projectAws() : undefined;
  const about = { ...versions(), shape: SHAPE, experiments: EXPERIMENTS };
  return { text: textOf(about, ours, mlflow, aws), json: { ...about, ours, mlflow, aws, prices: PRICES } };
}

async function measureOurs(): Promise<Ours> {
  const dir = mkdtempSync(join(tmpdir(), "trainyard-bench-shape-"));
  let home = await openBenchHome({ dir });
  try {
    const target = targetOf(home);
    const ids: string[] = [];
    for (let i = 0; i < EXPERIMENTS; i++) ids.push(await newExperiment(target, `shape ${i}`));
    const runs = EXPERIMENTS * SHAPE.runs;
    process.stderr.write(`  ours: ${runs} runs of ${RUNS} …\n`);
    const pid = home.process.pid ?? 0;
    const startMs = cpuMs(pid);
    const { totalMs } = await load(target, 8, runs, (connection, i) =>
      logRun((call, body) => post(connection, call, body), ids[i % EXPERIMENTS] ?? "", i),
    );
    const cpuMsARun = (cpuMs(pid) - startMs) / runs;
    await ask(target, (connection) => search(connection, ids));
    await home.close();
    const sizeBytes = sizeOf(dir);

    home = await openBenchHome({ dir });
    const again = targetOf(home);
    const connection = await open(again);
    const firstSearchAll = await timed(() => search(connection, ids));
    connection.close();
    return {
      runsASecond: (runs * 1000) / totalMs,
      cpuMsARun,
      bytesAPoint: sizeBytes / (runs * POINTS_A_RUN),
      ...(await views(again, ids[0] ?? "")),
      firstSearchAll,
      searchAll: await ask(again, (each) => search(each, ids)),
      residentMb: residentMb(home.process.pid ?? 0),
    };
  } finally {
    await home.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Loads a few runs by its API, for the time that takes, and the rest of one experiment into its database: hours otherwise. */
async function measureMlflow(): Promise<Measured> {
  process.stderr.write(`  MLflow: ${PEER_RUNS} runs by its API, one experiment directly …\n`);
  const peer = await openMlflow();
  try {
    const target: Target = { port: peer.port, prefix: "", token: undefined };
    const pid = peer.process.pid ?? 0;
    const trial = await newExperiment(target, "trial");
    const startMs = cpuMs(pid);
    const { totalMs } = await load(target, 8, PEER_RUNS, (connection, i) =>
      logRun((call, body) => post(connection, call, body), trial, i),
    );
    const cpuMsARun = (cpuMs(pid) - startMs) / PEER_RUNS;
    const experiment = await newExperiment(target, "shape");
    const database = join(peer.dir, "mlflow.db");
    const before = statSync(database).size;
    fillMlflow(
      database,
      experiment,
      Array.from({ length: SHAPE.runs }, (_, i) => peerRun(i)),
    );
    return {
      runsASecond: (PEER_RUNS * 1000) / totalMs,
      cpuMsARun,
      bytesAPoint: (statSync(database).size - before) / (SHAPE.runs * POINTS_A_RUN),
      ...(await views(target, experiment)),
    };
  } finally {
    await peer.close();
  }
}

function peerRun(number: number): FilledRun {
  return {
    runId: number.toString(16).padStart(32, "0"),
    name: `run-${number}`,
    startMs: 1_700_000_000_000 + number,
    tags: tagsOf(number).map(({ key, value }) => [key, value]),
    params: paramsOf(number).map(({ key, value }) => [key, value]),
    points: pointsOf(number, SHAPE.steps),
  };
}

/** What people look at: an experiment's runs, some of them by filter and metric, a chart of one metric of a hundred runs. */
async function views(target: Target, experiment: string): Promise<Pick<Measured, "list" | "search" | "chart">> {
  const connection = await open(target);
  const listed = JSON.parse(await post(connection, "search", { experiment_ids: [experiment], max_results: 100 })) as {
    runs: { info: { run_id: string } }[];
  };
  connection.close();
  const chart = new URLSearchParams({ metric_key: "metric-7", max_results: "320" });
  for (const { info } of listed.runs) chart.append("run_ids", info.run_id);
  return {
    list: await ask(target, (each) => post(each, "search", { experiment_ids: [experiment], max_results: 100 })),
    search: await ask(target, (each) => search(each, [experiment])),
    chart: await ask(target, (each) => get(each, "sampled", chart)),
  };
}

function search(connection: Connection, experiments: readonly string[]): Promise<string> {
  return post(connection, "search", {
    experiment_ids: experiments,
    filter: "params.`param-3` != '7' and metrics.`metric-7` < 0.12",
    order_by: ["metrics.`metric-9` ASC"],
    max_results: 100,
  });
}

async function ask(target: Target, operation: (connection: Connection) => Promise<unknown>): Promise<number> {
  return median((await load(target, 1, ASKS, operation)).each);
}

function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

interface Projection {
  readonly stepsARun: number;
  readonly writesARun: number;
  readonly readsARun: number;
  readonly writes: number;
  readonly reads: number;
  readonly keptGb: number;
  readonly usd: { readonly writes: number; readonly reads: number; readonly storageAMonth: number };
  /** Read units of a search of one experiment and of a chart of ten runs, in a process that has the experiment's columns. */
  readonly searchReads: number;
  readonly chartReads: number;
}

/** Counts the units of whole runs as the AWS home's function writes them, and multiplies. */
async function projectAws(): Promise<Projection> {
  const stepsARun = Math.round(CLOUD.points / CLOUD.runs / SHAPE.metrics);
  process.stderr.write(`  AWS: metering runs of ${stepsARun} steps …\n`);
  const home = await openMeteredHome();
  try {
    const send = (path: string, body: unknown) => home.call("POST", `/api/2.0/mlflow/${path}`, body);
    const paths = { createRun: "runs/create", logBatch: "runs/log-batch", updateRun: "runs/update" } as Record<
      string,
      string
    >;
    const log = (i: number) => logRun((call, body) => send(paths[call] ?? "", body), "0", i, stepsARun);
    await log(0);
    const before = { ...home.units };
    const sample = 10;
    const runIds: string[] = [];
    for (let i = 1; i <= sample; i++) runIds.push(await log(i));
    const writesARun = (home.units.writes - before.writes) / sample;
    const readsARun = (home.units.reads - before.reads) / sample;
    const keptBytes = (home.units.keptBytes - before.keptBytes) / sample;

    const readsOf = async (operation: () => Promise<unknown>): Promise<number> => {
      await operation();
      const start = home.units.reads;
      await operation();
      return home.units.reads - start;
    };
    const searchReads = await readsOf(() => send("runs/search", { experiment_ids: ["0"], max_results: 100 }));
    const query = new URLSearchParams({ metric_key: "metric-7", max_results: "320" });
    for (const id of runIds) query.append("run_ids", id);
    const chartReads = await readsOf(() =>
      home.call("GET", `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?${query}`),
    );
    const [writes, reads, keptGb] = [writesARun * CLOUD.runs, readsARun * CLOUD.runs, (keptBytes * CLOUD.runs) / 1e9];
    return {
      ...{ stepsARun, writesARun, readsARun, writes, reads, keptGb, searchReads, chartReads },
      usd: {
        writes: (writes / 1e6) * PRICES.writes,
        reads: (reads / 1e6) * PRICES.reads,
        storageAMonth: keptGb * PRICES.storage,
      },
    };
  } finally {
    await home.close();
  }
}

function textOf(
  about: ReturnType<typeof versions>,
  ours: Ours | undefined,
  mlflow: Measured | undefined,
  aws: Projection | undefined,
): string {
  const { experiments, runs, metrics, steps, params, tags } = SHAPE;
  const line = (name: string, unit: string, of: (side: Measured) => number, more = false) => {
    const figures = [mlflow, ours].map((side) => (side === undefined ? "" : digits(of(side))).padStart(10));
    const times = mlflow === undefined || ours === undefined ? 0 : more ? of(ours) / of(mlflow) : of(mlflow) / of(ours);
    return `  ${name.padEnd(46)} ${figures.join(" ")} ${unit.padEnd(8)} ${times === 0 ? "" : `${times.toFixed(1)} x`}`;
  };
  const whole = (side: Measured) => RUNS / side.runsASecond / 60;
  const gb = (side: Measured) => (side.bytesAPoint * RUNS * POINTS_A_RUN) / 1e9;
  return [
    `load shape: ${experiments} experiments x ${runs} runs x ${metrics} metrics x ${steps} steps, ${params} params, ${tags} tags (${RUNS} runs, ${(RUNS * POINTS_A_RUN) / 1e6} million points)`,
    `  ours ${about.commit} given ${EXPERIMENTS} experiments; MLflow ${MLFLOW_VERSION} one, ${PEER_RUNS} runs of it timed; Node ${about.node}; ${about.machine}; ${about.date}`,
    `  ${"".padEnd(46)} ${"MLflow".padStart(10)} ${"ours".padStart(10)}          ours is`,
    line("load, 8 clients", "runs/s", (side) => side.runsASecond, true),
    line("server CPU", "ms/run", (side) => side.cpuMsARun),
    line("load of all, scaled", "min", whole),
    line("on disk, with index and everything", "B/point", (side) => side.bytesAPoint),
    line("on disk of all, scaled", "GB", gb),
    line("list 100 runs of an experiment", "ms p50", (side) => side.list),
    line("search an experiment: filter, sort, first 100", "ms p50", (side) => side.search),
    line("chart: one metric of 100 runs", "ms p50", (side) => side.chart),
    ...(ours === undefined
      ? []
      : [
          `  ours, search of all ${EXPERIMENTS} experiments: ${digits(ours.searchAll)} ms p50, the first after a start ${digits(ours.firstSearchAll)} ms; ${digits(ours.residentMb)} MB resident at the end`,
        ]),
    ...(aws === undefined ? [] : awsText(aws)),
  ].join("\n");
}

function awsText(aws: Projection): string[] {
  const million = (count: number) => `${digits(count / 1e6)} million`;
  return [
    `  in AWS, ${CLOUD.runs} runs of ${SHAPE.metrics} metrics x ${aws.stepsARun} steps (${CLOUD.points / 1e9} billion points), counted on the items the function writes:`,
    `    ${digits(aws.writesARun)} write and ${digits(aws.readsARun)} read units a run; ${million(aws.writes)} and ${million(aws.reads)} in all; ${digits(aws.keptGb)} GB`,
    `    ${digits(aws.usd.writes)} USD to write, ${digits(aws.usd.reads)} USD of reads meanwhile, ${digits(aws.usd.storageAMonth)} USD a month to keep (${PRICES.writes} and ${PRICES.reads} USD a million units, ${PRICES.storage} USD a GB; us-east-1, on demand, ${PRICES.date})`,
    `    a search of an experiment in a warm function: ${digits(aws.searchReads)} read units; a chart of 10 runs: ${digits(aws.chartReads)}`,
  ];
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
