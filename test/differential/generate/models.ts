import fc from "fast-check";
import type { Call, Json } from "../call.ts";
import { get, pairs, post, withBody } from "./tracking.ts";
import * as v from "./values.ts";
import { type Gen, maybe, pick, record, seldom } from "./values.ts";

const modelTags = pairs(v.anyKey, v.tagValue);
const loggedName = maybe(
  seldom(
    pick("net", "forest", "nët", "x y"),
    fc.oneof(v.anyText, pick("", "a/b", "a:b", "a.b", "50%", "it's", 'q"', "l".repeat(500), "l".repeat(501))),
  ),
  6,
);
export const createLoggedModel = post(
  "logged-models",
  record({
    experiment_id: seldom<Json | undefined>(v.experimentId, fc.constant(undefined), 30),
    name: loggedName,
    model_type: maybe(pick("Agent", "", "classifier")),
    source_run_id: maybe(v.runId),
    params: maybe(pairs(v.anyKey, v.paramValue)),
    tags: maybe(modelTags),
  }),
);
export const plainLoggedModel: Gen<Call> = pick("net", "forest").map((name) => ({
  method: "POST",
  path: "/api/2.0/mlflow/logged-models",
  body: { experiment_id: "1", name, source_run_id: "{run#0}" },
}));

const status = seldom<Json | undefined>(
  pick<Json>("LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING", 2, 3),
  pick<Json | undefined>("READY", 9, "2", undefined, 0),
  8,
);
const at = (id: string, rest = ""): string =>
  `logged-models/${encodeURIComponent(id).replaceAll("%7B", "{").replaceAll("%23", "#").replaceAll("%7D", "}")}${rest}`;
/** Ids of a path must be there: an empty one would be another route. */
const pathId = v.modelId.filter((id) => id !== "");
export const loggedModelCalls: readonly (readonly [number, Gen<Call>])[] = [
  [4, createLoggedModel],
  [3, pathId.map((id) => ({ method: "GET", path: `/api/2.0/mlflow/${at(id)}` }))],
  [
    3,
    fc
      .tuple(pathId, status)
      .chain(([id, each]) =>
        withBody("PATCH", at(id), record({ model_id: fc.constant(id), status: fc.constant(each) })),
      ),
  ],
  [1, pathId.map((id) => ({ method: "DELETE", path: `/api/2.0/mlflow/${at(id)}`, body: { model_id: id } }))],
  [
    2,
    fc
      .tuple(pathId, modelTags)
      .chain(([id, tags]) =>
        withBody("PATCH", at(id, "/tags"), record({ model_id: fc.constant(id), tags: fc.constant(tags) })),
      ),
  ],
  [
    1,
    fc.tuple(pathId, v.goodKey).map(([id, key]) => ({
      method: "DELETE",
      path: `/api/2.0/mlflow/${at(id, `/tags/${encodeURIComponent(key)}`)}`,
      body: { model_id: id, tag_key: key },
    })),
  ],
  [
    2,
    fc
      .tuple(pathId, pairs(v.anyKey, v.paramValue))
      .chain(([id, params]) =>
        withBody("POST", at(id, "/params"), record({ model_id: fc.constant(id), params: fc.constant(params) })),
      ),
  ],
  [
    1,
    fc.tuple(pathId, maybe(pick("", "x", "../x"))).map(([id, path]) => ({
      method: "GET",
      path: `/api/2.0/mlflow/${at(id, "/artifacts/directories")}`,
      query: path === undefined ? [] : [["artifact_directory_path", path] as [string, string]],
    })),
  ],
];

const name = v.modelName;
const registryTags = pairs(v.anyKey, v.registryTagValue);
export const plainModel = (each: string): Call => ({
  method: "POST",
  path: "/api/2.0/mlflow/registered-models/create",
  body: { name: each },
});
export const plainVersion = (each: string): Call => ({
  method: "POST",
  path: "/api/2.0/mlflow/model-versions/create",
  body: { name: each, source: "s3://bucket/model" },
});

