import { createHash } from "node:crypto";
import { eachOf } from "../src/client/each-of.ts";

/** What an MLflow server holds, by what does not depend on the server: of each kind how many, and a SHA-256 over all of them in order. */
export type Contents = Readonly<
  Record<string, { readonly count: number; readonly sha256: string; readonly lines: readonly string[] }>
>;

type Json = Record<string, unknown>;
type Get = (path: string, query: Readonly<Record<string, string | readonly string[]>>) => Promise<Json>;

const AT_ONCE = 8;

/** Reads everything over HTTP, by calls the import does not share code with. */
export async function contentsOf(base: string, token?: string): Promise<Contents> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const bytes = async (path: string): Promise<string> => {
    const answer = await fetch(`${base}${path}`, { headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return createHash("sha256")
      .update(await answer.bytes())
      .digest("hex");
  };
  const post = async (path: string, body: Json): Promise<Json> => {
    const sent = { method: "POST", headers: { ...headers, "content-type": "application/json" } };
    const answer = await fetch(`${base}/api/2.0/mlflow/${path}`, { ...sent, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Json;
  };
  const get: Get = async (path, query) => {
    const pairs = Object.entries(query).flatMap(([key, value]) =>
      [value].flat().map((each): [string, string] => [key, String(each)]),
    );
    const answer = await fetch(`${base}/api/2.0/mlflow/${path}?${new URLSearchParams(pairs)}`, { headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Json;
  };
  const kinds = new Map<string, string[]>();
  const note = (kind: string, what: unknown) => noteAll(kind, [what]);
  const noteAll = (kind: string, what: readonly unknown[]) => {
    const list = kinds.get(kind) ?? [];
    for (const each of what) list.push(JSON.stringify(each));
    kinds.set(kind, list);
  };

  const experiments = objects((await post("experiments/search", { view_type: "ALL", max_results: 1000 })).experiments);
  for (const experiment of experiments) {
    note("experiments", [experiment.name, experiment.lifecycle_stage, pairs(experiment.tags)]);
    const found = await every("runs", (page_token) =>
      post("runs/search", {
        experiment_ids: [experiment.experiment_id],
        run_view_type: "ALL",
        max_results: 500,
        page_token,
      }),
    );
    await eachOf(found, AT_ONCE, async (run) => {
      const info = run.info as Json;
      const data = (run.data ?? {}) as Json;
      const id = String(info.run_id);
      const times = [info.start_time, info.end_time ?? null];
      note("runs", [id, experiment.name, info.run_name, info.status, info.lifecycle_stage, info.user_id, times]);
      noteAll(
        "params",
        pairs(data.params).map((pair) => [id, pair]),
      );
      noteAll(
        "tags",
        pairs(data.tags).map((pair) => [id, pair]),
      );
      const inputs = (run.inputs ?? {}) as Json;
      noteAll(
        "dataset inputs",
        objects(inputs.dataset_inputs).map((input) => [id, sortedObject(input.dataset as Json), pairs(input.tags)]),
      );
      const outputs = (run.outputs ?? {}) as Json;
      noteAll(
        "model outputs",
        objects(outputs.model_outputs).map((output) => [id, output.model_id]),
      );
      for (const metric of objects(data.metrics)) {
        const points = await get("metrics/get-history", { run_id: id, metric_key: String(metric.key) });
        noteAll(
          "metric points",
          objects(points.metrics).map((p) => [id, p.key, value(p.value), Number(p.timestamp), Number(p.step)]),
        );
      }
      const files = await filesBelow((path) => get("artifacts/list", { run_id: id, ...(path === "" ? {} : { path }) }));
      for (const path of files)
        note("artifacts", [id, path, await bytes(`/get-artifact?${new URLSearchParams({ run_id: id, path })}`)]);
    });
    const logged = await every("models", (page_token) =>
      post("logged-models/search", { experiment_ids: [experiment.experiment_id], max_results: 50, page_token }),
    );
    for (const model of logged) {
      const info = model.info as Json;
      const data = (model.data ?? {}) as Json;
      const id = String(info.model_id);
      const times = info.creation_timestamp_ms;
      const metrics = objects(data.metrics).map((p) => [p.key, value(p.value), Number(p.timestamp), p.run_id]);
      note("logged models", [
        ...[id, info.name, info.status, info.source_run_id, times],
        ...[pairs(info.tags), pairs(data.params), metrics.map((m) => JSON.stringify(m)).sort()],
      ]);
      const listed = `logged-models/${id}/artifacts/directories`;
      const files = await filesBelow((path) => get(listed, path === "" ? {} : { artifact_directory_path: path }));
      for (const path of files) {
        const query = new URLSearchParams({ artifact_file_path: path });
        const place = `/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files?${query}`;
        note("model artifacts", [id, path, await bytes(place)]);
      }
    }
  }
  const models = await every("registered_models", (page_token) =>
    get("registered-models/search", { max_results: "100", ...(page_token === undefined ? {} : { page_token }) }),
  );
  for (const { name } of models) {
    const model = (await get("registered-models/get", { name: String(name) })).registered_model as Json;
    const aliases = objects(model.aliases).map((alias) => [alias.alias, String(alias.version)]);
    note("models", [name, model.description, pairs(model.tags), aliases]);
    const versions = await every("model_versions", (page_token) =>
      get("model-versions/search", {
        filter: `name='${String(name)}'`,
        max_results: "1000",
        ...(page_token === undefined ? {} : { page_token }),
      }),
    );
    noteAll(
      "model versions",
      versions.map((v) => [name, String(v.version), v.run_id, v.current_stage, v.description ?? "", pairs(v.tags)]),
    );
  }
  return Object.fromEntries([...kinds].map(([kind, lines]) => [kind, summed(lines)]));
}

/** What differs, in words; empty if the two hold the same. */
export function differences(a: Contents, b: Contents): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((kind) => a[kind]?.sha256 !== b[kind]?.sha256)
    .map((kind) => {
      const there = new Set(b[kind]?.lines);
      const line = a[kind]?.lines.find((each) => !there.has(each)) ?? "nothing";
      return `${kind}: ${a[kind]?.count ?? 0} and ${b[kind]?.count ?? 0}, checksums differ; first only there: ${line}`;
    });
}

function summed(unsorted: readonly string[]): Contents[string] {
  const hash = createHash("sha256");
  const lines = unsorted.toSorted();
  for (const line of lines) hash.update(line).update("\n");
  return { count: lines.length, sha256: hash.digest("hex"), lines };
}

async function every(field: string, page: (token: string | undefined) => Promise<Json>): Promise<Json[]> {
  const all: Json[] = [];
  let token: string | undefined;
  do {
    const answer = await page(token);
    all.push(...objects(answer[field]));
    token =
      typeof answer.next_page_token === "string" && answer.next_page_token !== "" ? answer.next_page_token : undefined;
  } while (token !== undefined);
  return all;
}

async function filesBelow(list: (path: string) => Promise<Json>): Promise<string[]> {
  const files: string[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const file of objects((await list(folder)).files))
      (file.is_dir === true ? folders : files).push(String(file.path));
  return files;
}

/** A database keeps infinities as its largest number. */
function value(raw: unknown): string {
  const number = Number(raw ?? 0);
  return Number.isNaN(number) ? "NaN" : String(Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, number)));
}

function objects(list: unknown): Json[] {
  return Array.isArray(list) ? (list as Json[]) : [];
}

function pairs(list: unknown): [string, string][] {
  return objects(list)
    .map((pair): [string, string] => [String(pair.key), String(pair.value)])
    .sort();
}

function sortedObject(object: Json): [string, unknown][] {
  return Object.entries(object).sort();
}
