import type { Client } from "../client.ts";
import { imports } from "../routes.ts";
import { copyFiles } from "./files.ts";
import { type Json, listOf, type Mlflow, numberOf, pairsOf, recordOf, textOf } from "./rest.ts";
import type { Tally } from "./tally.ts";

/** Both ends of a move. */
export interface Ends {
  readonly from: Mlflow;
  readonly to: Mlflow;
  readonly client: Client;
  readonly workspace: string;
  readonly tally: Tally;
}

/** An experiment at both ends, and whether it is deleted at the source (then its runs are, too). */
export interface Pair {
  readonly toId: string;
  readonly deleted: boolean;
  /** Metrics of logged models by the run that logged them; they travel with the run's. */
  readonly modelPoints: ReadonlyMap<string, readonly Json[]>;
  /** Makes the workspace's experiment take writes. */
  wake(): Promise<void>;
}

const NAME_TAG = "mlflow.runName";
const LARGEST = Number.MAX_VALUE;

interface Difference {
  readonly points: readonly Json[];
  readonly params: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  readonly datasets: readonly Json[];
  readonly modelInputs: readonly Json[];
  readonly modelOutputs: readonly Json[];
  readonly info: Json;
  readonly restore: boolean;
  readonly remove: boolean;
}

/** Makes the workspace's run what the source's is, and reads it back. Nothing is written where nothing differs. */
export async function copyRun(ends: Ends, pair: Pair, source: Json): Promise<void> {
  const { from, to, tally } = ends;
  const info = recordOf(source.info);
  const id = textOf(info.run_id);
  const points = await history(from, source, pair.modelPoints.get(id) ?? []);
  const data = recordOf(source.data);
  const tags = pairsOf(data.tags);
  tally.found("runs");
  tally.found("params", pairsOf(data.params).size);
  tally.found("tags", tags.size);
  tally.found("metric_points", points.size);
  tally.found("dataset_inputs", listOf(recordOf(source.inputs).dataset_inputs).length);
  try {
    let target = await runAt(to, id);
    if (target === undefined) {
      await pair.wake();
      await ends.client.call(imports.run, {
        params: { workspace: ends.workspace, run: id },
        body: {
          experiment_id: pair.toId,
          name: textOf(info.run_name) || tags.get(NAME_TAG) || undefined,
          user_id: textOf(info.user_id),
          start_time: numberOf(info.start_time),
          tags: Object.fromEntries([...tags].filter(([key]) => key !== NAME_TAG)),
        },
      });
      tally.copied("runs");
      tally.copied("tags", tags.size);
      target = await runAt(to, id);
    }
    const difference = await compare(to, pair, source, points, recordOf(target));
    if (differs(difference)) {
      await pair.wake();
      await apply(to, id, difference);
      tally.copied("params", difference.params.size);
      tally.copied("tags", difference.tags.size);
      tally.copied("metric_points", difference.points.length);
      tally.copied("dataset_inputs", difference.datasets.length);
    }
    const uri = textOf(recordOf(recordOf(target).info).artifact_uri);
    await copyFiles(
      { server: from, kind: "run", id, uri: textOf(info.artifact_uri) },
      { server: to, kind: "run", id, uri },
      tally,
    );
    if (difference.remove) await to.send("POST", "/runs/delete", { run_id: id });
    const left = differs(difference)
      ? await compare(to, pair, source, points, recordOf(await runAt(to, id)))
      : difference;
    count(ends, id, source, points.size, left);
  } catch (error) {
    tally.problem(`run \`${id}\``, error);
  }
}

function count({ tally }: Ends, id: string, source: Json, points: number, left: Difference): void {
  const data = recordOf(source.data);
  tally.equal("params", pairsOf(data.params).size - left.params.size);
  tally.equal("tags", pairsOf(data.tags).size - left.tags.size);
  tally.equal("metric_points", points - left.points.length);
  tally.equal("dataset_inputs", listOf(recordOf(source.inputs).dataset_inputs).length - left.datasets.length);
  if (!differs(left)) {
    tally.equal("runs");
    return;
  }
  const what = [
    ...[...left.params.keys()].map((key) => `param \`${key}\``),
    ...[...left.tags.keys()].map((key) => `tag \`${key}\``),
    ...(left.points.length === 0 ? [] : [`${left.points.length} metric points`]),
    ...left.datasets.map((input) => `dataset \`${textOf(recordOf(input.dataset).name)}\``),
    ...(left.modelInputs.length + left.modelOutputs.length === 0 ? [] : ["inputs or outputs that are models"]),
    ...Object.keys(left.info).map((field) => `\`${field}\``),
    ...(left.restore || left.remove ? ["whether it is deleted"] : []),
  ];
  tally.differs(`run \`${id}\``, `still differs from the source in ${what.slice(0, 8).join(", ")}`);
}

async function runAt(server: Mlflow, id: string): Promise<Json | undefined> {
  const found = await server.find("/runs/get", { run_id: id });
  return found === undefined ? undefined : recordOf(found.run);
}

