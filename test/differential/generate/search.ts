import fc from "fast-check";
import type { Call, Json } from "../call.ts";
import { pairsOf } from "./tracking.ts";
import * as v from "./values.ts";
import { type Gen, maybe, pick, record, seldom } from "./values.ts";

const number = fc.oneof(
  { weight: 6, arbitrary: pick("0", "1", "-1", "0.5", "2", "1000", "2000", "1e3", "3", "1.0") },
  {
    weight: 1,
    arbitrary: pick(
      "'1'",
      "abc",
      "NaN",
      "inf",
      "1e400",
      "-",
      "'NaN'",
      ".5",
      "+1",
      "1_0",
      "0x1",
      "99999999999999999999",
      "-0.5e-3",
    ),
  },
);
const words = [
  "train",
  "eval",
  "a",
  "b",
  "A",
  "FINISHED",
  "RUNNING",
  "first",
  "second",
  "m",
  "net",
  "{run#0}",
  "{model#0}",
  "s3://bucket/model",
  "data",
  "d1",
  "ann",
  "1",
  "LOGGED_MODEL_READY",
  "READY",
  "",
  "%",
  "trai%",
  "%rai%",
  "_rain",
  "TRAIN",
  "%RAIN",
  "ünnamed",
  "x''y",
  "a\\%",
  "it",
  "0",
  "forest",
  "b_c",
  "50%",
] as const;
const text = seldom(
  fc.tuple(pick(...words), pick("'", "'", "'", '"')).map(([word, quote]) => `${quote}${word}${quote}`),
  pick(
    "train",
    "1",
    "'a",
    "''",
    '"',
    "`a`",
    "null",
    "'it''s'",
    "'it\\'s'",
    '"it\'s"',
    "'a\"b'",
    "'(x)'",
    "'a AND b'",
    "'a;b'",
    "N'a'",
  ),
);
const list = seldom(
  fc
    .array(pick(...words), { minLength: 1, maxLength: 3 })
    .map((each) => `(${each.map((word) => `'${word}'`).join(", ")})`),
  pick(
    "()",
    "(1, 2)",
    "('a', 1)",
    "('a'",
    "'a'",
    "(a)",
    '("a", "b")',
    "( 'a' ,'b' )",
    "('a',)",
    "(('a'))",
    "('a', NULL)",
  ),
);
const numberOp = pick("=", "!=", ">", ">=", "<", "<=");
const textOp = pick("=", "!=", "LIKE", "ILIKE", "like");
const anyOp = pick(
  "=",
  "!=",
  ">",
  "<",
  ">=",
  "<=",
  "LIKE",
  "ILIKE",
  "IN",
  "NOT IN",
  "IS NULL",
  "IS NOT NULL",
  "==",
  "<>",
  "in",
  "not in",
  "is null",
  "BETWEEN",
  "~",
  "NOT LIKE",
);

interface Words {
  /** What holds numbers, as written. */
  readonly numbers: readonly string[];
  readonly texts: readonly string[];
  /** What takes IN. */
  readonly lists: readonly string[];
  /** What takes IS NULL. */
  readonly nullable: readonly string[];
  readonly odd: readonly string[];
  readonly orders: readonly string[];
}

