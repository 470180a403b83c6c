import { AppError } from "../../contract/errors.ts";
import { invalid, invalidValue, missing, notFound, quoted } from "./errors.ts";
import { checkKey, checkLength, checkParam, checkRunId, checkTag, KEY_LIMIT } from "./names.ts";
import type { DatasetInput, LoggedModelMetric, LoggedModelStore, MetricPoint, Run, RunChange } from "./ports.ts";
import { mayWriteLoggedModel } from "./rights.ts";
import { type Caller, changeRun, getRun, mustBeActive, RUN_NAME_TAG, type RunDeps } from "./runs.ts";

const METRICS_LIMIT = 1000;
const PARAMS_TAGS_LIMIT = 100;
const DATASETS_LIMIT = 1000;
const LARGEST = Number.MAX_VALUE;

/** A metric as a client sends it, not yet looked at. */
export interface RawMetric {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly timestamp?: unknown;
  readonly step?: unknown;
  readonly model_id?: unknown;
  readonly dataset_name?: unknown;
  readonly dataset_digest?: unknown;
}

export interface Logged extends MetricPoint {
  readonly modelId?: string;
  readonly datasetName?: string;
  readonly datasetDigest?: string;
}

/** Checks one metric; `path` is empty or such as `metrics[3]`. Infinities become the largest numbers, as a SQL store keeps them. */
export function readMetric(raw: RawMetric, path: string): Logged {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const { key } = raw;
  if (key === undefined || key === null) throw missing(at("key"));
  if (typeof key !== "string") throw wrongType(at("key"), key);
  if (key === "") throw missing(at("key"));
  if (raw.value === undefined || raw.value === null) throw missing(at("value"));
  const value = toNumber(raw.value, at("value"));
  if (raw.timestamp === undefined || raw.timestamp === null) throw missing(at("timestamp"));
  const timestamp = toInteger(raw.timestamp, at("timestamp"));
  const step = raw.step === undefined || raw.step === null ? 0 : toInteger(raw.step, at("step"));
  // What is there and of the right type comes before what it says.
  checkKey(key, path === "" ? "name" : `${path}.name`);
  checkLength(key, KEY_LIMIT, "Metric name");
  if (timestamp < 0) {
    throw invalidValue(
      at("timestamp"),
      timestamp,
      `metric '${key}' (value=${asPythonFloat(value)}). Timestamp must be a nonnegative long (64-bit integer) `,
    );
  }
  const point = { key, value: Math.max(-LARGEST, Math.min(LARGEST, value)), timestamp, step };
  const modelId = textOf(raw.model_id, at("model_id"));
  const datasetName = textOf(raw.dataset_name, at("dataset_name"));
  const datasetDigest = textOf(raw.dataset_digest, at("dataset_digest"));
  if ((datasetName === undefined) !== (datasetDigest === undefined))
    throw invalid("Both dataset_name and dataset_digest must be provided if one is provided");
  if (modelId === undefined) return point;
  return {
    ...point,
    modelId,
    ...(datasetName === undefined ? {} : { datasetName }),
    ...(datasetDigest === undefined ? {} : { datasetDigest }),
  };
}

function asPythonFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").replace("NaN", "nan");
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function textOf(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw wrongType(path, value);
  return value;
}

/** Names of types as clients of MLflow know them. */
export function typeName(value: unknown): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "string":
      return "str";
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int" : "float";
    default:
      return "dict";
  }
}

export function wrongType(path: string, value: unknown, detail = ""): Error {
  return invalidValue(
    path,
    value,
    `${detail} Hint: Value was of type '${typeName(value)}'. See the API docs for more information about request parameters.`,
  );
}

export function toNumber(value: unknown, path: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "string" && value.trim() !== "" && !/^\s*0[xob]/i.test(value)) {
    const number = Number(value);
    if (!Number.isNaN(number) || value === "NaN") return number;
  }
  throw wrongType(path, value);
}

/** What a 64-bit integer can hold. */
const INTEGER_LIMIT = 2 ** 63;

export function toInteger(value: unknown, path: string): number {
  const isText = typeof value === "string" && /^-?\d+$/.test(value) && isInt64(value);
  const integer = isText ? Number(value) : value;
  if (typeof integer === "number" && Number.isInteger(integer) && Math.abs(integer) <= INTEGER_LIMIT) return integer;
  throw wrongType(path, value);
}

/** Text says it exactly, where a number as large as this is rounded. */
function isInt64(digits: string): boolean {
  const size = digits.replace(/^-?0*/, "").length;
  return size < 19 || (size === 19 && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits));
}

export interface Batch {
  readonly metrics: readonly Logged[];
  readonly params: readonly (readonly [string, string])[];
  readonly tags: readonly (readonly [string, string])[];
}

