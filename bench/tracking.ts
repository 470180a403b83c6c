import { type BenchHome, openBenchHome } from "./home.ts";
import { load, open, type Target } from "./http-load.ts";
import { median } from "./measure.ts";
import { MLFLOW_VERSION, openMlflow, type Peer } from "./mlflow-peer.ts";
import { cpuMs, residentMb } from "./process-tree.ts";

/** Figures of one path on one server; the rates count operations, or metrics of batches, a second. */
interface Figures {
  readonly p50Ms: number;
  readonly rate: number;
  readonly cpuMs: number;
}

interface Path {
  readonly name: string;
  /** What is compared: milliseconds of an operation, or a rate. */
  readonly by: "p50Ms" | "rate";
  readonly target: string;
  readonly clients: number;
  /** How often on each server, in turn. */
  readonly rounds: number;
  readonly count: number;
  /** What one operation counts for in the rate. */
  readonly weight?: number;
  /** Answers the operation; what it does before is not measured. */
  readonly prepare: (target: Target) => Promise<Operation>;
}

type Operation = Parameters<typeof load>[3];

const RUNS = Number(process.env.TRAINYARD_BENCH_RUNS ?? 10_000);
const POINTS = 100_000;
const BATCH = 1000;
const API = "/api/2.0/mlflow";

async function once(target: Target, path: string, body: unknown): Promise<Record<string, unknown>> {
  const connection = await open(target);
  try {
    return JSON.parse(await connection.send("POST", `${API}/${path}`, body)) as Record<string, unknown>;
  } finally {
    connection.close();
  }
}

const runIdOf = (answer: unknown) => (answer as { run: { info: { run_id: string } } }).run.info.run_id;

async function newRun(target: Target): Promise<string> {
  return runIdOf(await once(target, "runs/create", { experiment_id: "0", start_time: Date.now() }));
}

let names = 0;
const newName = (kind: string) => `${kind}-${process.pid}-${++names}`;

const metrics = (from: number) =>
  Array.from({ length: BATCH }, (_, i) => ({
    key: "loss",
    value: 1 / (from + i + 1),
    step: from + i,
    timestamp: 1_700_000_000_000 + from + i,
  }));

function wholeRun(experiment: string): Operation {
  return async (connection, i) => {
    const made = await connection.send("POST", `${API}/runs/create`, {
      experiment_id: experiment,
      start_time: Date.now(),
    });
    const run_id = runIdOf(JSON.parse(made));
    const params = Array.from({ length: 5 }, (_, p) => ({ key: `p${p}`, value: String((i * 7 + p) % 100) }));
    const metric = { key: "accuracy", value: ((i * 7919) % 10_007) / 10_007, step: 0, timestamp: Date.now() };
    await connection.send("POST", `${API}/runs/log-batch`, { run_id, params, metrics: [metric] });
    await connection.send("POST", `${API}/runs/update`, { run_id, status: "FINISHED", end_time: Date.now() });
  };
}

/** An experiment of RUNS runs on each server, made when first asked for. */
const filled = new Map<number, Promise<string>>();
function filledExperiment(target: Target): Promise<string> {
  const known = filled.get(target.port);
  if (known !== undefined) return known;
  const made = (async () => {
    const { experiment_id } = await once(target, "experiments/create", { name: newName("filled") });
    await load(target, 8, RUNS, wholeRun(String(experiment_id)));
    return String(experiment_id);
  })();
  filled.set(target.port, made);
  return made;
}

const longRuns = new Map<number, Promise<string>>();
function longRun(target: Target): Promise<string> {
  const known = longRuns.get(target.port);
  if (known !== undefined) return known;
  const made = (async () => {
    const run_id = await newRun(target);
    await load(target, 1, POINTS / BATCH, (connection, i) =>
      connection.send("POST", `${API}/runs/log-batch`, { run_id, metrics: metrics(i * BATCH) }),
    );
    return run_id;
  })();
  longRuns.set(target.port, made);
  return made;
}

