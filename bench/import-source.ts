import { eachOf } from "../src/client/each-of.ts";

/** How much of everything an MLflow server is filled with before it is moved in from. */
export interface Size {
  readonly runs: number;
  /** Of each run; a multiple of 5. */
  readonly points: number;
}

const KEYS = ["loss", "accuracy", "lr", "grad norm", "system/cpu"];
const EXPERIMENTS = 10;
const MODELS = 10;
const VERSIONS = 5;
const AT_ONCE = 8;
const START_MS = 1_700_000_000_000;
const LARGE_BYTES = 3_000_000;

type Json = Record<string, unknown>;

/** Experiments, runs, histories, artifacts, datasets, logged models, a registry; some nested, some deleted, some without an end. */
export async function fill(url: string, size: Size): Promise<void> {
  const call = (method: string, path: string, body?: Json) => send(`${url}/api/2.0/mlflow/${path}`, method, body);
  const experiments: string[] = [];
  for (let i = 0; i < EXPERIMENTS; i++) {
    const tags = [{ key: "team", value: `t${i}` }];
    const made = await call("POST", "experiments/create", { name: `moved ${i}`, tags });
    experiments.push(String(made.experiment_id));
  }
  const runs: { id: string; uri: string; experiment: string }[] = [];
  const numbers = Array.from({ length: size.runs }, (_, i) => i);
  await eachOf(numbers, AT_ONCE, async (i) => {
    const experiment = experiments[i % EXPERIMENTS] ?? "0";
    const parent = i % 10 === 9 ? runs.find((run) => run?.experiment === experiment) : undefined;
    const tags = [
      { key: "mlflow.user", value: "someone" },
      { key: "note", value: `ü「${i}」<b>` },
      ...(parent === undefined ? [] : [{ key: "mlflow.parentRunId", value: parent.id }]),
    ];
    const asked = { experiment_id: experiment, run_name: `run ${i}`, start_time: START_MS + i * 1000, tags };
    const { info } = (await call("POST", "runs/create", asked)).run as { info: Record<string, string> };
    const [id = "", uri = ""] = [info.run_id, info.artifact_uri];
    runs[i] = { id, uri, experiment };
    const params = Array.from({ length: 5 }, (_, p) => ({ key: `p${p}`, value: `value ${i * p}` }));
    for (const metrics of chunks(points(i, size.points), 900))
      await call("POST", "runs/log-batch", { run_id: id, metrics });
    await call("POST", "runs/log-batch", { run_id: id, params });
    await put(url, uri, "notes/a b.txt", new TextEncoder().encode(`hello ${i}\n`.repeat(40)));
    await put(url, uri, "model/weights.bin", bytes(i, i % 100 === 0 ? LARGE_BYTES : 4096));
    if (i % 5 === 0) await call("POST", "runs/log-inputs", { run_id: id, datasets: [dataset(i)] });
    const status = ["FINISHED", "FINISHED", "FAILED", "KILLED"][i % 4];
    if (i % 25 !== 24)
      await call("POST", "runs/update", { run_id: id, status, end_time: START_MS + i * 1000 + 60_000 });
    if (i % 20 === 0) await logModel(url, call, i, { id, experiment });
    if (i % 50 === 49) await call("POST", "runs/delete", { run_id: id });
  });
  await fillRegistry(call, runs);
  await call("POST", "experiments/delete", { experiment_id: experiments.at(-1) });
}

function points(run: number, count: number): Json[] {
  return Array.from({ length: count }, (_, i) => {
    const step = Math.floor(i / KEYS.length);
    const odd = ["NaN", "Infinity", "-Infinity"][step];
    const value = run % 30 === 0 && odd !== undefined ? odd : Math.sin(run + i) / (step + 1);
    return { key: KEYS[i % KEYS.length], value, timestamp: START_MS + run * 1000 + i, step };
  });
}

function dataset(i: number): Json {
  const about = { name: `set ${i % 7}`, digest: `d${i % 7}`, source_type: "local", source: "{}", schema: "{}" };
  return { dataset: about, tags: [{ key: "mlflow.data.context", value: i % 2 === 0 ? "training" : "validation" }] };
}

async function logModel(
  url: string,
  call: (method: string, path: string, body?: Json) => Promise<Json>,
  i: number,
  run: { readonly id: string; readonly experiment: string },
): Promise<void> {
  const asked = {
    experiment_id: run.experiment,
    name: `logged-${i}`,
    source_run_id: run.id,
    params: [{ key: "depth", value: String(i) }],
    tags: [{ key: "kind", value: "seeded" }],
  };
  const { info } = (await call("POST", "logged-models", asked)).model as { info: Record<string, string> };
  const [model_id = "", uri = ""] = [info.model_id, info.artifact_uri];
  await put(url, uri, "MLmodel", new TextEncoder().encode(`model ${i}\n`));
  await call("PATCH", `logged-models/${model_id}`, { model_id, status: "LOGGED_MODEL_READY" });
  await call("POST", "runs/outputs", { run_id: run.id, models: [{ model_id, step: 0 }] });
  const metrics = [{ key: "score", value: i / 7, timestamp: START_MS + i, step: 0, model_id }];
  await call("POST", "runs/log-batch", { run_id: run.id, metrics });
}

async function fillRegistry(
  call: (method: string, path: string, body?: Json) => Promise<Json>,
  runs: readonly { readonly id: string; readonly uri: string }[],
): Promise<void> {
  for (let i = 0; i < MODELS; i++) {
    const name = `model ${i}`;
    const description = `of ${i}`;
    await call("POST", "registered-models/create", { name, description, tags: [{ key: "k", value: `${i}` }] });
    for (let n = 1; n <= VERSIONS; n++) {
      const run = runs[(i * VERSIONS + n) % runs.length];
      const asked = { name, source: `${run?.uri}/model`, run_id: run?.id, tags: [{ key: "n", value: `${n}` }] };
      await call("POST", "model-versions/create", asked);
    }
    await call("DELETE", "model-versions/delete", { name, version: "2" });
    await call("POST", "registered-models/alias", { name, alias: "champion", version: "3" });
    const stage = { name, version: "4", stage: "Production", archive_existing_versions: false };
    await call("POST", "model-versions/transition-stage", stage);
  }
}

async function put(url: string, root: string, path: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const below = root.replace(/^mlflow-artifacts:\/+/, "");
  const place = `${below}/${path}`.split("/").map(encodeURIComponent).join("/");
  const answer = await fetch(`${url}/api/2.0/mlflow-artifacts/artifacts/${place}`, { method: "PUT", body });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

/** Bytes that differ from run to run and do not repeat within one. */
function bytes(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(length / 4);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

async function send(url: string, method: string, body: Json | undefined): Promise<Json> {
  const asked = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) };
  const answer = await fetch(url, asked);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as Json;
}