const keys = ["tags.a", "tags.b", "tags.`k with space`", 'tags."a"', "tag.a"];
const RUNS: Words = {
  numbers: [
    "metrics.a",
    "metrics.loss",
    "metric.`a`",
    'metrics."loss"',
    "metrics.`acc/x`",
    "start_time",
    "attributes.end_time",
    "attr.start_time",
    "created",
    "metrics.none",
  ],
  texts: [
    "params.a",
    "param.b",
    "parameters.`a`",
    "parameter.A",
    ...keys,
    "tags.mlflow.runName",
    "attributes.status",
    "status",
    "run_name",
    "attributes.`run name`",
    "user_id",
    "datasets.name",
    "dataset.digest",
    "datasets.context",
    "run.status",
    "tags.`mlflow.user`",
  ],
  lists: ["run_id", "attributes.run_id", "datasets.name", "dataset.digest", "tags.a", "params.a", "status"],
  nullable: ["tags.a", "params.a", "tags.`none`", "params.none", "metrics.a", "status", "datasets.name"],
  odd: [
    "nope.a",
    "attributes.nope",
    "metrics",
    "metrics.",
    ".a",
    "a.b.c",
    "lifecycle_stage",
    "experiment_id",
    "model.x",
    "'tags'.a",
    "Metrics.a",
    "metrics.a b",
    "1",
    "tags.`a",
    "datasets.nope",
    "Run Name",
    "inputs.x",
  ],
  orders: [
    "metrics.a",
    "metrics.`loss`",
    "params.a",
    "tags.a",
    "start_time",
    "attributes.start_time",
    "run_name",
    "`Run Name`",
    "Run Name",
    "status",
    "end_time",
    "attribute.end_time",
    "created",
    "user_id",
    "metrics.none",
  ],
};
const EXPERIMENTS: Words = {
  numbers: ["creation_time", "last_update_time", "attributes.creation_time"],
  texts: ["name", "attributes.name", ...keys, "attr.name", "`name`", '"name"'],
  lists: ["experiment_id", "name", "tags.a"],
  nullable: ["tags.a", "tags.`none`", "name"],
  odd: ["nope", "attributes.nope", "metrics.a", "lifecycle_stage", "experiment_id", "params.a", "Name"],
  orders: ["name", "experiment_id", "creation_time", "last_update_time", "attributes.name", "attribute.creation_time"],
};
const MODELS: Words = {
  numbers: ["creation_timestamp", "last_updated_timestamp"],
  texts: ["name", "attributes.name", ...keys, "name"],
  lists: ["name", "tags.a"],
  nullable: ["tags.a", "name"],
  odd: ["nope", "attributes.nope", "metrics.a", "run_id", "description", "version", "params.a"],
  orders: ["name", "creation_timestamp", "last_updated_timestamp", "timestamp", "attributes.name"],
};
const VERSIONS: Words = {
  numbers: ["version_number", "creation_timestamp", "last_updated_timestamp", "attributes.version_number"],
  texts: ["name", "run_id", "source_path", ...keys, "attributes.name"],
  lists: ["name", "run_id", "tags.a", "source_path"],
  nullable: ["tags.a", "name"],
  odd: ["nope", "attributes.nope", "metrics.a", "current_stage", "version", "source", "params.a"],
  orders: ["name", "version_number", "creation_timestamp", "last_updated_timestamp", "attributes.version_number"],
};
const LOGGED: Words = {
  numbers: [
    "metrics.a",
    "metrics.`loss`",
    "metrics.none",
    "creation_timestamp",
    "attributes.creation_timestamp",
    "last_updated_timestamp",
  ],
  texts: [
    "params.a",
    "tags.a",
    "tags.`b`",
    "name",
    "attributes.name",
    "model_type",
    "status",
    "source_run_id",
    "model_id",
    "params.none",
  ],
  lists: ["name", "status", "model_id", "source_run_id", "tags.a", "params.a"],
  nullable: ["tags.a", "params.a", "name"],
  odd: ["nope", "attributes.nope", "metric.a", "param.a", "tag.a", "attr.name", "experiment_id", "artifact_uri"],
  orders: [],
};
const ODD_ORDERS = [
  "nope",
  "metrics",
  "",
  "name DOWN",
  "name ASC DESC",
  "params.a b",
  "tags.",
  "datasets.name",
  "1",
  "name;",
  "name, experiment_id",
  "metrics.a ASC,",
  "'name'",
  "name  DESC",
  "name\tASC",
];

function comparison(words: Words): Gen<string> {
  const join = (ident: Gen<string>, op: Gen<string>, value: Gen<string>) =>
    fc
      .tuple(ident, op, value, pick(" ", " ", " ", "", "  "))
      .map(([a, b, c, gap]) => `${a}${/^\w/.test(b) ? ` ${b} ` : `${gap}${b}${gap}`}${c}`);
  return fc.oneof(
    { weight: 6, arbitrary: join(pick(...words.numbers), numberOp, number) },
    { weight: 6, arbitrary: join(pick(...words.texts), textOp, text) },
    { weight: 2, arbitrary: join(pick(...words.lists), pick("IN", "NOT IN", "in"), list) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(pick(...words.nullable), pick("IS NULL", "IS NOT NULL", "is null"))
        .map((each) => each.join(" ")),
    },
    { weight: 1, arbitrary: join(pick(...words.odd), anyOp, fc.oneof(text, number)) },
    { weight: 1, arbitrary: join(pick(...words.numbers, ...words.texts), anyOp, fc.oneof(text, number, list)) },
  );
}

function filter(words: Words): Gen<string> {
  const whole = fc
    .tuple(
      fc.array(comparison(words), { minLength: 1, maxLength: 3 }),
      pick(" AND ", " AND ", " and ", "\nAND ", " And "),
    )
    .map(([each, and]) => each.join(and));
  const spoiled = fc.oneof(
    fc
      .tuple(whole, fc.nat(60))
      .map(([each, at]) => each.slice(0, at % (each.length + 1)) + each.slice((at % (each.length + 1)) + 1)),
    fc.tuple(whole, whole, pick(" OR ", " ", "; ", " AND NOT ", " , ", " AND AND ")).map(([a, b, by]) => a + by + b),
    whole.map((each) => `(${each})`),
    whole.map((each) => `${each} AND`),
    whole.map((each) => `${each};`),
    whole.map((each) => `  ${each}  `),
    whole.map((each) => `${each} -- x`),
    pick(" ", "AND", "''", "SELECT 1", "'a' = 'a'", "1 = 1", "🚂", "tags", "name", "()"),
    v.anyText,
  );
  return seldom(whole, spoiled, 5);
}

