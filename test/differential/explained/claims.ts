import type { Call, Json } from "../call.ts";

/** What a refusal says of its request, looked up in the request: rules about words ask here, so that they hide no refusal that is wrong. */
export function isTrueOf(message: string, call: Call): boolean {
  const [, missing = ""] = MISSING.exec(message) ?? [];
  if (missing !== "") return isEmpty(valueAt(call, missing));
  const [, shown = "", path = ""] = VALUE.exec(message) ?? [];
  if (path !== "") return isShown(shown, valueAt(call, path));
  const [, field = "", limit = ""] = LIMIT.exec(message) ?? [];
  if (field !== "") {
    const name = field === "name" && message.startsWith("'Metric") ? "key" : field.replace(/^.*\./, "");
    return [name, `new_${name}`].some((each) => textsOf(call, each).some((text) => [...text].length > Number(limit)));
  }
  const other = OTHERS.find(([words]) => words.test(message));
  return other?.[1](call, message) ?? false;
}

/** What a refusal says of a field of the request is not so. */
export function isUntrue(message: string, call: Call): boolean {
  return [MISSING, VALUE, LIMIT].some((words) => words.test(message)) && !isTrueOf(message, call);
}

export const MISSING = /^Missing value for required parameter '(.+?)'/;
const VALUE = /^Invalid value (.*?) for parameter '(.+?)' supplied/s;
const LIMIT = /^'?(?:Metric |Param )?([\w.[\]]+)'? exceeds the maximum length of (\d+)/;

const OTHERS: readonly (readonly [words: RegExp, isSo: (call: Call, message: string) => boolean])[] = [
  [/page token|only ASCII characters/, (call) => !isEmpty(valueAt(call, "page_token"))],
  [/max_results/, (call) => valueAt(call, "max_results") !== undefined],
  [/^Both dataset_name and dataset_digest/, (call) => entries(call).some(hasHalfADataset)],
  [/must specify at least one/, (call) => isEmpty(valueAt(call, "experiment_ids"))],
  [/^Artifact path must/, (call) => call.path.includes("artifact")],
  [/^A batch logging|^Batched logging/, ({ path }) => path.endsWith("/log-batch")],
  [
    /^(Invalid (experiment ID|model name|alias name|model version source|Model Version stage)|Registered model alias|Parameter 'version'|'source' cannot)/,
    (call, message) => allTexts(call).some((text) => message.includes(text)),
  ],
];