const source = seldom(
  pick<Json>(
    "s3://bucket/model",
    "runs:/{run#0}/model",
    "models:/{model#0}",
    "mlflow-artifacts:/1/{run#0}/artifacts/model",
    "models:/m/1",
    "models:/net/2",
    "models:/m@champion",
  ),
  pick<Json>(
    "",
    "/tmp/model",
    "file:///tmp/model",
    "relative/model",
    "runs:/{run#0}",
    "runs:/{run#1}/a/../b",
    "models:/none/1",
    "models:/{model#1}",
    "models:/",
    "models:/m",
    "models:/m/x",
    "models:/m/latest",
    "models:/m/Production",
    "mlflow-artifacts:/9/x",
    "mlflow-artifacts://host/1/{run#0}/artifacts/model",
    "s3://bucket/../up",
    "s3://bucket/%2e%2e/up",
    "s3://bucket/a#b",
    "http://host/a?b=1",
    "http://host/a/../b",
    "s3://bucket//a",
    "dbfs:/a",
    "s3://bucket/a/",
    "x".repeat(501),
  ),
  4,
);
const anyVersion = post(
  "model-versions/create",
  record({
    name,
    source,
    run_id: maybe(v.runId),
    model_id: maybe(v.modelId, 1).map((each) => each),
    tags: maybe(registryTags),
    run_link: maybe(pick("", "http://x/y")),
    description: maybe(v.description),
  }),
);
/** Of a source that lies with its run or logged model, or nearly. */
const ownedVersion = fc
  .tuple(
    name,
    fc.nat(2),
    pick("", "", "/model", "/model", "/a/b/", "/.", "/a/..", "//a", "/a%2F..", "/%2e"),
    pick<"run" | "runs" | "model" | "models" | "file">("run", "run", "runs", "model", "models", "file"),
  )
  .map(([each, at, below, kind]): Call => {
    const [run, model] = [`{run#${at}}`, `{model#${at}}`];
    const sources = {
      run: { source: `mlflow-artifacts:/1/${run}/artifacts${below}`, run_id: run },
      runs: { source: `runs:/${run}${below}`, run_id: run },
      model: { source: `mlflow-artifacts:/1/models/${model}/artifacts${below}`, model_id: model },
      models: { source: `models:/${model}`, model_id: model },
      file: { source: `file://host/1/${run}${below}`, run_id: run },
    };
    return { method: "POST", path: "/api/2.0/mlflow/model-versions/create", body: { name: each, ...sources[kind] } };
  });
const createVersion = fc.oneof({ weight: 3, arbitrary: anyVersion }, { weight: 1, arbitrary: ownedVersion });

export const registryCalls: readonly (readonly [number, Gen<Call>])[] = [
  [3, post("registered-models/create", record({ name, tags: maybe(registryTags), description: maybe(v.description) }))],
  [3, get("registered-models/get", record({ name }))],
  [
    2,
    post(
      "registered-models/rename",
      record({ name, new_name: seldom<Json | undefined>(name, fc.constant(undefined)) }),
    ),
  ],
  [2, withBody("PATCH", "registered-models/update", record({ name, description: maybe(v.description, 6) }))],
  [1, withBody("DELETE", "registered-models/delete", record({ name }))],
  [
    2,
    post("registered-models/get-latest-versions", record({ name, stages: maybe(fc.array(v.stage, { maxLength: 2 })) })),
  ],
  [2, post("registered-models/set-tag", record({ name, key: v.anyKey, value: maybe(v.registryTagValue, 12) }))],
  [1, withBody("DELETE", "registered-models/delete-tag", record({ name, key: v.anyKey }))],
  [3, post("registered-models/alias", record({ name, alias: v.alias, version: v.version }))],
  [1, withBody("DELETE", "registered-models/alias", record({ name, alias: v.alias }))],
  [2, get("registered-models/alias", record({ name, alias: v.alias }))],
  [5, createVersion],
  [3, get("model-versions/get", record({ name, version: v.version }))],
  [
    2,
    withBody(
      "PATCH",
      "model-versions/update",
      record({ name, version: v.version, description: maybe(v.description, 6) }),
    ),
  ],
  [2, withBody("DELETE", "model-versions/delete", record({ name, version: v.version }))],
  [
    3,
    post(
      "model-versions/transition-stage",
      record({ name, version: v.version, stage: v.stage, archive_existing_versions: maybe(fc.boolean(), 3) }),
    ),
  ],
  [1, get("model-versions/get-download-uri", record({ name, version: v.version }))],
  [
    2,
    post(
      "model-versions/set-tag",
      record({ name, version: v.version, key: v.anyKey, value: maybe(v.registryTagValue, 12) }),
    ),
  ],
  [1, withBody("DELETE", "model-versions/delete-tag", record({ name, version: v.version, key: v.anyKey }))],
];