/** Every point of every key, each once, by what makes it itself. */
async function history(server: Mlflow, run: Json, ofModels: readonly Json[]): Promise<Map<string, Json>> {
  const id = textOf(recordOf(run.info).run_id);
  const points = new Map<string, Json>();
  for (const metric of listOf(recordOf(run.data).metrics)) {
    const key = textOf(metric.key);
    const pages = server.pages("GET", "/metrics/get-history", "metrics", {
      run_id: id,
      metric_key: key,
      max_results: "25000",
    });
    for await (const raw of pages) keep(points, key, raw);
  }
  // A model's metric is the run's, too, and is written once, with the model's id.
  for (const raw of ofModels) keep(points, textOf(raw.key), raw);
  return points;
}

function keep(points: Map<string, Json>, key: string, raw: Json): void {
  const value = Math.max(-LARGEST, Math.min(LARGEST, Number(raw.value ?? 0)));
  const timestamp = Number(raw.timestamp ?? 0);
  const step = Number(raw.step ?? 0);
  const named = (["model_id", "dataset_name", "dataset_digest"] as const).filter((name) => textOf(raw[name]) !== "");
  points.set(JSON.stringify([key, step, timestamp, String(value)]), {
    key,
    value: Number.isFinite(value) ? value : String(value),
    timestamp,
    step,
    ...Object.fromEntries(named.map((name) => [name, raw[name]])),
  });
}

async function compare(
  to: Mlflow,
  pair: Pair,
  source: Json,
  points: ReadonlyMap<string, Json>,
  target: Json,
): Promise<Difference> {
  const [a, b] = [recordOf(source.info), recordOf(target.info)];
  const [dataA, dataB] = [recordOf(source.data), recordOf(target.data)];
  const there = await history(to, target, []);
  const fields = ["status", "end_time", "run_name"].filter(
    (field) => textOf(a[field]) !== "" && textOf(a[field]) !== textOf(b[field]),
  );
  const gone = textOf(a.lifecycle_stage) === "deleted";
  const isGone = textOf(b.lifecycle_stage) === "deleted";
  const part: Omit<Difference, "restore" | "remove"> = {
    points: [...points].filter(([key]) => !there.has(key)).map(([, point]) => point),
    params: missingFrom(pairsOf(dataA.params), pairsOf(dataB.params)),
    tags: missingFrom(pairsOf(dataA.tags), pairsOf(dataB.tags)),
    datasets: without(source.inputs, target.inputs, "dataset_inputs", datasetId),
    modelInputs: without(source.inputs, target.inputs, "model_inputs", (it) => textOf(it.model_id)),
    modelOutputs: without(source.outputs, target.outputs, "model_outputs", (it) => textOf(it.model_id)),
    info: Object.fromEntries(fields.map((field) => [field, a[field]])),
  };
  const writes = wantsWrites(part);
  return {
    ...part,
    restore: isGone && !pair.deleted && (writes || !gone),
    remove: gone && !pair.deleted && (writes || !isGone),
  };
}

function missingFrom(source: ReadonlyMap<string, string>, target: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...source].filter(([key, value]) => target.get(key) !== value));
}

function without(source: unknown, target: unknown, field: string, idOf: (item: Json) => string): Json[] {
  const there = new Set(listOf(recordOf(target)[field]).map(idOf));
  return listOf(recordOf(source)[field]).filter((item) => !there.has(idOf(item)));
}

function datasetId(input: Json): string {
  const { name, digest } = recordOf(input.dataset);
  return JSON.stringify([name, digest]);
}

function wantsWrites(it: Omit<Difference, "restore" | "remove">): boolean {
  const lists = [it.points, it.datasets, it.modelInputs, it.modelOutputs, Object.keys(it.info)];
  return it.params.size > 0 || it.tags.size > 0 || lists.some((list) => list.length > 0);
}

function differs(it: Difference): boolean {
  return wantsWrites(it) || it.restore || it.remove;
}

/** Deleting is for the end, when the files are there. */
async function apply(to: Mlflow, id: string, it: Difference): Promise<void> {
  if (it.restore) await to.send("POST", "/runs/restore", { run_id: id });
  const batch = (body: Json) => to.send("POST", "/runs/log-batch", { run_id: id, ...body });
  const asPairs = (map: ReadonlyMap<string, string>) => Array.from(map, ([key, value]) => ({ key, value }));
  for (const params of chunks(asPairs(it.params), 100)) await batch({ params });
  for (const tags of chunks(asPairs(it.tags), 100)) await batch({ tags });
  for (const metrics of chunks(it.points, 1000)) await batch({ metrics });
  for (const datasets of chunks(it.datasets, 100)) await to.send("POST", "/runs/log-inputs", { run_id: id, datasets });
  if (it.modelInputs.length > 0) await to.send("POST", "/runs/log-inputs", { run_id: id, models: it.modelInputs });
  if (it.modelOutputs.length > 0) await to.send("POST", "/runs/outputs", { run_id: id, models: it.modelOutputs });
  if (Object.keys(it.info).length > 0) await to.send("POST", "/runs/update", { run_id: id, ...it.info });
}

/** What MLflow takes in a request, with room for its text in UTF-8. */
const ROOM = 300_000;

function chunks<T>(items: readonly T[], limit: number): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = JSON.stringify(item).length;
    const group = groups.at(-1);
    if (group === undefined || group.length >= limit || room + size > ROOM) {
      groups.push([item]);
      room = size;
    } else {
      group.push(item);
      room += size;
    }
  }
  return groups;
}