/** Looks at a whole log-batch body before anything is written. */
export function readBatch(body: {
  readonly metrics?: unknown;
  readonly params?: unknown;
  readonly tags?: unknown;
}): Batch {
  const metrics = listOf(body.metrics, "metrics");
  const params = listOf(body.params, "params");
  const tags = listOf(body.tags, "tags");
  limited("metrics", METRICS_LIMIT, metrics.length);
  limited("params", PARAMS_TAGS_LIMIT, params.length);
  limited("tags", PARAMS_TAGS_LIMIT, tags.length);
  limited("metrics, params, and tags", METRICS_LIMIT, metrics.length + params.length + tags.length);
  const batch = {
    metrics: metrics.map((metric, i) => readMetric(metric, `metrics[${i}]`)),
    params: params.map((param, i) => checkParam(...pair(param, `params[${i}]`), `params[${i}]`)),
    tags: tags.map((tag, i) => checkTag(...pair(tag, `tags[${i}]`), `tags[${i}]`)),
  };
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const [key] of batch.params) {
    if (seen.has(key)) twice.push(key);
    seen.add(key);
  }
  if (twice.length > 0) {
    const keys = twice.map((key) => `'${key}'`).join(", ");
    throw invalid(
      `Duplicate parameter keys have been submitted: [${keys}]. Please ensure the request contains only one param value per param key.`,
    );
  }
  return batch;
}

function limited(name: string, limit: number, count: number): void {
  if (count <= limit) return;
  throw invalid(
    `A batch logging request can contain at most ${limit} ${name}. Got ${count} ${name}. Please split up ${name} across multiple requests and try again.`,
  );
}

function listOf(value: unknown, path: string): readonly Record<string, unknown>[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrongType(path, value);
  value.forEach((entry: unknown, i) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) throw wrongType(`${path}[${i}]`, entry);
  });
  return value as Record<string, unknown>[];
}

/** Key and value of a param or tag; an absent value is the empty text. */
export function pair(entry: Record<string, unknown>, path: string): [string, string] {
  const { key, value } = entry;
  if (key === undefined || key === null || key === "") throw missing(path === "" ? "key" : `${path}.key`);
  if (typeof key !== "string") throw wrongType(`${path}.key`, key);
  if (value === undefined || value === null) return [key, ""];
  if (typeof value !== "string") throw wrongType(`${path}.value`, value);
  return [key, value];
}

export interface LogDeps extends Pick<RunDeps, "runs" | "experiments" | "clock"> {
  readonly loggedModels: LoggedModelStore;
}

/** Params, metrics and tags of one request, all or nothing. */
export async function logBatch(deps: LogDeps, caller: Caller, runId: string, batch: Batch, one = false): Promise<Run> {
  const ofModels = batch.metrics.filter((metric) => metric.modelId !== undefined);
  for (const modelId of new Set(ofModels.map((metric) => metric.modelId ?? "")))
    if ((await deps.loggedModels.get(caller.workspace, modelId)) === undefined) {
      mustBeActive(await getRun(deps, caller.workspace, runId));
      throw notFound(`Logged model with ID '${modelId}' not found.`);
    }
  const run = await changeRun(deps, caller, runId, (before) => changeOf(before, batch, one));
  if (ofModels.length > 0) await logToModels(deps, caller, run, ofModels);
  return run;
}

function changeOf(run: Run, batch: Batch, one: boolean): RunChange | undefined {
  const params = new Map<string, string>();
  const wrong: { key: string; old: string; next: string }[] = [];
  for (const [key, value] of batch.params) {
    const old = run.params.get(key);
    if (old === undefined) params.set(key, value);
    else if (old !== value) wrong.push({ key, old, next: value });
  }
  const first = wrong[0];
  if (first !== undefined && one) {
    throw invalid(
      `Changing param values is not allowed. Param with key='${first.key}' was already logged with value='${first.old}' for run ID='${run.runId}'. Attempted logging new value '${first.next}'.`,
    );
  }
  if (first !== undefined) {
    const list = wrong
      .map(({ key, old, next }) => `{'key': ${quoted(key)}, 'old_value': ${quoted(old)}, 'new_value': ${quoted(next)}}`)
      .join(", ");
    throw invalid(
      `Changing param values is not allowed. Params were already logged='[${list}]' for run ID='${run.runId}'.`,
    );
  }
  if (params.size === 0 && batch.tags.length === 0 && batch.metrics.length === 0) return undefined;
  const tags = new Map(batch.tags.filter(([key, value]) => key !== RUN_NAME_TAG || value !== ""));
  const name = tags.get(RUN_NAME_TAG);
  return { params, tags, points: batch.metrics, ...(name === undefined ? {} : { name }) };
}

async function logToModels(deps: LogDeps, caller: Caller, run: Run, metrics: readonly Logged[]): Promise<void> {
  for (const [modelId, points] of Map.groupBy(metrics, (metric) => metric.modelId ?? "")) {
    const model = await deps.loggedModels.get(caller.workspace, modelId);
    if (model === undefined || model.deleted) continue;
    await mayWriteLoggedModel(deps.runs, caller.principal, model);
    await deps.loggedModels.change(caller.workspace, modelId, (before) => {
      const known = new Map(before.metrics.map((metric) => [identity(metric), metric]));
      for (const { modelId: _, ...point } of points) {
        const metric: LoggedModelMetric = { ...point, runId: run.runId };
        known.set(identity(metric), metric);
      }
      return { metrics: [...known.values()] };
    });
  }
}

