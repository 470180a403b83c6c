import { randomBytes } from "node:crypto";
import { insist, mlflowGet, mlflowPost, pause, Refused } from "./insist.ts";
import type { TestServer } from "./server.ts";

/** What a tracking server that was killed over and over did with what eight clients had been told is kept. */
export interface TrackingReport {
  readonly rounds: number;
  readonly clients: number;
  /** Requests acknowledged, by kind. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** Requests that were under way when the server was killed, and sent again. */
  readonly retried: number;
  readonly lost: readonly string[];
  /** There more often than it was sent. */
  readonly doubled: readonly string[];
}

/** A thing made by one call that no second call may make again; `sent` counts how often the client had to send it. */
interface Made {
  readonly tag: string;
  readonly sent: number;
}

interface Client {
  readonly number: number;
  run: string;
  readonly runs: Made[];
  readonly versions: Made[];
  /** By run: what each was told is kept. */
  readonly points: { readonly run: string; readonly key: string; readonly step: number }[];
  readonly params: { readonly run: string; readonly key: string; readonly value: string }[];
  readonly tags: { readonly run: string; readonly key: string; readonly value: string }[];
  readonly ended: string[];
  readonly artifacts: { readonly path: string; readonly bytes: Uint8Array }[];
}

interface Load {
  readonly server: TestServer;
  readonly experiment: string;
  /** One run that all clients write to. */
  readonly shared: string;
  over: boolean;
  retried: number;
  readonly counts: Map<string, number>;
}

const MODEL = "kill";
const BATCH_POINTS = 50;
const STEPS_A_RUN = 12;

/** Kills the server with SIGKILL `rounds` times at random moments while `clients` log; then compares what is there with what was acknowledged. */
export async function killTracking(server: TestServer, clients: number, rounds: number): Promise<TrackingReport> {
  const { experiment_id } = await mlflowPost<{ experiment_id: string }>(server, "experiments/create", { name: "kill" });
  await mlflowPost(server, "registered-models/create", { name: MODEL });
  const shared = await createRun(server, experiment_id, "shared");
  const load: Load = { server, experiment: experiment_id, shared, over: false, retried: 0, counts: new Map() };
  const all = Array.from({ length: clients }, (_, number): Client => {
    return { number, run: "", runs: [], versions: [], points: [], params: [], tags: [], ended: [], artifacts: [] };
  });
  const working = Promise.all(all.map((client) => logUntilOver(load, client)));
  // Awaited at the end; until then nobody is there to hear of a failure.
  working.catch(() => undefined);
  for (let round = 0; round < rounds; round++) {
    await pause(50 + Math.random() * 1200);
    await server.kill();
    await server.start();
  }
  load.over = true;
  await working;
  // What is only in memory must not be what answers.
  await server.kill();
  await server.start();
  const lost: string[] = [];
  const doubled: string[] = [];
  for (const client of all) await compareRuns(load, client, lost);
  for (const client of all) await compareArtifacts(load, client, lost);
  await compareMade(load, all, lost, doubled);
  return { rounds, clients, acknowledged: Object.fromEntries(load.counts), retried: load.retried, lost, doubled };
}

/** Sends until it is acknowledged; answers how often a server may have read it: one that is down refuses the connection. */
async function send<T>(load: Load, kind: string, call: () => Promise<T>): Promise<{ answer: T; sent: number }> {
  let sent = 0;
  const answer = await insist(async () => {
    sent += 1;
    try {
      return await call();
    } catch (error) {
      if (isRefusedConnection(error)) sent -= 1;
      throw error;
    }
  });
  load.retried += sent - 1;
  load.counts.set(kind, (load.counts.get(kind) ?? 0) + 1);
  return { answer, sent };
}

function isRefusedConnection(error: unknown): boolean {
  return error instanceof Error && (error.cause as { code?: string } | undefined)?.code === "ECONNREFUSED";
}

async function logUntilOver(load: Load, client: Client): Promise<void> {
  for (let step = 1; !load.over; step++) {
    if (step % STEPS_A_RUN === 1) await nextRun(load, client, step);
    await logStep(load, client, step);
  }
}

async function nextRun(load: Load, client: Client, step: number): Promise<void> {
  const tag = `${client.number}-${step}`;
  if (client.run !== "") {
    const { run } = client;
    await send(load, "runs/update", () =>
      mlflowPost(load.server, "runs/update", { run_id: run, status: "FINISHED", end_time: 2000 }),
    );
    client.ended.push(run);
  }
  const { answer, sent } = await send(load, "runs/create", () => createRun(load.server, load.experiment, tag));
  client.run = answer;
  client.runs.push({ tag, sent });
}

async function logStep(load: Load, client: Client, step: number): Promise<void> {
  const { server } = load;
  const { run } = client;
  const name = `${client.number}-${step}`;
  const post = (path: string, body: object) => send(load, path, () => mlflowPost(server, path, body));
  const at = 1_700_000_000_000 + step;
  const metrics = Array.from({ length: BATCH_POINTS }, (_, i) => ({ key: `m${i}`, value: step, timestamp: at, step }));
  const param = { key: `batch-${name}`, value: name };
  await post("runs/log-batch", { run_id: run, metrics, params: [param], tags: [param] });
  client.points.push(...metrics.map(({ key }) => ({ run, key, step })));
  client.params.push({ run, ...param });
  client.tags.push({ run, ...param });

  for (const target of [run, load.shared]) {
    const key = `one-${client.number}`;
    await post("runs/log-metric", { run_id: target, key, value: step, timestamp: at, step });
    client.points.push({ run: target, key, step });
  }
  await post("runs/log-parameter", { run_id: load.shared, key: `p-${name}`, value: name });
  client.params.push({ run: load.shared, key: `p-${name}`, value: name });
  await post("runs/set-tag", { run_id: run, key: `t-${name}`, value: name });
  client.tags.push({ run, key: `t-${name}`, value: name });

  const path = `${load.experiment}/${run}/artifacts/file-${step}`;
  const bytes = randomBytes(step % 4 === 0 ? 300_000 : 2_000);
  await send(load, "artifact", () => upload(server, path, bytes));
  client.artifacts.push({ path, bytes });

  const version = await send(load, "model-versions/create", () =>
    mlflowPost(server, "model-versions/create", {
      name: MODEL,
      source: `runs:/${run}/model`,
      run_id: run,
      tags: [{ key: "made", value: name }],
    }),
  );
  client.versions.push({ tag: name, sent: version.sent });
}

