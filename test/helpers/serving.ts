import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { uploadTree } from "../../src/client/trees.ts";
import type { OnlineDeployment, OnlineDeploymentSpec } from "../../src/contract/endpoints.ts";
import { REPLICA_MARKER } from "../../src/contract/replica.ts";
import { onlineDeployments, onlineEndpoints } from "../../src/contract/routes/endpoints.ts";
import type { TestServer } from "./server.ts";

export const WORKSPACE = "default";

/** Stores files as a tree; answers its URI. */
export async function uploadFiles(
  server: TestServer,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<string> {
  const bytes = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
  const entries = [...bytes].map(([path, content]) => ({
    kind: "file" as const,
    path,
    sha256: createHash("sha256").update(content).digest("hex"),
    size_bytes: content.byteLength,
  }));
  const read = async (path: string): Promise<Uint8Array> => bytes.get(path) ?? Buffer.alloc(0);
  return (await uploadTree(server.client, WORKSPACE, { entries, read })).tree.uri;
}

export function putEndpoint(server: TestServer, endpoint: string, body: object = {}) {
  return server.client.call(onlineEndpoints.put, { params: { workspace: WORKSPACE, endpoint }, body });
}

export function setTraffic(
  server: TestServer,
  endpoint: string,
  traffic: Record<string, number>,
  mirror?: Record<string, number>,
) {
  const body = { traffic, ...(mirror === undefined ? {} : { mirror_traffic: mirror }) };
  return server.client.call(onlineEndpoints.update, { params: { workspace: WORKSPACE, endpoint }, body });
}

/** A script in a bare Python environment. */
export async function scriptSpec(
  server: TestServer,
  script: string,
  more: Partial<OnlineDeploymentSpec> = {},
): Promise<OnlineDeploymentSpec> {
  const code = await uploadFiles(server, { "score.py": script });
  return { code_configuration: { code, scoring_script: "score.py" }, environment: "python-3", ...more };
}

export function putDeployment(server: TestServer, endpoint: string, deployment: string, spec: OnlineDeploymentSpec) {
  return server.client.call(onlineDeployments.put, {
    params: { workspace: WORKSPACE, endpoint, deployment },
    body: spec,
  });
}

/** Waits until the deployment's state has settled. */
export async function settled(server: TestServer, endpoint: string, deployment: string): Promise<OnlineDeployment> {
  const params = { workspace: WORKSPACE, endpoint, deployment };
  for (;;) {
    const found = await server.client.call(onlineDeployments.get, { params, query: { wait_ms: 20_000 } });
    if (found.provisioning_state === "Succeeded" || found.provisioning_state === "Failed") return found;
  }
}

export async function deploy(server: TestServer, endpoint: string, deployment: string, spec: OnlineDeploymentSpec) {
  await putDeployment(server, endpoint, deployment, spec);
  return settled(server, endpoint, deployment);
}

export function keysOf(server: TestServer, endpoint: string) {
  return server.client.call(onlineEndpoints.keys, { params: { workspace: WORKSPACE, endpoint } });
}

export interface Scored {
  readonly status: number;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One HTTP request to an endpoint, as a caller makes it. */
export function score(
  server: TestServer,
  endpoint: string,
  options: {
    readonly key?: string;
    readonly body?: string | Buffer;
    readonly path?: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Scored> {
  const { key, body = "{}", path = "/score", method = "POST", headers = {} } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.url()}/w/${WORKSPACE}/endpoints/${endpoint}${path}`,
      {
        method,
        agent,
        headers: {
          "content-type": "application/json",
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(method === "GET" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          ...headers,
        },
      },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("error", reject);
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }));
      },
    );
    sent.on("error", reject);
    sent.end(method === "GET" ? undefined : body);
  });
}

export interface Load {
  /** Answers so far: `200 {"v":1}` or the error's code, and how often. */
  readonly seen: Map<string, number>;
  count(): number;
  stop(): Promise<Map<string, number>>;
}

/** Callers that ask again and again until they are stopped. */
export function startLoad(ask: () => Promise<Scored>, callers: number): Load {
  const seen = new Map<string, number>();
  let stopping = false;
  let count = 0;
  const all = Promise.all(
    Array.from({ length: callers }, async () => {
      while (!stopping) {
        const word = await ask().then(
          ({ status, text }) => `${status} ${text}`,
          (error: unknown) => `error ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
        );
        seen.set(word, (seen.get(word) ?? 0) + 1);
        count++;
      }
    }),
  );
  return {
    seen,
    count: () => count,
    async stop() {
      stopping = true;
      await all;
      return seen;
    },
  };
}

export interface Running {
  readonly pid: number;
  readonly command: string;
}

/** Processes of an endpoint's replicas, found by the marker they carry: wrappers, model servers and what these started. */
export function processesOf(endpoint: string): Running[] {
  const needle = `${REPLICA_MARKER}=${WORKSPACE}/${endpoint}/`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (
          !readFileSync(`/proc/${name}/environ`, "latin1")
            .split("\0")
            .some((line) => line.startsWith(needle))
        )
          return [];
        const stat = readFileSync(`/proc/${name}/stat`, "latin1");
        if (/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2))) return [];
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, "latin1").replaceAll("\0", " ") }];
      } catch {
        return [];
      }
    });
}

export const isWrapper = ({ command }: Running): boolean => /serving(\/main\.ts|\.mjs)/.test(command);
export const isModelServer = ({ command }: Running): boolean => command.includes("launch.py");