const PATHS: readonly Path[] = [
  {
    name: "log_metric",
    by: "p50Ms",
    target: "8x, p50 under 1.2 ms, 20x less CPU",
    clients: 1,
    rounds: 3,
    count: 500,
    prepare: async (target) => {
      const run_id = await newRun(target);
      return (connection, step) =>
        connection.send("POST", `${API}/runs/log-metric`, {
          run_id,
          key: "loss",
          value: 1 / (step + 1),
          step,
          timestamp: Date.now(),
        });
    },
  },
  {
    name: "log-batch of 1,000 metrics, 8 clients",
    by: "rate",
    target: "20x, 160,000 metrics/s, 40x less CPU",
    clients: 8,
    rounds: 3,
    count: 80,
    weight: BATCH,
    prepare: async (target) => {
      const runs = await Promise.all(Array.from({ length: 8 }, () => newRun(target)));
      return (connection, i) =>
        connection.send("POST", `${API}/runs/log-batch`, { run_id: runs[i % 8], metrics: metrics(i * BATCH) });
    },
  },
  {
    name: "create a run",
    by: "p50Ms",
    target: "as quick as log_metric",
    clients: 1,
    rounds: 3,
    count: 150,
    prepare: async () => (connection) =>
      connection.send("POST", `${API}/runs/create`, { experiment_id: "0", start_time: Date.now() }),
  },
  {
    name: "run + 5 params + metric + end, 8 clients",
    by: "rate",
    target: "9x, 400/s, 20x less CPU",
    clients: 8,
    rounds: 3,
    count: 240,
    prepare: async () => wholeRun("0"),
  },
  {
    name: `search of ${RUNS} runs, filter and sort, first 100`,
    by: "p50Ms",
    target: "50x, p50 under 5 ms at 10,000 runs",
    clients: 1,
    rounds: 3,
    count: 10,
    prepare: async (target) => {
      const experiment = await filledExperiment(target);
      const query = {
        experiment_ids: [experiment],
        filter: "params.p0 != '7' and metrics.accuracy > 0.2",
        order_by: ["metrics.accuracy DESC"],
        max_results: 100,
      };
      const { runs } = await once(target, "runs/search", query);
      const found = Array.isArray(runs) ? runs.length : 0;
      if (found !== 100) throw new Error(`the search answered ${found} runs, not a page of 100`);
      return (connection) => connection.send("POST", `${API}/runs/search`, query);
    },
  },
  {
    name: `page of 1,000 of ${RUNS} runs by a metric`,
    by: "p50Ms",
    target: "100x",
    clients: 1,
    rounds: 3,
    count: 1,
    prepare: async (target) => {
      const experiment = await filledExperiment(target);
      return (connection) =>
        connection.send("POST", `${API}/runs/search`, {
          experiment_ids: [experiment],
          order_by: ["metrics.accuracy DESC"],
          max_results: 1000,
        });
    },
  },
  {
    name: "history of 100,000 points, whole",
    by: "p50Ms",
    target: "30x",
    clients: 1,
    rounds: 3,
    count: 1,
    prepare: async (target) => {
      const run = await longRun(target);
      return async (connection) => {
        let token = "";
        do {
          const page = token === "" ? "" : `&page_token=${encodeURIComponent(token)}`;
          const text = await connection.send(
            "GET",
            `${API}/metrics/get-history?run_id=${run}&metric_key=loss&max_results=25000${page}`,
          );
          token = (JSON.parse(text) as { next_page_token?: string }).next_page_token ?? "";
        } while (token !== "");
      };
    },
  },
  {
    name: "history of 100,000 points, 320 of them",
    by: "p50Ms",
    target: "under 15 ms",
    clients: 1,
    rounds: 3,
    count: 5,
    prepare: async (target) => {
      const run = await longRun(target);
      const query = `run_ids=${run}&metric_key=loss&max_results=320`;
      return (connection) => connection.send("GET", `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?${query}`);
    },
  },
  {
    name: "create a model version",
    by: "p50Ms",
    target: "10x",
    clients: 1,
    rounds: 3,
    count: 50,
    prepare: async (target) => {
      const name = newName("model");
      await once(target, "registered-models/create", { name });
      const run_id = await newRun(target);
      return (connection) =>
        connection.send("POST", `${API}/model-versions/create`, {
          name,
          source: `mlflow-artifacts:/0/${run_id}/artifacts/model`,
          run_id,
        });
    },
  },
  {
    name: "search model versions",
    by: "p50Ms",
    target: "10x",
    clients: 1,
    rounds: 3,
    count: 20,
    prepare: async (target) => {
      const name = newName("model");
      await once(target, "registered-models/create", { name });
      const run_id = await newRun(target);
      const source = `mlflow-artifacts:/0/${run_id}/artifacts/model`;
      for (let i = 0; i < 20; i++) await once(target, "model-versions/create", { name, source, run_id });
      const filter = encodeURIComponent(`name='${name}'`);
      return (connection) => connection.send("GET", `${API}/model-versions/search?filter=${filter}&max_results=10`);
    },
  },
];

interface Side {
  readonly name: "ours" | "mlflow";
  readonly target: Target;
  readonly pid: number;
}