function orders(words: Words): Gen<Json> {
  const one = fc.tuple(pick(...words.orders), pick("", " ASC", " DESC", " desc", " asc")).map((each) => each.join(""));
  return fc.array(seldom(one, pick(...ODD_ORDERS, ...words.odd), 15), { maxLength: 3 });
}

const size = seldom<Json>(
  pick<Json>(1, 2, 3, 100),
  pick<Json>(0, -1, 1000, 1001, 50_000, 50_001, 200_000, 200_001, "2", "x", 1.5),
  8,
);

/** A search, and then its next pages with the same words. */
function paged(
  makeCall: (fields: { readonly [name: string]: Json }) => Call,
  fields: Gen<{ [name: string]: Json }>,
): Gen<readonly Call[]> {
  const odd = pick("bad token", "eyJvZmZzZXQiOiAxfQ==", "eyJvZmZzZXQiOiAtMX0=", "e30=", "AAAA", "日本");
  return fc.oneof(
    { weight: 5, arbitrary: fields.map((each) => [makeCall(each)]) },
    {
      weight: 3,
      arbitrary: fields.map((each) => [
        makeCall({ ...each, max_results: 1 }),
        makeCall({ ...each, max_results: 2, page_token: "{token#0}" }),
      ]),
    },
    { weight: 1, arbitrary: fc.tuple(fields, odd).map(([each, token]) => [makeCall({ ...each, page_token: token })]) },
  );
}

const P = "/api/2.0/mlflow";
const posted =
  (path: string) =>
  (body: { readonly [name: string]: Json }): Call => ({ method: "POST", path: `${P}/${path}`, body });
const asked =
  (path: string) =>
  (fields: { readonly [name: string]: Json }): Call => ({
    method: "GET",
    path: `${P}/${path}`,
    query: pairsOf(fields),
  });
const view = maybe(
  seldom<Json>(pick<Json>("ACTIVE_ONLY", "DELETED_ONLY", "ALL"), pick<Json>(1, 2, 3, "all", 9, "2"), 6),
);

export const searchRuns = paged(
  posted("runs/search"),
  record({
    experiment_ids: seldom<Json | undefined>(
      fc.array(pick("1", "0", "2"), { minLength: 1, maxLength: 2 }),
      fc.oneof(fc.array(v.experimentId, { maxLength: 2 }), fc.constant(undefined)),
    ),
    filter: maybe(filter(RUNS), 4),
    order_by: maybe(orders(RUNS)),
    run_view_type: view,
    max_results: maybe(size),
  }),
);
const experimentFields = record({
  filter: maybe(filter(EXPERIMENTS), 3),
  order_by: maybe(orders(EXPERIMENTS)),
  view_type: view,
  max_results: maybe(size, 12),
});
export const searchExperiments = fc.oneof(
  { weight: 4, arbitrary: paged(posted("experiments/search"), experimentFields) },
  { weight: 1, arbitrary: paged(asked("experiments/search"), experimentFields) },
);
export const searchModels = paged(
  asked("registered-models/search"),
  record({ filter: maybe(filter(MODELS), 3), order_by: maybe(orders(MODELS)), max_results: maybe(size) }),
);
export const searchVersions = paged(
  asked("model-versions/search"),
  record({ filter: maybe(filter(VERSIONS), 4), order_by: maybe(orders(VERSIONS)), max_results: maybe(size) }),
);

const onDataset = { dataset_name: maybe(pick("data", "däta")), dataset_digest: maybe(pick("d1", "d2")) };
const order = record({
  field_name: seldom<Json | undefined>(
    pick(
      "name",
      "creation_timestamp",
      "metrics.a",
      "metrics.loss",
      "last_updated_timestamp",
      "creation_time",
      "status",
    ),
    pick<Json | undefined>(
      "params.a",
      "tags.a",
      "nope",
      "metric.a",
      "attributes.name",
      undefined,
      "",
      "metrics.",
      "experiment_id",
      "metrics.`a`",
      "creation_timestamp_ms",
    ),
  ),
  ascending: maybe(fc.boolean(), 3),
  ...onDataset,
});
export const searchLoggedModels = paged(
  posted("logged-models/search"),
  record({
    experiment_ids: seldom<Json | undefined>(
      pick<Json>(["1"], ["1", "0"], ["0"]),
      pick<Json | undefined>(undefined, [], ["x"], ["99"], "1"),
      15,
    ),
    filter: maybe(filter(LOGGED), 3),
    datasets: maybe(
      fc.array(
        record({ ...onDataset, dataset_name: seldom<Json | undefined>(pick("data", "däta"), fc.constant(undefined)) }),
        { minLength: 1, maxLength: 2 },
      ),
      1,
    ),
    order_by: maybe(fc.array(order, { maxLength: 2 })),
    max_results: maybe(size),
  }),
);
