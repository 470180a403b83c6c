import fc from "fast-check";
import type { Call, Json } from "../call.ts";
import * as v from "./values.ts";
import { type Gen, maybe, pick, record, seldom } from "./values.ts";

const P = "/api/2.0/mlflow";
export const post = (path: string, body: Gen<Json>): Gen<Call> =>
  body.map((each) => ({ method: "POST", path: `${P}/${path}`, body: each }));
export const withBody = (method: string, path: string, body: Gen<Json>): Gen<Call> =>
  body.map((each) => ({ method, path: `${P}/${path}`, body: each }));
export const get = (path: string, query: Gen<{ [name: string]: Json }>): Gen<Call> =>
  query.map((each) => ({ method: "GET", path: `${P}/${path}`, query: pairsOf(each) }));

/** Lists repeat their name, as clients send them. */
export function pairsOf(fields: { readonly [name: string]: Json }): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    Array.isArray(value)
      ? value.map((each: Json): [string, string] => [name, String(each)])
      : [[name, String(value)] as [string, string]],
  );
}

export const pairs = (key: Gen<string>, value: Gen<string>, maxLength = 3): Gen<Json> => {
  const pair = record({ key, value: maybe(value, 15) });
  return seldom<Json>(
    fc.uniqueArray(pair, { maxLength, selector: (each) => each.key }),
    fc.array(pair, { maxLength }),
    25,
  );
};

const location = pick<Json>(
  "",
  "mlflow-artifacts:/elsewhere",
  "s3://bucket/x",
  "mlflow-artifacts:/1/../2",
  "s3://bucket/x#y",
  "s3://bucket/x?y=1",
  "runs:/abc",
  `s3://${"x".repeat(2048)}`,
  "s3://bucket/a%2e%2e/b",
);
export const createExperiment = post(
  "experiments/create",
  record({
    name: v.experimentName,
    artifact_location: maybe(location, 1).map((each) => each),
    tags: maybe(pairs(v.anyKey, v.experimentTagValue)),
  }),
);
const plainExperiment = (name: string): Call => ({ method: "POST", path: `${P}/experiments/create`, body: { name } });

/** What most sequences begin with: an experiment, or two, and runs in it. */
export const opening: Gen<readonly Call[]> = fc
  .tuple(fc.boolean(), fc.integer({ min: 1, max: 3 }))
  .chain(([two, runs]) =>
    fc
      .array(createdRun, { minLength: runs, maxLength: runs })
      .map((calls) => [plainExperiment("first"), ...(two ? [plainExperiment("second")] : []), ...calls]),
  );

const runName = maybe(
  seldom(pick("train", "eval", "ünnamed", "train"), fc.oneof(v.anyText, pick("n".repeat(250), "n".repeat(300)))),
);
const runTags = pairs(
  seldom(v.anyKey, pick("mlflow.runName", "mlflow.user", "mlflow.parentRunId", "mlflow.source.name"), 5),
  seldom(v.tagValue, pick("train", "{run#0}"), 5),
);
const goodRun = {
  experiment_id: v.experimentId,
  user_id: pick("ann", "bob", "ünë"),
  start_time: pick<Json>(1000, 2000, 3000, "4000", 1000),
  run_name: runName,
  tags: maybe(runTags),
};
const createdRun = post(
  "runs/create",
  record({ ...goodRun, experiment_id: pick("1"), tags: maybe(pairs(v.goodKey, v.anyText)) }),
);
const createRun = post(
  "runs/create",
  record({
    ...goodRun,
    experiment_id: seldom<Json | undefined>(v.experimentId, fc.constant(undefined)),
    start_time: seldom<Json>(goodRun.start_time, pick<Json>(0, "x", 1.5, -1)),
  }),
);

export const experimentCalls: readonly (readonly [number, Gen<Call>])[] = [
  [4, createExperiment],
  [2, get("experiments/get", record({ experiment_id: v.experimentId }))],
  [2, get("experiments/get-by-name", record({ experiment_name: v.experimentName }))],
  [2, post("experiments/delete", record({ experiment_id: v.experimentId }))],
  [2, post("experiments/restore", record({ experiment_id: v.experimentId }))],
  [
    2,
    post(
      "experiments/update",
      record({
        experiment_id: v.experimentId,
        new_name: seldom<Json | undefined>(v.experimentName, fc.constant(undefined)),
      }),
    ),
  ],
  [
    2,
    post(
      "experiments/set-experiment-tag",
      record({ experiment_id: v.experimentId, key: v.anyKey, value: maybe(v.experimentTagValue, 12) }),
    ),
  ],
  [1, post("experiments/delete-experiment-tag", record({ experiment_id: v.experimentId, key: v.anyKey }))],
];

