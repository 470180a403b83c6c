import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openHome } from "../../src/adapters/local/home.ts";
import { makeApp } from "../../src/api/app.ts";
import { makeEndpointRoutes } from "../../src/api/endpoints.ts";
import { toResponse } from "../../src/api/reply.ts";
import { AppError } from "../../src/contract/errors.ts";
import type { Principal } from "../../src/core/auth/principal.ts";
import { grantsOf } from "../../src/core/auth/rights.ts";
import { LAPTOP_HOSTING } from "../../src/core/endpoints/hosting.ts";
import { settleDeletedEndpoint, settleDeployment } from "../../src/core/endpoints/settle-deployment.ts";
import type { Files } from "../../src/core/files/ports.ts";
import type { BuildRequest } from "../../src/core/ports/builder.ts";
import type { Host, HostRequest, HostState } from "../../src/core/ports/host.ts";
import { makeTurns } from "../../src/local/in-turn.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { openEndpointStore } from "../../src/store/endpoints.ts";
import { makeTempDir } from "./ports.ts";

/** A host that runs nothing: a test says what becomes of each replica set. */
export interface FakeHost extends Host {
  readonly started: HostRequest[];
  readonly stopped: { readonly handle: string; readonly drainSec: number }[];
  /** By revision. */
  readonly states: Map<number, HostState>;
  /** Thrown by the next `stop`. */
  failStop: Error | undefined;
  /** So many calls of `stop` that give requests time find some under way. */
  drains: number;
  /** Why no set can be started. */
  refuse: string | undefined;
}

function makeFakeHost(): FakeHost {
  const started: HostRequest[] = [];
  const stopped: { handle: string; drainSec: number }[] = [];
  const states = new Map<number, HostState>();
  const running = new Map<string, HostRequest>();
  const host: FakeHost = {
    started,
    stopped,
    states,
    failStop: undefined,
    drains: 0,
    refuse: undefined,
    async start(request) {
      if (host.refuse !== undefined) throw new AppError("DeploymentFailed", host.refuse);
      if (!running.has(request.id)) started.push(request);
      running.set(request.id, request);
      return { handle: request.id };
    },
    async inspect(handle) {
      const request = running.get(handle);
      if (request === undefined) return { state: "gone", addresses: [] };
      return states.get(request.revision) ?? { state: "healthy", addresses: [`http://127.0.0.1:${request.revision}`] };
    },
    changed: () => new Promise((resolve) => setImmediate(resolve)),
    async stop(handle, drainSec) {
      const error = host.failStop;
      host.failStop = undefined;
      if (error !== undefined) throw error;
      if (drainSec > 0 && host.drains > 0) {
        host.drains--;
        return "draining" as const;
      }
      running.delete(handle);
      stopped.push({ handle, drainSec });
      return "stopped" as const;
    },
    async logs(handle) {
      return `log of ${handle}`;
    },
  };
  return host;
}

/** Files of a workspace, in memory: content by URI. */
export function makeFakeFiles(content: Readonly<Record<string, string>>): Files {
  const under = (uri: string) =>
    Object.keys(content)
      .filter((name) => name === uri || name.startsWith(`${uri.replace(/\/$/, "")}/`))
      .sort();
  const resolved: Files["resolve"] = async (_, uri) => {
    const asset = /^azureml:([\w-]+)[:@]([\w-]+)$/.exec(uri);
    if (asset === null) return { uri };
    if (asset[1] === "missing") throw new AppError("NotFound", `there is no model \`${uri}\``);
    const version = asset[2] === "latest" ? "2" : asset[2];
    return {
      uri: `azureml://registered/${asset[1]}/model`,
      asset: `azureml:${asset[1]}:${version}`,
      type: "custom_model",
    };
  };
  return {
    resolve: resolved,
    async list(_, uri) {
      const names = under(uri);
      const isFile = names[0] === uri;
      if (names.length === 0) throw new AppError("NotFound", `there is nothing at \`${uri}\``);
      const files = names.map((name) => ({
        path: isFile ? (uri.split("/").at(-1) ?? "") : name.slice(uri.replace(/\/$/, "").length + 1),
        sizeBytes: content[name]?.length ?? 0,
        uri: name,
      }));
      return { uri, isFile, files, links: [], folders: [] };
    },
    async open(_, uri) {
      const text = content[uri];
      if (text === undefined) throw new AppError("NotFound", `there is nothing at \`${uri}\``);
      return { key: uri, sizeBytes: text.length, etag: "1", modifiedMs: 0, body: new Blob([text]).stream() };
    },
    async write() {
      throw new AppError("NotSupported", "read-only");
    },
    async planWrite() {
      return undefined;
    },
  };
}

