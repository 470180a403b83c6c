/** `?`: may be null. Times are milliseconds since the epoch. */
export type ColumnType = "text" | "text?" | "int" | "int?" | "double";

const pair = { key: "text", value: "text" } as const;

/** The tables of an export: one Parquet file each, columns in this order. Names are those of MLflow's API. */
export const TABLES = {
  experiments: {
    experiment_id: "text",
    name: "text",
    lifecycle_stage: "text",
    artifact_location: "text",
    creation_time: "int?",
    last_update_time: "int?",
  },
  experiment_tags: { experiment_id: "text", ...pair },
  runs: {
    run_id: "text",
    experiment_id: "text",
    run_name: "text",
    user_id: "text",
    status: "text",
    start_time: "int?",
    end_time: "int?",
    lifecycle_stage: "text",
    artifact_uri: "text",
  },
  params: { run_id: "text", ...pair },
  tags: { run_id: "text", ...pair },
  metrics: { run_id: "text", key: "text", step: "int", timestamp: "int", value: "double" },
  /** `tags`: a JSON object. */
  inputs: {
    run_id: "text",
    name: "text",
    digest: "text",
    source_type: "text",
    source: "text",
    schema: "text?",
    profile: "text?",
    tags: "text",
  },
  /** `role`: `input` or `output`. */
  run_models: { run_id: "text", model_id: "text", role: "text", step: "int" },
  /** `spec`: the job as it was submitted, JSON. */
  jobs: {
    run_id: "text",
    experiment_name: "text",
    type: "text",
    status: "text",
    status_reason: "text?",
    compute: "text",
    exit_code: "int?",
    snapshot: "text?",
    created_at: "int",
    created_by: "text",
    started_at: "int?",
    ended_at: "int?",
    spec: "text",
  },
  logged_models: {
    model_id: "text",
    experiment_id: "text",
    name: "text",
    status: "text",
    model_type: "text",
    source_run_id: "text",
    creation_timestamp_ms: "int?",
    last_updated_timestamp_ms: "int?",
    artifact_uri: "text",
  },
  logged_model_params: { model_id: "text", ...pair },
  logged_model_tags: { model_id: "text", ...pair },
  logged_model_metrics: {
    model_id: "text",
    run_id: "text",
    key: "text",
    step: "int",
    timestamp: "int",
    value: "double",
    dataset_name: "text?",
    dataset_digest: "text?",
  },
  registered_models: {
    name: "text",
    description: "text",
    creation_timestamp: "int?",
    last_updated_timestamp: "int?",
  },
  registered_model_tags: { name: "text", ...pair },
  aliases: { name: "text", alias: "text", version: "int" },
  model_versions: {
    name: "text",
    version: "int",
    description: "text",
    current_stage: "text",
    status: "text",
    source: "text",
    run_id: "text",
    run_link: "text",
    model_id: "text",
    creation_timestamp: "int?",
    last_updated_timestamp: "int?",
  },
  model_version_tags: { name: "text", version: "int", ...pair },
  /** Kinds, references and roles as the lineage route tells them; `name`: of a job's input or output. */
  lineage: { from_kind: "text", from_ref: "text", to_kind: "text", to_ref: "text", role: "text", name: "text?" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, ColumnType>>>>;

export type TableName = keyof typeof TABLES;
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

type Value<T extends ColumnType> = T extends "text"
  ? string
  : T extends "text?"
    ? string | undefined
    : T extends "int?"
      ? number | undefined
      : number;
export type Row<N extends TableName> = {
  readonly [K in keyof (typeof TABLES)[N]]: (typeof TABLES)[N][K] extends ColumnType
    ? Value<(typeof TABLES)[N][K]>
    : never;
};