const status = seldom<Json>(
  pick<Json>("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"),
  pick<Json>(1, 3, "3", 9, "finished", "", 0),
  8,
);
export const runCalls: readonly (readonly [number, Gen<Call>])[] = [
  [4, createRun],
  [4, get("runs/get", record({ run_id: v.runId }))],
  [
    3,
    post(
      "runs/update",
      record({
        run_id: v.runId,
        status: maybe(status),
        end_time: maybe(seldom<Json>(pick<Json>(5000, "6000", 0), pick<Json>(-1, "x", 1.5))),
        run_name: runName,
      }),
    ),
  ],
  [2, post("runs/delete", record({ run_id: v.runId }))],
  [2, post("runs/restore", record({ run_id: v.runId }))],
  [
    3,
    post(
      "runs/set-tag",
      record({
        run_id: v.runId,
        key: seldom(v.anyKey, pick("mlflow.runName", "mlflow.note.content"), 5),
        value: maybe(v.tagValue, 12),
      }),
    ),
  ],
  [2, post("runs/delete-tag", record({ run_id: v.runId, key: seldom(v.anyKey, pick("mlflow.runName"), 8) }))],
  [3, post("runs/log-parameter", record({ run_id: v.runId, key: v.anyKey, value: maybe(v.paramValue, 12) }))],
];

const metric = { key: v.goodKey, value: v.metricValue, timestamp: v.timestamp, step: maybe(v.step, 5) };
const oddMetric = record({
  key: seldom<Json | undefined>(v.anyKey, pick<Json | undefined>(undefined, 5, null)),
  value: seldom<Json | undefined>(v.metricValue, fc.oneof(v.badMetricValue, fc.constant(undefined)), 6),
  timestamp: seldom<Json | undefined>(v.timestamp, fc.oneof(v.badTimestamp, fc.constant(undefined)), 6),
  step: seldom<Json | undefined>(v.step, fc.oneof(v.badStep, fc.constant(undefined)), 6),
});
const onModel = {
  model_id: maybe(v.modelId, 2),
  dataset_name: maybe(pick("data", "däta")),
  dataset_digest: maybe(pick("d1", "d2")),
};

/** Many of one sort, around the limits of log-batch. */
const many = (sort: "metrics" | "params" | "tags", count: number): Json =>
  Array.from(
    { length: count },
    (_, i): Json =>
      sort === "metrics" ? { key: `m${i}`, value: i, timestamp: i, step: 0 } : { key: `k${i}`, value: `${i}` },
  );
const crowd: Gen<Json> = fc
  .record({
    metrics: pick(0, 1, 800, 999, 1000, 1001),
    params: pick(0, 1, 100, 101),
    tags: pick(0, 1, 100, 101),
  })
  .map(({ metrics, params, tags }) => ({
    run_id: "{run#0}",
    metrics: many("metrics", metrics),
    params: many("params", params),
    tags: many("tags", tags),
  }));

export const logCalls: readonly (readonly [number, Gen<Call>])[] = [
  [8, post("runs/log-metric", record({ run_id: v.runId, ...metric }))],
  [3, post("runs/log-metric", record({ run_id: v.runId, ...metric, ...onModel }))],
  [
    2,
    post(
      "runs/log-metric",
      oddMetric.chain((odd) => v.runId.map((run_id) => ({ run_id, ...odd }))),
    ),
  ],
  [
    6,
    post(
      "runs/log-batch",
      record({
        run_id: v.runId,
        metrics: maybe(fc.array(seldom<Json>(record({ ...metric, ...onModel }), oddMetric, 25), { maxLength: 6 }), 6),
        params: maybe(pairs(v.anyKey, v.paramValue), 3),
        tags: maybe(pairs(seldom(v.anyKey, pick("mlflow.runName"), 9), v.tagValue), 3),
      }),
    ),
  ],
  [1, post("runs/log-batch", crowd)],
];

