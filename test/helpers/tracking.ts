import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openHome } from "../../src/adapters/local/home.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { makeApp } from "../../src/api/app.ts";
import { toResponse } from "../../src/api/reply.ts";
import type { Principal } from "../../src/core/auth/principal.ts";
import { grantsOf } from "../../src/core/auth/rights.ts";
import type { NewRun } from "../../src/core/tracking/ports.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { composeTracking } from "../../src/home/compose-tracking.ts";
import { openStores, type Stores } from "../../src/home/stores.ts";
import { composeFiles } from "../../src/local/compose-files.ts";
import type { Ground } from "../../src/local/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { runCreateWrites } from "../../src/store/runs.ts";
import { watchTable } from "../../src/store/table-watch.ts";
import { makeTempDir } from "./ports.ts";

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
  readonly json: any;
  readonly text: string;
  readonly headers: Headers;
}

export interface Ask {
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly body?: unknown;
  readonly bytes?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `owner` (default), `reader`, `nobody` (no credentials), `run:ID`. */
  readonly as?: string;
}

export interface TrackingApi {
  readonly stores: Stores;
  readonly ground: Ground;
  /** `path` is below `/api/2.0/mlflow/`, or whole where it begins with `/`. */
  ask(method: string, path: string, ask?: Ask): Promise<Reply>;
  /** POST that must succeed. */
  post(path: string, body?: unknown, as?: string): Promise<Reply["json"]>;
  get(path: string, query?: Ask["query"]): Promise<Reply["json"]>;
  experiment(name?: string): Promise<string>;
  run(experimentId: string, more?: object): Promise<string>;
  /** A run such as jobs have, without the job. */
  jobRun(more?: Partial<NewRun>): Promise<string>;
}

let names = 0;

/** The MLflow server over the laptop's own adapters in a temporary folder, asked in-process. */
export async function openTrackingApi(
  options: { readonly watched?: boolean; readonly carries?: Ground["carries"] } = {},
): Promise<TrackingApi> {
  const temp = makeTempDir();
  const home = await openHome({ dir: join(temp.path, "home") });
  const ground: Ground = {
    ...home,
    table: options.watched === false ? home.table : watchTable(home.table),
    settings: {
      port: 0,
      dataDir: join(temp.path, "home"),
      programs: { runner: "", serving: "" },
      runnerBundle: undefined,
      urlMap: undefined,
    },
    activity: makeActivityWrite(home),
    log: { info: () => undefined, fault: () => undefined },
    address: () => "http://home.test",
    ...(options.carries === undefined ? {} : { carries: options.carries }),
  };
  const stores = openStores(ground);
  const { files, places, lookups, close } = composeFiles(ground, stores);
  const assets = composeAssets(ground, stores, { home: "laptop", files, places, lookups, digest: makeDigest() });
  const tracking = composeTracking(ground, stores, { files });
  await assets.start?.();
  onTestFinished(async () => {
    close();
    await home.close();
    temp.remove();
  });
  const faults: unknown[] = [];
  const app = makeApp({
    routes: [...(assets.routes ?? []), ...(tracking.routes ?? [])],
    authenticate: async (request) => principalOf(request.headers.get("authorization") ?? ""),
    hasWorkspace: async (name) => (await stores.workspaces.get(name)) !== undefined,
    requestId: () => "request",
    onFault: (error) => faults.push(error),
  });

  async function ask(
    method: string,
    path: string,
    { query, body, bytes, headers, as = "owner" }: Ask = {},
  ): Promise<Reply> {
    const url = new URL(path.startsWith("/") ? path : `/api/2.0/mlflow/${path}`, "http://home.test");
    for (const [name, value] of Object.entries(query ?? {})) {
      for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(each));
    }
    const sent = new Headers(as === "nobody" ? headers : { authorization: as, ...headers });
    if (body !== undefined && !sent.has("content-type")) sent.set("content-type", "application/json");
    const content = body === undefined ? bytes : typeof body === "string" ? body : JSON.stringify(body);
    const request = new Request(url, {
      method,
      headers: sent,
      ...(content === undefined ? {} : { body: content as string }),
    });
    // fetch names text for what it is; a test that sends no type means none.
    if (body === undefined && headers?.["content-type"] === undefined) request.headers.delete("content-type");
    const response = toResponse(await app(request));
    const text = await response.text();
    if (response.status === 500 && faults.length > 0)
      throw new Error("the request failed with 500", { cause: faults.at(-1) });
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    return {
      status: response.status,
      json: isJson && text !== "" ? JSON.parse(text) : undefined,
      text,
      headers: response.headers,
    };
  }

  async function must(reply: Promise<Reply>): Promise<Reply["json"]> {
    const { status, json, text } = await reply;
    if (status !== 200) throw new Error(`${status}: ${text}`);
    return json;
  }

  return {
    stores,
    ground,
    ask,
    post: (path, body = {}, as = "owner") => must(ask("POST", path, { body, as })),
    get: (path, query = {}) => must(ask("GET", path, { query })),
    experiment: async (name = `experiment-${++names}`) =>
      (await must(ask("POST", "experiments/create", { body: { name } }))).experiment_id,
    run: async (experimentId, more = {}) =>
      (await must(ask("POST", "runs/create", { body: { experiment_id: experimentId, start_time: 1000, ...more } }))).run
        .info.run_id,
    async jobRun(more = {}) {
      const runId = ground.ids.hex32();
      const run: NewRun = {
        workspace: "default",
        runId,
        experimentId: "0",
        name: "job",
        userId: "owner",
        status: "RUNNING",
        tags: {},
        source: "job",
        createdMs: ground.clock.now(),
        ...more,
      };
      await ground.table.transact(runCreateWrites(run));
      return run.runId;
    },
  };
}

function principalOf(name: string): Principal | undefined {
  if (name === "owner" || name === "reader")
    return { kind: "user", name: `user:${name}`, grants: grantsOf({ "*": name }) };
  return name.startsWith("run:") ? { kind: "run", name, workspace: "default", runId: name.slice(4) } : undefined;
}