/** The value of a field of the body or the query, such as `metrics[0].key`. */
export function valueAt(call: Call, path: string): Json | undefined {
  let value: Json | undefined = fieldsOf(call);
  for (const [, name = "", index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const fields = value as { readonly [at: string]: Json } | null | undefined;
    // MLflow calls the key of a metric its name.
    const isMetric = name === "name" && (path.startsWith("metrics[") || call.path.endsWith("/log-metric"));
    value = fields?.[index ?? (isMetric ? "key" : name)];
  }
  return value;
}

function fieldsOf({ body, bytes, query = [] }: Call): Json {
  const asked: Record<string, Json> = {};
  for (const [name, value] of query) {
    const all = query.filter(([other]) => other === name).map(([, each]) => each);
    asked[name] = all.length > 1 ? all : value;
  }
  const sent = body ?? fromBytes(bytes);
  return typeof sent === "object" && sent !== null ? { ...asked, ...sent } : asked;
}

/** Some bodies are JSON within a JSON text. */
function fromBytes(bytes = "null"): unknown {
  const once = read(bytes);
  return typeof once === "string" ? read(once) : once;
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Whether the text of a message is this value, but for how Python writes it, references and what was cut. */
function isShown(shown: string, value: Json | undefined): boolean {
  if (value === undefined) return false;
  const written = JSON.stringify(value);
  // Of a value of a wrong type MLflow keeps nothing.
  if (shown === '""' && typeof value !== "string") return true;
  if (written.includes("#") || shown.endsWith("…")) return true;
  return JSON.stringify(read(shown)) === written || shown === String(value);
}

function read(shown: string): unknown {
  try {
    return JSON.parse(shown);
  } catch {
    return shown;
  }
}

function textsOf(call: Call, field: string): string[] {
  const found: string[] = [];
  walk(fieldsOf(call), "", (name, value) => {
    if (name === field && typeof value === "string") found.push(value);
  });
  return found;
}

function allTexts(call: Call): string[] {
  const found: string[] = [];
  walk(fieldsOf(call), "", (_, value) => {
    if (typeof value === "string" && value !== "") found.push(value);
  });
  return found;
}

function entries(call: Call): Json[] {
  const found: Json[] = [];
  walk(fieldsOf(call), "", (_, value) => found.push(value));
  return found;
}

function walk(value: Json, name: string, visit: (name: string, value: Json) => void): void {
  visit(name, value);
  if (Array.isArray(value)) for (const each of value as readonly Json[]) walk(each, name, visit);
  else if (typeof value === "object" && value !== null)
    for (const [key, each] of Object.entries(value)) walk(each, key, visit);
}

function hasHalfADataset(value: Json): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { dataset_name, dataset_digest } = value as { readonly [name: string]: Json };
  return isEmpty(dataset_name) !== isEmpty(dataset_digest);
}

const LISTS = /^(tags|params|metrics|datasets|models|experiment_ids|order_by|stages|run_ids)$/;
const TEXT_LISTS = /^(experiment_ids|order_by|stages|run_ids)\[\d+\]$/;
const INTEGERS = /(^|\.)(timestamp|step|start_time|end_time|max_results|start_step|end_step)$/;
const FLAGS = /(^|\.)(ascending|archive_existing_versions)$/;
const NAMES: Readonly<Record<string, RegExp>> = {
  view_type: /^(ACTIVE_ONLY|DELETED_ONLY|ALL|[123])$/,
  run_view_type: /^(ACTIVE_ONLY|DELETED_ONLY|ALL|[123])$/,
  status: /^(RUNNING|SCHEDULED|FINISHED|FAILED|KILLED|[12345])$/,
};
const MODEL_STATUS = /^(LOGGED_MODEL_(PENDING|READY|UPLOAD_FAILED)|[123])$/;

/** A field that holds a list is null. */
export function hasNullList({ body }: Call): boolean {
  return (
    typeof body === "object" &&
    body !== null &&
    Object.entries(body).some(([name, value]) => LISTS.test(name) && value === null)
  );
}

/** The field that a refusal calls wrong, where it is: neither absent nor of the type that the API gives it. */
export function wrongField(message: string, call: Call): string | undefined {
  const [, shown = "", path = ""] = VALUE.exec(message) ?? [];
  if (path === "" || !/Hint: Value was of type|It must be one of/.test(message)) return undefined;
  const value = valueAt(call, path);
  return value !== undefined && isShown(shown, value) && !isRight(path, value, call) ? path : undefined;
}

function isRight(path: string, value: Json, call: Call): boolean {
  const isMetricValue = /^metrics\[\d+\]\.value$/.test(path) || (path === "value" && call.path.endsWith("/log-metric"));
  if (LISTS.test(path)) return Array.isArray(value);
  if (path.endsWith("]") && !(TEXT_LISTS.test(path) && !call.path.includes("logged-models")))
    return typeof value === "object" && value !== null && !Array.isArray(value);
  if (/(^|\.)dataset$/.test(path)) return typeof value === "object" && value !== null && !Array.isArray(value);
  if (INTEGERS.test(path)) return /^-?\d+$/.test(String(value)) && isInt64(String(value)) && typeof value !== "object";
  if (isMetricValue)
    return (
      typeof value === "number" ||
      (typeof value === "string" && /^(NaN|-?Infinity|[-+]?\d*\.?\d+([eE][-+]?\d+)?)$/.test(value))
    );
  if (FLAGS.test(path)) return typeof value === "boolean" || /^(true|false)$/i.test(String(value));
  const names = path === "status" && call.path.includes("/logged-models") ? MODEL_STATUS : NAMES[path];
  if (names !== undefined) return typeof value !== "object" && names.test(String(value));
  return typeof value === "string";
}

function isInt64(text: string): boolean {
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