const metricKey = seldom(v.goodKey, fc.oneof(v.anyKey, pick("none")), 10);
const pageSize = seldom<Json>(pick<Json>(1, 2, 3, 25_000), pick<Json>(0, -1, 25_001, 50_000, "x", "1.5", "3"), 8);
export const historyCalls: readonly (readonly [number, Gen<Call>])[] = [
  [5, get("metrics/get-history", record({ run_id: v.runId, metric_key: metricKey, max_results: maybe(pageSize) }))],
  [
    2,
    get(
      "metrics/get-history",
      record({
        run_id: v.runId,
        metric_key: metricKey,
        max_results: maybe(pageSize),
        page_token: pick("{token#0}", "", "bad", "e30="),
      }),
    ),
  ],
  [
    3,
    fc
      .record({
        run_id: fc.array(v.runId, { maxLength: 3 }),
        metric_key: maybe(metricKey, 12),
        max_results: maybe(pageSize),
      })
      .map((fields) => ({
        method: "GET",
        path: "/ajax-api/2.0/mlflow/metrics/get-history-bulk",
        query: pairsOf(
          Object.fromEntries(Object.entries(fields).filter(([, each]) => each !== undefined)) as {
            [name: string]: Json;
          },
        ),
      })),
  ],
  [
    3,
    get(
      "metrics/get-history-bulk-interval",
      record({
        run_ids: fc.uniqueArray(v.runId, { maxLength: 3 }),
        metric_key: metricKey,
        max_results: maybe(seldom<Json>(pick<Json>(1, 2, 3, 2500), pick<Json>(0, 2501, "x"))),
        start_step: maybe(pick<Json>(0, 1, -3, 5)),
        end_step: maybe(pick<Json>(0, 1, 4, 100)),
      }),
    ),
  ],
];

const dataset = record({
  name: seldom<Json | undefined>(
    pick("data", "däta", "other"),
    fc.oneof(v.anyText, pick<Json | undefined>("n".repeat(500), "n".repeat(501), undefined)),
  ),
  digest: seldom<Json | undefined>(
    pick("d1", "d2"),
    pick<Json | undefined>("d".repeat(36), "d".repeat(37), "", undefined),
  ),
  source_type: seldom<Json | undefined>(pick("local", "code"), pick<Json | undefined>("", undefined)),
  source: seldom<Json | undefined>(
    pick("{}", '{"uri":"x"}'),
    pick<Json | undefined>("", undefined, "s".repeat(65_536)),
  ),
  schema: maybe(pick("{}", "schema")),
  profile: maybe(pick("{}", "profile")),
});
const datasetInput = record({
  dataset: seldom<Json | undefined>(dataset, fc.constant(undefined), 30),
  tags: maybe(
    pairs(
      seldom(pick("mlflow.data.context", "t"), v.anyKey),
      seldom(pick("train", "eval"), fc.oneof(v.anyText, pick("t".repeat(500), "t".repeat(501)))),
    ),
    6,
  ),
});
const modelInput = record({ model_id: v.modelId });
const modelOutput = record({ model_id: v.modelId, step: maybe(v.step) });
export const datasetCalls: readonly (readonly [number, Gen<Call>])[] = [
  [
    4,
    post(
      "runs/log-inputs",
      record({
        run_id: v.runId,
        datasets: maybe(fc.array(datasetInput, { maxLength: 3 }), 6),
        models: maybe(fc.array(modelInput, { maxLength: 2 })),
      }),
    ),
  ],
  [2, post("runs/outputs", record({ run_id: v.runId, models: maybe(fc.array(modelOutput, { maxLength: 2 }), 10) }))],
  [
    1,
    fc.array(v.experimentId, { maxLength: 3 }).map((ids) => ({
      method: "POST",
      path: "/ajax-api/2.0/mlflow/experiments/search-datasets",
      body: { experiment_ids: ids },
    })),
  ],
  [
    1,
    post(
      "runs/log-model",
      record({
        run_id: v.runId,
        model_json: pick<Json>(
          '{"artifact_path":"model","flavors":{},"utc_time_created":"2026-01-01 00:00:00","run_id":"x"}',
          '{"artifact_path":"model"}',
          "{",
          "[]",
          "",
        ),
      }),
    ),
  ],
];
