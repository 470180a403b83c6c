import { type Connection, open, type Target } from "./http-load.ts";

const API = "/api/2.0/mlflow";
const AJAX = "/ajax-api/2.0/mlflow";

export interface Metric {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  readonly timestamp: number;
}

export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** Where each call goes; bodies and queries are those of MLflow's REST API. */
const POSTS = {
  createExperiment: "experiments/create",
  createRun: "runs/create",
  updateRun: "runs/update",
  logMetric: "runs/log-metric",
  logBatch: "runs/log-batch",
  search: "runs/search",
  createModel: "registered-models/create",
  createVersion: "model-versions/create",
} as const;
const GETS = {
  history: `${API}/metrics/get-history`,
  sampled: `${AJAX}/metrics/get-history-bulk-interval`,
  searchVersions: `${API}/model-versions/search`,
} as const;

export type Post = keyof typeof POSTS;

/** Sends a call; the text of its answer. A body that is text already is sent as it is. */
export function post(connection: Connection, call: Post, body: unknown): Promise<string> {
  return connection.send("POST", `${API}/${POSTS[call]}`, body);
}

export function get(
  connection: Connection,
  call: keyof typeof GETS,
  query: Record<string, string> | URLSearchParams,
): Promise<string> {
  return connection.send("GET", `${GETS[call]}?${new URLSearchParams(query)}`);
}

/** One call on a connection of its own, its answer read. */
export async function once<T>(target: Target, call: Post, body: unknown): Promise<T> {
  const connection = await open(target);
  try {
    return JSON.parse(await post(connection, call, body)) as T;
  } finally {
    connection.close();
  }
}

export function runIdOf(answer: string): string {
  return (JSON.parse(answer) as { run: { info: { run_id: string } } }).run.info.run_id;
}

export async function createRun(connection: Connection, experiment: string): Promise<string> {
  return runIdOf(await post(connection, "createRun", { experiment_id: experiment, start_time: Date.now() }));
}

export async function newRun(target: Target, experiment = "0"): Promise<string> {
  const connection = await open(target);
  try {
    return await createRun(connection, experiment);
  } finally {
    connection.close();
  }
}

export async function newExperiment(target: Target, name: string): Promise<string> {
  return (await once<{ experiment_id: string }>(target, "createExperiment", { name })).experiment_id;
}

/** How often `field` stands in all pages of a listing. Their text is searched, not parsed: that would take longer than ours takes to answer. */
export async function countInPages(
  field: string,
  ask: (token: string | undefined) => Promise<string>,
): Promise<number> {
  let found = 0;
  let token: string | undefined;
  do {
    const text = await ask(token);
    found += text.split(`"${field}"`).length - 1;
    token = NEXT.exec(text.slice(text.lastIndexOf('"next_page_token"')))?.[1];
  } while (token !== undefined && token !== "");
  return found;
}

const NEXT = /^"next_page_token": *"([^"]*)"/;
