import { type Connection, load, type Target } from "./http-load.ts";
import { countInPages, createRun, get, type Metric, newRun, once, post } from "./mlflow-calls.ts";
import { download, upload } from "./transfer.ts";

export type Operation = (connection: Connection, index: number) => Promise<unknown>;

/** What both servers have been filled with, and how each is reached. */
export interface Filled {
  readonly target: Target;
  /** An experiment of 10,000 ended runs. */
  readonly few: string;
  /** One of 100,000: made when first asked for, for MLflow's one table of params makes every search pay for all runs there are. */
  readonly many: () => Promise<string>;
}

/** What a path has to reach; all that is given counts. */
export interface Goal {
  /** ms of an operation at most, or a rate at least. */
  readonly value?: number;
  /** Times faster than MLflow. */
  readonly times?: number;
  /** Times less server CPU an operation than MLflow. */
  readonly cpuTimes?: number;
  /** MB that the server may grow by meanwhile. */
  readonly growthMb?: number;
}

export interface Path {
  /** For `--rows`. */
  readonly id: string;
  readonly name: string;
  /** What is compared: ms of an operation (median), or a rate of the `per` a second. */
  readonly by: "ms" | "rate";
  readonly per?: string;
  readonly goal: Goal;
  readonly clients: number;
  /** Operations a round, and rounds, on each server. Ours has more: its processor time is counted in hundredths of a second. */
  readonly ours: Effort;
  readonly mlflow: Effort;
  /** What one operation counts for in the rate. */
  readonly weight?: number;
  /** Answers the operation; what it does before is not measured. */
  readonly prepare: (filled: Filled) => Promise<Operation>;
}

interface Effort {
  readonly rounds: number;
  readonly count: number;
}

const POINTS = 100_000;
const BATCH = 1000;
const SIZE_BYTES = 100 * 1024 * 1024;
const FILES = "/api/2.0/mlflow-artifacts/artifacts";

let names = 0;
const newName = (kind: string) => `${kind}-${process.pid}-${++names}`;

function metricsFrom(step: number): Metric[] {
  return Array.from({ length: BATCH }, (_, i) => ({
    key: "loss",
    value: 1 / (step + i + 1),
    step: step + i,
    timestamp: 1_700_000_000_000 + step + i,
  }));
}

const wholeRun: Operation = async (connection, i) => {
  const run_id = await createRun(connection, "0");
  const params = Array.from({ length: 5 }, (_, p) => ({ key: `p${p}`, value: String((i * 7 + p) % 100) }));
  await post(connection, "logBatch", { run_id, params });
  await post(connection, "updateRun", { run_id, status: "FINISHED", end_time: Date.now() });
};

async function filteredSearch({ target }: Filled, experiment: string): Promise<Operation> {
  const query = {
    experiment_ids: [experiment],
    filter: "params.p0 != '7' and metrics.accuracy > 0.2",
    order_by: ["metrics.accuracy DESC"],
    max_results: 100,
  };
  const { runs = [] } = await once<{ runs?: unknown[] }>(target, "search", query);
  if (runs.length !== 100) throw new Error(`the search answered ${runs.length} runs, not a page of 100`);
  return (connection) => post(connection, "search", query);
}

/** A run of 100,000 points on each server, made when first asked for. */
const longRuns = new Map<number, Promise<string>>();
function longRun({ target }: Filled): Promise<string> {
  const made = longRuns.get(target.port) ?? makeLongRun(target);
  longRuns.set(target.port, made);
  return made;
}

async function makeLongRun(target: Target): Promise<string> {
  const run_id = await newRun(target);
  await load(target, 1, POINTS / BATCH, (connection, i) =>
    post(connection, "logBatch", { run_id, metrics: metricsFrom(i * BATCH) }),
  );
  return run_id;
}

async function newModel(target: Target): Promise<{ readonly name: string; readonly run_id: string; source: string }> {
  const name = newName("model");
  await once(target, "createModel", { name });
  const run_id = await newRun(target);
  return { name, run_id, source: `mlflow-artifacts:/0/${run_id}/artifacts/model` };
}

