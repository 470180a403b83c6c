import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { invalid, notFound, quoted } from "./errors.ts";
import { parseFilter } from "./filter.ts";
import { friendlyName } from "./friendly-name.ts";
import { LOGGED_MODELS } from "./grammars.ts";
import { checkLength, experimentId } from "./names.ts";
import { decodeToken, encodeToken } from "./paging.ts";
import type {
  Comparison,
  LoggedModel,
  LoggedModelMetric,
  LoggedModelStatus,
  LoggedModelStore,
  OrderKey,
} from "./ports.ts";
import { mayWriteLoggedModel, mayWriteRun } from "./rights.ts";
import { type Caller, experimentOf, getRun, mustBeActiveExperiment, type RunDeps } from "./runs.ts";
import { type Row, searchRows } from "./search-rows.ts";

export interface LoggedModelDeps extends Pick<RunDeps, "runs" | "experiments"> {
  readonly loggedModels: LoggedModelStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

const NAME_LIMIT = 500;

export async function createLoggedModel(
  deps: LoggedModelDeps,
  input: Caller & {
    /** Id and time of one that was made elsewhere; absent: a new one. */
    readonly modelId?: string | undefined;
    readonly createdMs?: number | undefined;
    readonly experimentId: string;
    readonly name?: string | undefined;
    readonly modelType?: string | undefined;
    readonly sourceRunId?: string | undefined;
    readonly params: readonly (readonly [string, string])[];
    readonly tags: readonly (readonly [string, string])[];
  },
): Promise<LoggedModel> {
  const { workspace, principal } = input;
  const modelId = input.modelId ?? `m-${deps.ids.hex32()}`;
  const name = input.name || friendlyName(modelId.slice(2));
  if (/[/:.%"']/.test(name)) {
    throw invalid(
      `Invalid model name (${quoted(name)}) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
    );
  }
  const experiment = await experimentOf(deps, workspace, input.experimentId);
  mustBeActiveExperiment(experiment);
  checkLength(name, NAME_LIMIT, "name");
  const sourceRunId = input.sourceRunId ?? (principal.kind === "run" ? principal.runId : "");
  if (principal.kind === "run") await mayWriteRun(deps.runs, principal, await getRun(deps, workspace, sourceRunId));
  const now = deps.clock.now();
  const root =
    experiment.artifactLocation === ""
      ? `mlflow-artifacts:/${experiment.id}`
      : experiment.artifactLocation.replace(/\/+$/, "");
  const model: LoggedModel = {
    workspace,
    modelId,
    rev: 1,
    experimentId: experiment.id,
    name,
    createdMs: input.createdMs ?? now,
    updatedMs: now,
    artifactUri: `${root}/models/${modelId}/artifacts`,
    status: "LOGGED_MODEL_PENDING",
    creator: principal.name,
    modelType: input.modelType ?? "",
    sourceRunId,
    deleted: false,
    tags: Object.fromEntries(input.tags.map(([key, value]) => checkModelTag(key, value))),
    params: Object.fromEntries(input.params.map(([key, value]) => checkModelParam(key, value))),
    metrics: [],
  };
  await deps.loggedModels.create(model, principal.name);
  return model;
}

const TAG_VALUE_LIMIT = 20_000;

/** Of any characters, and never cut: autologging keeps JSON in them. */
function checkModelTag(key: string, value: string): [string, string] {
  checkLength(key, 250, "Tag key");
  checkLength(value, TAG_VALUE_LIMIT, "Tag value");
  return [key, value];
}

function checkModelParam(key: string, value: string): [string, string] {
  checkLength(key, 250, "Param key");
  checkLength(value, 6000, "Param value");
  return [key, value];
}

export async function getLoggedModel(
  deps: Pick<LoggedModelDeps, "loggedModels">,
  workspace: string,
  modelId: string,
): Promise<LoggedModel> {
  const model = await deps.loggedModels.get(workspace, modelId);
  if (model === undefined || model.deleted) throw notFound(`Logged model with ID '${modelId}' not found.`);
  return model;
}

async function change(
  deps: LoggedModelDeps,
  { workspace, principal }: Caller,
  modelId: string,
  about: { readonly action: string; readonly summary: string },
  decide: (model: LoggedModel) => Partial<LoggedModel>,
): Promise<LoggedModel> {
  await mayWriteLoggedModel(deps.runs, principal, await getLoggedModel(deps, workspace, modelId));
  return deps.loggedModels.change(workspace, modelId, decide, {
    actor: principal.name,
    ...about,
  });
}

export function finalizeLoggedModel(
  deps: LoggedModelDeps,
  caller: Caller,
  modelId: string,
  status: LoggedModelStatus,
): Promise<LoggedModel> {
  return change(deps, caller, modelId, { action: "status", summary: `logged model is ${status}` }, () => ({
    status,
    updatedMs: deps.clock.now(),
  }));
}

export async function deleteLoggedModel(deps: LoggedModelDeps, caller: Caller, modelId: string): Promise<void> {
  await change(deps, caller, modelId, { action: "delete", summary: "logged model deleted" }, () => ({
    deleted: true,
    updatedMs: deps.clock.now(),
  }));
}

export function tagLoggedModel(
  deps: LoggedModelDeps,
  caller: Caller,
  modelId: string,
  tags: readonly (readonly [string, string])[],
): Promise<LoggedModel> {
  const checked = tags.map(([key, value]) => checkModelTag(key, value));
  return change(deps, caller, modelId, { action: "update", summary: "tags set" }, (model) => ({
    tags: { ...model.tags, ...Object.fromEntries(checked) },
  }));
}

export function untagLoggedModel(
  deps: LoggedModelDeps,
  caller: Caller,
  modelId: string,
  key: string,
): Promise<LoggedModel> {
  return change(deps, caller, modelId, { action: "update", summary: `tag \`${key}\` removed` }, (model) => {
    if (!Object.hasOwn(model.tags, key))
      throw notFound(`No tag with key '${key}' found for model with ID '${modelId}'.`);
    return { tags: Object.fromEntries(Object.entries(model.tags).filter(([name]) => name !== key)) };
  });
}

export function logModelParams(
  deps: LoggedModelDeps,
  caller: Caller,
  modelId: string,
  params: readonly (readonly [string, string])[],
): Promise<LoggedModel> {
  return change(deps, caller, modelId, { action: "update", summary: "params logged" }, (model) => {
    const checked = params.map(([key, value]) => checkModelParam(key, value));
    for (const [key, value] of checked) {
      const old = Object.hasOwn(model.params, key) ? model.params[key] : value;
      if (old !== value)
        throw invalid(
          `Changing param values is not allowed. Param with key='${key}' was already logged with value='${old}' for model ID='${modelId}'. Attempted logging new value '${value}'.`,
        );
    }
    return { params: { ...model.params, ...Object.fromEntries(checked) } };
  });
}

export interface DatasetCondition {
  readonly name: string;
  readonly digest?: string | undefined;
}

export interface ModelOrder {
  readonly field: string;
  readonly ascending: boolean;
  readonly dataset?: DatasetCondition | undefined;
}

const MAX_RESULTS = 100;

export async function searchLoggedModels(
  deps: LoggedModelDeps,
  workspace: string,
  query: {
    readonly experimentIds: readonly string[];
    readonly filter?: string | undefined;
    readonly datasets: readonly DatasetCondition[];
    readonly orderBy: readonly ModelOrder[];
    readonly maxResults?: number | undefined;
    readonly pageToken?: string | undefined;
  },
): Promise<{ readonly models: readonly LoggedModel[]; readonly next?: string }> {
  const { maxResults = MAX_RESULTS, orderBy } = query;
  if (maxResults < 1)
    throw invalid(`Invalid value ${maxResults} for parameter 'max_results' supplied: It must be a positive integer`);
  const filter = parseFilter(query.filter, LOGGED_MODELS);
  const onMetrics = filter.filter(({ entity }) => entity === "metric");
  const others = filter.filter(({ entity }) => entity !== "metric");
  const ids = query.experimentIds.map(experimentId);
  const scope = JSON.stringify(["logged-models", ids, query.filter ?? "", query.datasets, orderBy]);
  const order = ordersOf(orderBy);
  const found: LoggedModel[] = [];
  for (const id of new Set(ids)) {
    for (const model of await deps.loggedModels.list(workspace, id)) {
      if (!model.deleted && fitsMetrics(model, onMetrics, query.datasets)) found.push(model);
    }
  }
  const after = query.pageToken ? decodeToken(scope, query.pageToken) : undefined;
  const { rows, next } = searchRows(found, (model) => rowOf(model, orderBy), others, order, maxResults, after);
  return { models: rows, ...(next === undefined ? {} : { next: encodeToken(scope, next) }) };
}

/** With datasets, every condition must hold on one of them; without conditions any metric on one of them will do. */
function fitsMetrics(
  model: LoggedModel,
  conditions: readonly Comparison[],
  datasets: readonly DatasetCondition[],
): boolean {
  const on =
    datasets.length === 0
      ? model.metrics
      : model.metrics.filter((metric) => datasets.some((dataset) => isOn(metric, dataset)));
  if (datasets.length > 0 && conditions.length === 0) return on.length > 0;
  return conditions.every((condition) =>
    on.some((metric) => metric.key === condition.key && holds(metric.value, condition)),
  );
}

function isOn(metric: LoggedModelMetric, { name, digest }: DatasetCondition): boolean {
  return metric.datasetName === name && (digest === undefined || digest === "" || metric.datasetDigest === digest);
}

function holds(actual: number, { op, value }: Comparison): boolean {
  const wanted = Number(value);
  switch (op) {
    case "=":
      return actual === wanted;
    case "!=":
      return actual !== wanted;
    case ">":
      return actual > wanted;
    case ">=":
      return actual >= wanted;
    case "<":
      return actual < wanted;
    default:
      return op === "<=" && actual <= wanted;
  }
}

const ORDER_ATTRIBUTES: Readonly<Record<string, { column: string; kind: "text" | "number" }>> = {
  ...LOGGED_MODELS.attributes,
  experiment_id: { column: "experiment_id", kind: "number" },
  creation_timestamp_ms: { column: "creation_timestamp", kind: "number" },
  last_updated_timestamp_ms: { column: "last_updated_timestamp", kind: "number" },
};

function ordersOf(orderBy: readonly ModelOrder[]): OrderKey[] {
  const keys = orderBy.map(({ field, ascending }, i): OrderKey => {
    const dot = field.indexOf(".");
    if (dot < 0) {
      const known = Object.hasOwn(ORDER_ATTRIBUTES, field) ? ORDER_ATTRIBUTES[field] : undefined;
      if (known === undefined) throw invalid(`Invalid order by field name: ${field}`);
      return { entity: "attribute", key: known.column, kind: known.kind, descending: !ascending };
    }
    if (field.slice(0, dot) !== "metrics")
      throw invalid(`Invalid order by field name: ${field}. Only metrics are supported.`);
    // The key is the clause's number: one metric may be asked for on several datasets.
    return { entity: "metric", key: String(i), kind: "number", descending: !ascending };
  });
  const has = (column: string): boolean => keys.some(({ entity, key }) => entity === "attribute" && key === column);
  return [
    ...keys,
    ...(has("creation_timestamp")
      ? []
      : [{ entity: "attribute", key: "creation_timestamp", kind: "number", descending: true } as const]),
    ...(has("model_id") ? [] : [{ entity: "attribute", key: "model_id", kind: "text", descending: false } as const]),
  ];
}

function rowOf(model: LoggedModel, orderBy: readonly ModelOrder[]): Row {
  return {
    text: (name) => textOf(model, name),
    number: (name) =>
      name === "creation_timestamp"
        ? model.createdMs
        : name === "experiment_id"
          ? Number(model.experimentId)
          : model.updatedMs,
    tag: (key) => (Object.hasOwn(model.tags, key) ? model.tags[key] : undefined),
    param: (key) => (Object.hasOwn(model.params, key) ? model.params[key] : undefined),
    metric: (clause) => latest(model, orderBy[Number(clause)]),
  };
}

function textOf(model: LoggedModel, name: string): string | undefined {
  switch (name) {
    case "name":
      return model.name;
    case "model_id":
      return model.modelId;
    case "model_type":
      return model.modelType;
    case "status":
      return model.status.replace("LOGGED_MODEL_", "");
    case "source_run_id":
      return model.sourceRunId;
    default:
      return undefined;
  }
}

function latest(model: LoggedModel, order: ModelOrder | undefined): number | undefined {
  if (order === undefined) return undefined;
  const key = order.field.slice("metrics.".length);
  let best: LoggedModelMetric | undefined;
  for (const metric of model.metrics) {
    if (metric.key !== key || (order.dataset !== undefined && !isOn(metric, order.dataset))) continue;
    if (
      best === undefined ||
      metric.timestamp > best.timestamp ||
      (metric.timestamp === best.timestamp && metric.step > best.step)
    )
      best = metric;
  }
  return best?.value;
}