const CONTENT = {
  "azureml://trees/code/score.py": "def init(): pass",
  "azureml://registered/m/model/w.bin": "weights",
  "azureml://models/flow/MLmodel": "flavors: {}",
  "azureml://models/flow/requirements.txt": "mlflow==3.1.0\nscikit-learn==1.6.1\npandas\nnumpy\n",
};

export const SPEC = {
  code_configuration: { code: "azureml://trees/code", scoring_script: "score.py" },
  environment: "python-3",
};

/** The room's routes over the laptop's records, a host that runs nothing and files in memory. `waits: false`: as in a function, where nobody does. */
export async function openEndpointFrame({ waits = true } = {}) {
  const temp = makeTempDir();
  const home = await openHome({ dir: join(temp.path, "home") });
  onTestFinished(async () => {
    await home.close();
    temp.remove();
  });
  const activity = makeActivityWrite(home);
  const host = makeFakeHost();
  const refreshed: string[] = [];
  const uses = new Set<string>();
  const builds: { fail?: AppError; underWay?: string; readonly since: (string | undefined)[] } = { since: [] };
  const endpoints = openEndpointStore({ table: home.table, activity });
  const deps = {
    ...home,
    endpoints,
    host,
    files: makeFakeFiles(CONTENT),
    environments: {
      async resolve() {
        return { spec: { kind: "python" as const, label: "python-3" }, warnings: [] };
      },
    },
    builder: {
      async build({ since }: BuildRequest, onLog: (text: string) => void) {
        builds.since.push(since);
        onLog("building\n");
        if (builds.underWay !== undefined) {
          return { state: "building" as const, hash: "h", reason: builds.underWay, since: `after ${since}` };
        }
        if (builds.fail !== undefined) throw builds.fail;
        return { state: "ready" as const, hash: "h", ref: "python:/somewhere", cached: true };
      },
    },
    routing: {
      async refresh(_: string, endpoint: string) {
        refreshed.push(endpoint);
      },
    },
    modelUse: {
      async use(_: string, asset: string, by: string) {
        uses.add(`${asset} ${by}`);
        return [];
      },
      async release(_: string, asset: string, by: string) {
        uses.delete(`${asset} ${by}`);
        return [];
      },
    },
    inTurn: makeTurns(),
    ...(waits ? { pause: (ms: number) => new Promise<void>((go) => setTimeout(go, Math.min(ms, 5))) } : {}),
    place: { address: () => "http://home.test" },
    hosting: LAPTOP_HOSTING,
    apiUrl: () => "http://home.test",
  };
  const app = makeApp({
    routes: makeEndpointRoutes(deps),
    authenticate: async (request) => principalOf(request.headers.get("authorization") ?? ""),
    hasWorkspace: async () => true,
    requestId: () => "request",
    onFault: (error) => {
      throw error;
    },
  });

  async function ask(method: string, path: string, body?: unknown, as = "owner") {
    const reply = await app(
      new Request(`http://home.test/api/v1/workspaces/default/online-endpoints${path}`, {
        method,
        headers: { authorization: as, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    const response = toResponse(reply);
    // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
    return { status: response.status, json: (await response.json()) as any };
  }

  const idOf = (endpoint: string, deployment: string) => ({ workspace: "default", endpoint, deployment });
  return {
    ...deps,
    builds,
    refreshed,
    uses,
    ask,
    settle: (endpoint: string, deployment: string, signal = new AbortController().signal) =>
      settleDeployment(deps, idOf(endpoint, deployment), signal),
    settleDeleted: (endpoint: string) =>
      settleDeletedEndpoint(deps, { workspace: "default", endpoint }, new AbortController().signal),
  };
}

function principalOf(as: string): Principal {
  const [kind = "", endpoint = "", deployment = ""] = as.split(":");
  if (kind === "deployment") return { kind, name: as, workspace: "default", endpoint, deployment };
  if (kind === "owner" || kind === "contributor" || kind === "reader") {
    return { kind: "user", name: `user:${kind}`, grants: grantsOf({ "*": kind }) };
  }
  throw new AppError("Unauthenticated", "nobody");
}
