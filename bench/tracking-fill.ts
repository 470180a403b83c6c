import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openTable } from "../src/adapters/local/table.ts";
import type { Write } from "../src/core/ports/table.ts";
import type { MetricSummary } from "../src/core/tracking/ports.ts";
import { runFeedKey } from "../src/store/facts/keys.ts";
import { withPoint } from "../src/store/metric-codec.ts";
import { defaultArtifactUri, type RunDoc, runItems } from "../src/store/run-items.ts";
import type { Metric } from "./mlflow-calls.ts";

const PARAMS = 5;
const SPREAD = 10_007;
const BASE_MS = 1_700_000_000_000;

/** An ended run, for both servers. */
export interface FilledRun {
  readonly runId: string;
  readonly name: string;
  readonly startMs: number;
  readonly tags: readonly (readonly [string, string])[];
  readonly params: readonly (readonly [string, string])[];
  /** In order of steps; of each key the last is its latest. */
  readonly points: readonly Metric[];
}

/** Runs of five params and one point, as a search bench wants them: many and small. */
export function makeRuns(count: number): FilledRun[] {
  return Array.from({ length: count }, (_, i) => ({
    runId: randomBytes(16).toString("hex"),
    name: `run-${i}`,
    startMs: BASE_MS + i,
    params: Array.from({ length: PARAMS }, (_, p) => [`p${p}`, String((i * 7 + p) % 100)] as const),
    tags: [],
    points: [{ key: "accuracy", value: ((i * 7919) % SPREAD) / SPREAD, step: 0, timestamp: BASE_MS + i }],
  }));
}

/** Puts runs into the record store of a home that is not running, as its own code writes them: a hundred thousand requests take minutes. */
export async function fillHome(homeDir: string, experimentId: string, runs: readonly FilledRun[]): Promise<void> {
  const table = openTable({ path: join(homeDir, "yard.db") });
  try {
    // Transactions that wait together reach the disk together.
    for (let at = 0; at < runs.length; at += 2000) {
      const groups = Array.from({ length: 50 }, (_, i) => runs.slice(at + i * 40, at + i * 40 + 40));
      await Promise.all(
        groups
          .filter((group) => group.length > 0)
          .map((group) => table.transact(group.flatMap((run) => writesOf(experimentId, run)))),
      );
    }
  } finally {
    table.close();
  }
}

function writesOf(experimentId: string, run: FilledRun): Write[] {
  const { runId, name, startMs } = run;
  const summaries = new Map<string, MetricSummary>();
  for (const point of run.points) summaries.set(point.key, withPoint(summaries.get(point.key), point));
  const doc: RunDoc = {
    workspace: "default",
    runId,
    rev: 3,
    experimentId,
    name,
    userId: "bench",
    status: "FINISHED",
    startMs,
    endMs: startMs + 1,
    lifecycle: "active",
    deletedMs: undefined,
    source: "client",
    parentRunId: undefined,
    createdMs: startMs,
    artifactUri: defaultArtifactUri(experimentId, runId),
    tags: new Map([["mlflow.runName", name], ...run.tags]),
    params: new Map(run.params),
    metrics: summaries,
    datasets: [],
    datasetCount: 0,
    modelInputs: [],
    modelOutputs: [],
    parts: 0,
    feedMs: startMs,
    hasCard: false,
    logCounts: [],
    logSeq: 0,
  };
  const entry = { ...runFeedKey("default", experimentId, runId, startMs), type: "RUN-FEED", v: 1, run: runId, rev: 3 };
  return [...runItems(doc, undefined), entry].map((item): Write => ({ kind: "put", item }));
}

/** The same into an MLflow server's SQLite file, which may be running and idle. */
export function fillMlflow(path: string, experimentId: string, runs: readonly FilledRun[]): void {
  const database = new DatabaseSync(path);
  try {
    const experiment = Number(experimentId);
    const run = database.prepare(
      `INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version,
        lifecycle_stage, artifact_uri, experiment_id) VALUES (?, ?, 'UNKNOWN', '', '', 'bench', 'FINISHED', ?, ?, '', 'active', ?, ?)`,
    );
    const tag = database.prepare("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)");
    const param = database.prepare("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)");
    const point = "(key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, 0, ?)";
    const metric = database.prepare(`INSERT INTO metrics ${point}`);
    const latest = database.prepare(`INSERT INTO latest_metrics ${point}`);
    database.exec("BEGIN");
    for (const { runId, name, startMs, tags, params, points } of runs) {
      const uri = `mlflow-artifacts:/${experimentId}/${runId}/artifacts`;
      run.run(runId, name, startMs, startMs + 1, uri, experiment);
      for (const [key, value] of [["mlflow.runName", name], ...tags] as const) tag.run(key, value, runId);
      for (const [key, value] of params) param.run(key, value, runId);
      for (const { key, value, step, timestamp } of points) metric.run(key, value, timestamp, step, runId);
      for (const { key, value, step, timestamp } of new Map(points.map((point) => [point.key, point])).values()) {
        latest.run(key, value, timestamp, step, runId);
      }
    }
    database.exec("COMMIT");
    // As a careful owner would: without statistics SQLite takes seconds for a filter by a param.
    database.exec("ANALYZE");
  } finally {
    database.close();
  }
}