function identity(metric: LoggedModelMetric): string {
  return JSON.stringify([metric.key, metric.timestamp, metric.step, metric.runId]);
}

const LIMITS = [
  ["name", 500],
  ["digest", 36],
  ["source", 65_535],
  ["schema", 1_048_575],
  ["profile", 16_777_215],
] as const;

/** Input datasets and models. A dataset (name, digest) that is there keeps its tags. */
export async function logInputs(
  deps: LogDeps,
  caller: Caller,
  runId: string,
  datasets: readonly DatasetInput[],
  modelIds: readonly string[],
): Promise<Run> {
  checkRunId(runId);
  if (datasets.length > DATASETS_LIMIT)
    throw invalid(`A run's inputs are logged at most ${DATASETS_LIMIT} a request. Got ${datasets.length} datasets.`);
  datasets.forEach((input, i) => {
    for (const [field, limit] of LIMITS) {
      const text = input.dataset[field];
      if (text !== undefined) checkLength(text, limit, field);
      else if (field === "name" || field === "digest" || field === "source")
        throw missing(`datasets[${i}].dataset.${field}`);
    }
    if (JSON.stringify(input).length > DATASET_ROOM) {
      throw new AppError(
        "InvalidArgument",
        `dataset \`${input.dataset.name}\` is described in more than ${DATASET_ROOM} characters`,
        {
          hint: "log a shorter schema or profile",
        },
      );
    }
    for (const tag of input.tags) {
      checkLength(tag.key, 255, "key");
      checkLength(tag.value, 500, "value");
    }
  });
  let run: Run | undefined;
  const [first = [], ...rest] = inRoom(datasets);
  for (const [i, some] of [first, ...rest].entries())
    run = await addInputs(deps, caller, runId, some, i === 0 ? modelIds : []);
  return run ?? addInputs(deps, caller, runId, [], modelIds);
}

/** Groups that fit one transaction. */
function inRoom(datasets: readonly DatasetInput[]): DatasetInput[][] {
  const groups: DatasetInput[][] = [];
  let room = 0;
  for (const input of datasets) {
    const size = JSON.stringify(input).length;
    const group = groups.at(-1);
    if (group === undefined || group.length >= 50 || room + size > 800_000) {
      groups.push([input]);
      room = size;
    } else {
      group.push(input);
      room += size;
    }
  }
  return groups;
}

function addInputs(
  deps: LogDeps,
  caller: Caller,
  runId: string,
  datasets: readonly DatasetInput[],
  modelIds: readonly string[],
): Promise<Run> {
  return changeRun(deps, caller, runId, (run) => {
    const known = new Set(run.datasets.map(({ name, digest }) => `${digest} ${name}`));
    const fresh = datasets.filter(({ dataset }) => {
      const id = `${dataset.digest} ${dataset.name}`;
      if (known.has(id)) return false;
      known.add(id);
      return true;
    });
    const models = modelIds.filter((id) => !run.modelInputs.includes(id));
    if (fresh.length === 0 && models.length === 0) return undefined;
    return { datasets: fresh, modelInputs: [...run.modelInputs, ...new Set(models)] };
  });
}

/** Schema and profile together; MLflow itself takes longer profiles, which no client makes. */
const DATASET_ROOM = 1_200_000;

export function logOutputs(
  deps: LogDeps,
  caller: Caller,
  runId: string,
  models: readonly { readonly modelId: string; readonly step: number }[],
): Promise<Run> {
  return changeRun(deps, caller, runId, (run) => {
    const fresh = models.filter(({ modelId }) => !run.modelOutputs.some((known) => known.modelId === modelId));
    return fresh.length === 0 ? undefined : { modelOutputs: [...run.modelOutputs, ...fresh] };
  });
}

const MODEL_HISTORY_TAG = "mlflow.log-model.history";

/** Clients before MLflow 3 keep what they logged in a tag. */
export function logModelJson(deps: LogDeps, caller: Caller, runId: string, text: string): Promise<Run> {
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch {
    throw invalid(`Malformed model info. \n ${text} \n is not a valid JSON.`);
  }
  if (typeof model !== "object" || model === null || Array.isArray(model))
    throw invalid("Malformed model info: it is not an object");
  const absent = ["artifact_path", "flavors", "run_id", "utc_time_created"].filter(
    (field) => !Object.hasOwn(model, field),
  );
  if (absent.length > 0)
    throw invalid(`Model json is missing mandatory fields: ${absent.map((field) => `'${field}'`).join(",")}`);
  return changeRun(deps, caller, runId, (run) => {
    const before = JSON.parse(run.tags.get(MODEL_HISTORY_TAG) ?? "[]") as unknown[];
    return { tags: new Map([[MODEL_HISTORY_TAG, JSON.stringify([...before, model])]]) };
  });
}