async function createRun(server: TestServer, experiment: string, tag: string): Promise<string> {
  const { run } = await mlflowPost<{ run: { info: { run_id: string } } }>(server, "runs/create", {
    experiment_id: experiment,
    start_time: 1000,
    tags: [{ key: "made", value: tag }],
  });
  return run.info.run_id;
}

async function upload(server: TestServer, path: string, bytes: Uint8Array): Promise<void> {
  const response = await fetch(`${server.url()}/api/2.0/mlflow-artifacts/artifacts/${path}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${server.token()}` },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
  if (!response.ok) throw new Refused(`${path}: ${response.status} ${await response.text()}`);
  await response.text();
}

interface RunAnswer {
  readonly run: {
    readonly info: { readonly run_id: string; readonly status: string };
    readonly data: {
      readonly params?: readonly { readonly key: string; readonly value: string }[];
      readonly tags?: readonly { readonly key: string; readonly value: string }[];
    };
  };
}

async function compareRuns(load: Load, client: Client, lost: string[]): Promise<void> {
  const { server } = load;
  const points = Map.groupBy(client.points, ({ run, key }) => `${run} ${key}`);
  for (const run of new Set([...client.points.map((point) => point.run)])) {
    const { data, info } = (await mlflowGet<RunAnswer>(server, "runs/get", { run_id: run })).run;
    const params = new Map(data.params?.map(({ key, value }) => [key, value]));
    const tags = new Map(data.tags?.map(({ key, value }) => [key, value]));
    for (const each of client.params)
      if (each.run === run && params.get(each.key) !== each.value) lost.push(`param ${each.key} of ${run}`);
    for (const each of client.tags)
      if (each.run === run && tags.get(each.key) !== each.value) lost.push(`tag ${each.key} of ${run}`);
    if (client.ended.includes(run) && info.status !== "FINISHED") lost.push(`the end of ${run}`);
  }
  for (const [name, logged] of points) {
    const [run = "", key = ""] = name.split(" ");
    const history = await mlflowGet<{ metrics?: { step?: string | number }[] }>(server, "metrics/get-history", {
      run_id: run,
      metric_key: key,
    });
    const kept = new Set(history.metrics?.map((point) => Number(point.step)));
    for (const { step } of logged) if (!kept.has(step)) lost.push(`point ${step} of ${key} of ${run}`);
    // A batch is sent again as it was: the same point is the same point.
    if (history.metrics?.length !== kept.size) lost.push(`${key} of ${run} has points twice`);
  }
}

async function compareArtifacts(load: Load, client: Client, lost: string[]): Promise<void> {
  const { server } = load;
  for (const { path, bytes } of client.artifacts) {
    const response = await fetch(`${server.url()}/api/2.0/mlflow-artifacts/artifacts/${path}`, {
      headers: { authorization: `Bearer ${server.token()}` },
    });
    const kept = Buffer.from(await response.arrayBuffer());
    if (!response.ok || !kept.equals(bytes)) lost.push(`artifact ${path}`);
  }
}

interface Tagged {
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
}

/** Runs and model versions are found by a search, once for each time they were sent at most. */
async function compareMade(load: Load, clients: readonly Client[], lost: string[], doubled: string[]): Promise<void> {
  const { server, experiment } = load;
  const runs = await pages<RunAnswer["run"]>("runs", (page_token) =>
    mlflowPost(server, "runs/search", { experiment_ids: [experiment], max_results: 1000, page_token }),
  );
  const versions = await pages<Tagged>("model_versions", (page_token) =>
    mlflowGet(server, "model-versions/search", { filter: `name = '${MODEL}'`, max_results: "1000", page_token }),
  );
  const count = (all: readonly Tagged[]): Map<string | undefined, number> => {
    const made = all.map(({ tags }) => tags?.find(({ key }) => key === "made")?.value);
    return new Map([...Map.groupBy(made, (tag) => tag)].map(([tag, same]) => [tag, same.length]));
  };
  const kinds = [
    ["run", count(runs.map(({ data }) => data)), clients.flatMap((client) => client.runs)],
    ["model version", count(versions), clients.flatMap((client) => client.versions)],
  ] as const;
  for (const [kind, found, made] of kinds) {
    for (const { tag, sent } of made) {
      const times = found.get(tag) ?? 0;
      if (times === 0) lost.push(`${kind} ${tag}`);
      if (times > sent) doubled.push(`${kind} ${tag}: ${times} of ${sent} sent`);
    }
  }
}

async function pages<T>(field: string, ask: (token: string) => Promise<Record<string, unknown>>): Promise<T[]> {
  const all: T[] = [];
  let token = "";
  do {
    const page = await ask(token);
    all.push(...((page[field] ?? []) as T[]));
    token = String(page.next_page_token ?? "");
  } while (token !== "");
  return all;
}
