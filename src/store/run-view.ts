import type { DatasetInput, Run, RunView } from "../core/tracking/ports.ts";
import { numberAt, type StoredColumns, type TextColumn } from "./columns.ts";
import { defaultArtifactUri } from "./run-items.ts";
import type { TextPool } from "./text-pool.ts";

/** Columns that no filter names. */
export const LIFECYCLE = "lifecycle";
export const METRIC_TIME = "time";
export const METRIC_STEP = "step";
export const INPUTS = "inputs";
export const MODEL_INPUTS = "model_inputs";
export const MODEL_OUTPUTS = "model_outputs";
export const RUN_NAME = "run_name";

/** Text of a list's column; none for an empty one. */
export function listText(list: readonly unknown[]): string | undefined {
  return list.length === 0 ? undefined : JSON.stringify(list);
}

/** Longer ones are not kept in memory: their number is, so that they are read once. */
const INPUTS_CHARS = 2000;

/** Text of the datasets' column: their number, and themselves where they are short. */
export function inputsText(inputs: readonly DatasetInput[]): string {
  const text = JSON.stringify(inputs);
  return `${inputs.length} ${text.length > INPUTS_CHARS ? "" : text}`;
}

export function inputsCount(text: string): number {
  return Number.parseInt(text, 10);
}

function inputsOf(text: string): readonly DatasetInput[] | undefined {
  const json = text.slice(text.indexOf(" ") + 1);
  return json === "" ? undefined : (JSON.parse(json) as DatasetInput[]);
}

/** Makes runs of an experiment's columns as they were put in, until these change. Names are in order. */
export function makeViewer(experimentId: string, stored: StoredColumns): (row: number) => RunView {
  const readers = new Map<TextPool, (code: number) => string>();
  const textReader = (column: TextColumn | undefined) => {
    if (column === undefined) return () => undefined;
    const { codes, pool } = column;
    const read = readers.get(pool) ?? pool.reader();
    readers.set(pool, read);
    return (row: number): string | undefined => (codes[row] ? read(codes[row]) : undefined);
  };
  const idOf = stored.ids.reader();
  const text = (name: string) => textReader(stored.texts.get(name));
  const number = (name: string) => {
    const column = stored.numbers.get(name);
    return (row: number) => (column === undefined ? undefined : numberAt(column, row));
  };
  const texts = (kind: string) => keysOf(stored.texts, kind).map((key) => [key, text(`${kind} ${key}`)] as const);
  const [tags, params] = [texts("tag"), texts("parameter")];
  const metrics = metricColumns(stored);
  const [name, userId, status, lifecycle] = [text(RUN_NAME), text("user_id"), text("status"), text(LIFECYCLE)];
  const [artifactUri, modelInputs, modelOutputs] = [text("artifact_uri"), text(MODEL_INPUTS), text(MODEL_OUTPUTS)];
  const [startMs, endMs] = [number("start_time"), number("end_time")];
  const inputsTextAt = text(INPUTS);

  return (row) => {
    const runId = idOf(row + 1);
    const metricsOf = new Map<string, { value: number; timestamp: number; step: number }>();
    for (const { key, values, times, steps } of metrics) {
      const value = numberAt(values, row);
      // Time and step are there wherever a value is.
      if (value !== undefined) metricsOf.set(key, { value, timestamp: times[row] ?? 0, step: steps[row] ?? 0 });
    }
    const inputs = inputsOf(inputsTextAt(row) ?? "");
    return {
      runId,
      experimentId,
      name: name(row) ?? "",
      userId: userId(row) ?? "",
      status: status(row) as Run["status"],
      startMs: startMs(row),
      endMs: endMs(row),
      lifecycle: lifecycle(row) as Run["lifecycle"],
      artifactUri: artifactUri(row) ?? defaultArtifactUri(experimentId, runId),
      tags: textsAt(tags, row),
      params: textsAt(params, row),
      metrics: metricsOf,
      datasets: stored.datasets.get(row) ?? [],
      modelInputs: listOf(modelInputs(row)),
      modelOutputs: listOf(modelOutputs(row)),
      ...(inputs === undefined ? {} : { inputs }),
    };
  };
}

function metricColumns({ numbers }: StoredColumns) {
  const none = new Float64Array(0);
  return keysOf(numbers, "metric").flatMap((key) => {
    const values = numbers.get(`metric ${key}`);
    if (values === undefined) return [];
    const [times, steps] = [METRIC_TIME, METRIC_STEP].map((kind) => numbers.get(`${kind} ${key}`)?.values ?? none);
    return [{ key, values, times: times ?? none, steps: steps ?? none }];
  });
}

function keysOf(columns: ReadonlyMap<string, unknown>, kind: string): string[] {
  const start = `${kind} `;
  return [...columns.keys()]
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length))
    .sort();
}

function textsAt(
  columns: readonly (readonly [string, (row: number) => string | undefined])[],
  row: number,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [key, textAt] of columns) {
    const text = textAt(row);
    if (text !== undefined) found.set(key, text);
  }
  return found;
}

function listOf<T>(text: string | undefined): readonly T[] {
  return text === undefined ? [] : (JSON.parse(text) as T[]);
}