async function figuresOf(path: Path, side: Side): Promise<Figures> {
  const operation = await path.prepare(side.target);
  const before = cpuMs(side.pid);
  const { each, totalMs } = await load(side.target, path.clients, path.count, operation);
  return {
    p50Ms: median(each),
    rate: (path.count * (path.weight ?? 1) * 1000) / totalMs,
    cpuMs: (cpuMs(side.pid) - before) / path.count,
  };
}

function targetOf(home: BenchHome): Target {
  const url = new URL(home.env.TRAINYARD_URL ?? "");
  return { port: Number(url.port), prefix: "/w/default", token: home.env.TRAINYARD_TOKEN };
}

interface Row {
  readonly name: string;
  readonly by: Path["by"];
  readonly target: string;
  readonly ours: Figures;
  readonly mlflow: Figures;
}

/** Both servers at once, measured in turn, the order flipped each round: a drifting machine hurts both alike. */
export async function table(): Promise<{ readonly text: string; readonly json: unknown }> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const start = performance.now();
    const home = await openBenchHome();
    closers.push(() => home.close());
    const readyMs = performance.now() - start;
    const peer: Peer = await openMlflow();
    closers.push(() => peer.close());
    const sides: readonly Side[] = [
      { name: "mlflow", target: { port: peer.port, prefix: "", token: undefined }, pid: peer.process.pid ?? 0 },
      { name: "ours", target: targetOf(home), pid: home.process.pid ?? 0 },
    ];
    const idle = residents(sides);
    const rows: Row[] = [];
    for (const path of PATHS) {
      process.stderr.write(`  ${path.name} …\n`);
      rows.push(await rowOf(path, sides));
    }
    const end = residents(sides);
    const others = { ready: { ours: readyMs, mlflow: peer.readyMs }, idleMb: idle, endMb: end };
    return {
      text: textOf(rows, others),
      json: { mlflow: MLFLOW_VERSION, node: process.version, runs: RUNS, rows, ...others },
    };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function rowOf(path: Path, sides: readonly Side[]): Promise<Row> {
  const raw: Record<Side["name"], Figures[]> = { ours: [], mlflow: [] };
  for (let round = 0; round < path.rounds; round++) {
    const order = round % 2 === 0 ? sides : sides.toReversed();
    for (const side of order) raw[side.name].push(await figuresOf(path, side));
  }
  const middle = (figures: readonly Figures[]): Figures => ({
    p50Ms: median(figures.map((each) => each.p50Ms)),
    rate: median(figures.map((each) => each.rate)),
    cpuMs: median(figures.map((each) => each.cpuMs)),
  });
  return { name: path.name, by: path.by, target: path.target, ours: middle(raw.ours), mlflow: middle(raw.mlflow) };
}

type Pair = Readonly<Record<Side["name"], number>>;

function residents(sides: readonly Side[]): Pair {
  const of = (name: Side["name"]) => residentMb(sides.find((side) => side.name === name)?.pid ?? 0);
  return { ours: of("ours"), mlflow: of("mlflow") };
}

function textOf(rows: readonly Row[], others: { ready: Pair; idleMb: Pair; endMb: Pair }): string {
  const line = (name: string, unit: string, { mlflow, ours }: Pair, times: number, target: string) =>
    `  ${name.padEnd(44)} ${digits(mlflow).padStart(9)} ${digits(ours).padStart(9)} ${unit.padEnd(8)} ${`${times.toFixed(1)} x`.padStart(9)}   ${target}`;
  const lines = rows.flatMap(({ name, by, target, ours, mlflow }) => [
    line(
      name,
      by === "rate" ? "a second" : "ms p50",
      { mlflow: mlflow[by], ours: ours[by] },
      by === "rate" ? ours.rate / mlflow.rate : mlflow.p50Ms / ours.p50Ms,
      target,
    ),
    line("", "ms CPU", { mlflow: mlflow.cpuMs, ours: ours.cpuMs }, mlflow.cpuMs / ours.cpuMs, ""),
  ]);
  const less = (name: string, unit: string, pair: Pair, target: string) =>
    line(name, unit, pair, pair.mlflow / pair.ours, target);
  return [
    `tracking (MLflow ${MLFLOW_VERSION}, 2 uvicorn workers with uvloop, SQLite; Node ${process.version}; medians)`,
    `  ${"".padEnd(44)} ${"MLflow".padStart(9)} ${"ours".padStart(9)} ${"".padEnd(8)} ${"ours is".padStart(9)}`,
    ...lines,
    less("ready to serve", "ms", others.ready, "under 1 s"),
    less("resident, idle", "MB", others.idleMb, "under 120 MB"),
    less("resident, at the end", "MB", others.endMb, "under 250 MB"),
  ].join("\n");
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
