import { type Grammar, LIST_OPS, NULL_OPS, NUMBER_OPS, TEXT_OPS } from "./filter.ts";

const text = (column: string) => ({ column, kind: "text" as const });
const number = (column: string) => ({ column, kind: "number" as const });
const TAGS = { tag: "tag", tags: "tag" } as const;
const ATTRIBUTES = { attribute: "attribute", attributes: "attribute", attr: "attribute" } as const;
const TAGS_AND_ATTRIBUTE = "Valid entity types are ('attribute', 'tag', 'tags')";

export const RUNS: Grammar = {
  entities: {
    metric: "metric",
    metrics: "metric",
    param: "parameter",
    params: "parameter",
    parameter: "parameter",
    parameters: "parameter",
    ...TAGS,
    ...ATTRIBUTES,
    run: "attribute",
    dataset: "dataset",
    datasets: "dataset",
  },
  entityHint: "Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
  attributes: {
    run_id: text("run_id"),
    run_name: text("run_name"),
    "run name": text("run_name"),
    "Run name": text("run_name"),
    "Run Name": text("run_name"),
    status: text("status"),
    user_id: text("user_id"),
    artifact_uri: text("artifact_uri"),
    start_time: number("start_time"),
    created: number("start_time"),
    Created: number("start_time"),
    end_time: number("end_time"),
  },
  lists: ["run_id"],
  ops: {
    metric: NUMBER_OPS,
    number: NUMBER_OPS,
    parameter: [...TEXT_OPS, ...NULL_OPS],
    tag: [...TEXT_OPS, ...NULL_OPS],
    text: TEXT_OPS,
    dataset: [...TEXT_OPS, ...LIST_OPS],
  },
};

export const EXPERIMENTS: Grammar = {
  entities: { ...TAGS, attribute: "attribute" },
  entityHint: TAGS_AND_ATTRIBUTE,
  attributes: {
    name: text("name"),
    experiment_id: text("experiment_id"),
    creation_time: number("creation_time"),
    last_update_time: number("last_update_time"),
  },
  lists: ["experiment_id"],
  ops: { number: NUMBER_OPS, text: TEXT_OPS, tag: [...TEXT_OPS, ...NULL_OPS] },
  attributeOps: { experiment_id: ["=", "!=", ...LIST_OPS] },
  orderColumns: ["name", "experiment_id", "creation_time", "last_update_time"],
  orderRepeats: true,
};

export const REGISTERED_MODELS: Grammar = {
  entities: { ...TAGS, attribute: "attribute" },
  entityHint: TAGS_AND_ATTRIBUTE,
  attributes: {
    name: text("name"),
    creation_timestamp: number("creation_timestamp"),
    timestamp: number("last_updated_timestamp"),
    last_updated_timestamp: number("last_updated_timestamp"),
  },
  filterAttributes: ["name"],
  lists: ["name"],
  ops: { text: TEXT_OPS, tag: TEXT_OPS },
  orderColumns: ["name", "creation_timestamp", "last_updated_timestamp"],
};

export const MODEL_VERSIONS: Grammar = {
  entities: { ...TAGS, attribute: "attribute" },
  entityHint: TAGS_AND_ATTRIBUTE,
  attributes: {
    name: text("name"),
    run_id: text("run_id"),
    source_path: text("source_path"),
    version_number: number("version_number"),
    creation_timestamp: number("creation_timestamp"),
    last_updated_timestamp: number("last_updated_timestamp"),
  },
  filterAttributes: ["name", "run_id", "source_path", "version_number"],
  lists: ["name", "run_id"],
  ops: { text: TEXT_OPS, number: NUMBER_OPS, tag: TEXT_OPS },
  orderColumns: ["name", "version_number", "creation_timestamp", "last_updated_timestamp"],
};

export const LOGGED_MODELS: Grammar = {
  entities: { metrics: "metric", params: "parameter", tags: "tag", attributes: "attribute" },
  entityHint: "Expected one of ['attributes', 'metrics', 'params', 'tags'].",
  attributes: {
    name: text("name"),
    model_id: text("model_id"),
    model_type: text("model_type"),
    status: text("status"),
    source_run_id: text("source_run_id"),
    creation_timestamp: number("creation_timestamp"),
    creation_time: number("creation_timestamp"),
    last_updated_timestamp: number("last_updated_timestamp"),
  },
  lists: ["name", "model_id", "model_type", "status", "source_run_id"],
  ops: {
    metric: NUMBER_OPS,
    number: NUMBER_OPS,
    text: TEXT_OPS,
    parameter: [...TEXT_OPS, ...LIST_OPS],
    tag: [...TEXT_OPS, ...LIST_OPS],
  },
};