export const PATHS: readonly Path[] = [
  {
    id: "log-metric",
    name: "log_metric",
    by: "ms",
    goal: { value: 1.2, times: 8, cpuTimes: 20 },
    clients: 1,
    ours: { rounds: 3, count: 2000 },
    mlflow: { rounds: 3, count: 300 },
    async prepare({ target }) {
      const run_id = await newRun(target);
      return (connection, step) =>
        post(connection, "logMetric", { run_id, key: "loss", value: 1 / (step + 1), step, timestamp: Date.now() });
    },
  },
  {
    id: "log-batch",
    name: "log-batch of 1,000 metrics, 8 clients",
    by: "rate",
    per: "metrics",
    goal: { value: 160_000, times: 20, cpuTimes: 40 },
    clients: 8,
    ours: { rounds: 3, count: 640 },
    mlflow: { rounds: 3, count: 64 },
    weight: BATCH,
    async prepare({ target }) {
      const runs = await Promise.all(Array.from({ length: 8 }, () => newRun(target)));
      // Written before the clock runs: eight clients on other machines would do this beside the server.
      const bodies = Array.from({ length: 640 }, (_, i) =>
        JSON.stringify({ run_id: runs[i % 8], metrics: metricsFrom(i * BATCH) }),
      );
      return (connection, i) => post(connection, "logBatch", bodies[i]);
    },
  },
  {
    id: "run",
    name: "create run + 5 params + end, 8 clients",
    by: "rate",
    per: "runs",
    goal: { value: 400, times: 9, cpuTimes: 20 },
    clients: 8,
    ours: { rounds: 3, count: 1200 },
    mlflow: { rounds: 3, count: 160 },
    prepare: async () => wholeRun,
  },
  {
    id: "search",
    name: "search 10,000 runs: filter, sort, first 100",
    by: "ms",
    goal: { value: 5, times: 50 },
    clients: 1,
    ours: { rounds: 3, count: 200 },
    mlflow: { rounds: 3, count: 10 },
    prepare: (filled) => filteredSearch(filled, filled.few),
  },
  {
    id: "pages",
    name: "page through 10,000 runs by a metric",
    by: "ms",
    goal: { times: 100 },
    clients: 1,
    ours: { rounds: 3, count: 3 },
    mlflow: { rounds: 1, count: 1 },
    prepare: async ({ few }) => {
      const query = { experiment_ids: [few], order_by: ["metrics.accuracy DESC"], max_results: 1000 };
      return async (connection) => {
        const found = await countInPages("run_uuid", (page_token) =>
          post(connection, "search", { ...query, ...(page_token === undefined ? {} : { page_token }) }),
        );
        if (found !== 10_000) throw new Error(`the pages hold ${found} runs, not 10,000`);
      };
    },
  },
  {
    id: "history",
    name: "history of 100,000 points, whole",
    by: "ms",
    goal: { times: 30 },
    clients: 1,
    ours: { rounds: 3, count: 5 },
    mlflow: { rounds: 3, count: 1 },
    async prepare(filled) {
      const query = { run_id: await longRun(filled), metric_key: "loss", max_results: "25000" };
      return async (connection) => {
        const found = await countInPages("timestamp", (page_token) =>
          get(connection, "history", { ...query, ...(page_token === undefined ? {} : { page_token }) }),
        );
        if (found !== POINTS) throw new Error(`the history has ${found} points, not ${POINTS}`);
      };
    },
  },
  {
    id: "sampled",
    name: "history of 100,000 points, 320 of them",
    by: "ms",
    goal: { value: 15 },
    clients: 1,
    ours: { rounds: 3, count: 40 },
    mlflow: { rounds: 3, count: 5 },
    async prepare(filled) {
      const query = { run_ids: await longRun(filled), metric_key: "loss", max_results: "320" };
      return (connection) => get(connection, "sampled", query);
    },
  },
  {
    id: "version-create",
    name: "create a model version",
    by: "ms",
    goal: { times: 10 },
    clients: 1,
    ours: { rounds: 3, count: 400 },
    mlflow: { rounds: 3, count: 50 },
    async prepare({ target }) {
      const body = await newModel(target);
      return (connection) => post(connection, "createVersion", body);
    },
  },
  {
    id: "version-search",
    name: "search model versions",
    by: "ms",
    goal: { times: 10 },
    clients: 1,
    ours: { rounds: 3, count: 400 },
    mlflow: { rounds: 3, count: 20 },
    async prepare({ target }) {
      const body = await newModel(target);
      for (let i = 0; i < 20; i++) await once(target, "createVersion", body);
      const query = { filter: `name='${body.name}'`, max_results: "10" };
      return (connection) => get(connection, "searchVersions", query);
    },
  },
  {
    id: "upload",
    name: "artifact of 100 MB, up",
    by: "ms",
    goal: { times: 1, growthMb: 50 },
    clients: 1,
    ours: { rounds: 3, count: 2 },
    mlflow: { rounds: 3, count: 2 },
    async prepare({ target }) {
      const run = await newRun(target);
      return (_, i) => upload(target, `${FILES}/0/${run}/artifacts/large-${i}.bin`, SIZE_BYTES);
    },
  },
  {
    id: "download",
    name: "artifact of 100 MB, down",
    by: "ms",
    goal: { times: 1, growthMb: 50 },
    clients: 1,
    ours: { rounds: 3, count: 3 },
    mlflow: { rounds: 3, count: 3 },
    async prepare({ target }) {
      const path = `${FILES}/0/${await newRun(target)}/artifacts/large.bin`;
      await upload(target, path, SIZE_BYTES);
      return async () => {
        const sizeBytes = await download(target, path);
        if (sizeBytes !== SIZE_BYTES) throw new Error(`the artifact has ${sizeBytes} bytes, not ${SIZE_BYTES}`);
      };
    },
  },
  {
    id: "search-100k",
    name: "search 100,000 runs: filter, sort, first 100",
    by: "ms",
    goal: { value: 30 },
    clients: 1,
    ours: { rounds: 3, count: 100 },
    mlflow: { rounds: 1, count: 3 },
    async prepare(filled) {
      return filteredSearch(filled, await filled.many());
    },
  },
];
