import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  FUNCTION_REPLICA,
  type FunctionReplica,
  type HttpEvent,
  type HttpPrelude,
  PRELUDE_TYPE,
  type ProbeEvent,
  type ReplicaRequest,
} from "../../../src/contract/replica.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";
import { deploy, putEndpoint, scriptSpec } from "../../helpers/serving.ts";

const MAIN = fileURLToPath(new URL("../../../src/serving/function/main.ts", import.meta.url));

const SCRIPT = `
import json, os
def init():
    pass
def run(raw_data):
    asked = json.loads(raw_data)
    if asked == "die":
        os._exit(7)
    return {"got": asked, "sees": sorted(name for name in os.environ if "AWS" in name or "REPLICA" in name)}
`;

/** What a function answered: an event's answer as the Runtime API gets it. */
interface Answered {
  readonly type: string | undefined;
  readonly bytes: Buffer;
}

/** Lambda's Runtime API: hands out events, takes answers. */
function startRuntimeApi() {
  const events: { readonly event: unknown; readonly resolve: (answered: Answered) => void }[] = [];
  const waiting: ServerResponse[] = [];
  const open = new Map<string, (answered: Answered) => void>();
  let count = 0;

  function match(): void {
    const [outgoing] = waiting;
    const [next] = events;
    if (outgoing === undefined || next === undefined) return;
    waiting.shift();
    events.shift();
    const id = String(++count);
    open.set(id, next.resolve);
    outgoing.writeHead(200, {
      "lambda-runtime-aws-request-id": id,
      "lambda-runtime-deadline-ms": String(Date.now() + 30_000),
    });
    outgoing.end(JSON.stringify(next.event));
  }

  async function take(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (incoming.url?.endsWith("/next")) {
      waiting.push(outgoing);
      match();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    open.get(incoming.url?.split("/").at(-2) ?? "")?.({
      type: incoming.headers["content-type"],
      bytes: Buffer.concat(chunks),
    });
    outgoing.writeHead(202).end();
  }
  const server = createServer((incoming, outgoing) => void take(incoming, outgoing));
  return new Promise<{
    address: string;
    invoke: (event: unknown) => Promise<Answered>;
    close: () => void;
  }>((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({
        address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
        invoke: (event) =>
          new Promise((answered) => {
            events.push({ event, resolve: answered });
            match();
          }),
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      }),
    ),
  );
}

let home: TestServer;
let api: Awaited<ReturnType<typeof startRuntimeApi>>;
let child: ChildProcess;
const folder = makeTempDir();

/** What the laptop's host told its own replica, for another of the same deployment. */
function replicaOf(dir: string): FunctionReplica {
  const serving = join(dir, "serving");
  const [handle = ""] = readdirSync(serving);
  const { id, workspace, endpoint, deployment, revision, apiUrl, token } = JSON.parse(
    readFileSync(join(serving, handle, "0/request.json"), "utf8"),
  ) as ReplicaRequest;
  return { id, workspace, endpoint, deployment, revision, apiUrl, token };
}

beforeAll(async () => {
  home = await startServer();
  await putEndpoint(home, "first");
  await deploy(home, "first", "blue", await scriptSpec(home, SCRIPT));
  api = await startRuntimeApi();
  const { PATH = "" } = process.env;
  child = spawn(process.execPath, [MAIN], {
    env: {
      PATH,
      TMPDIR: folder.path,
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_SESSION_TOKEN: "the function's own",
      [FUNCTION_REPLICA]: JSON.stringify(replicaOf(home.dir)),
    },
    stdio: "inherit",
  });
});
afterAll(async () => {
  child?.kill("SIGKILL");
  api?.close();
  await home?.dispose();
  folder.remove();
});

const http = (body: string, more: Partial<HttpEvent> = {}): HttpEvent => ({
  version: "2.0",
  rawPath: "/score",
  rawQueryString: "",
  headers: { "content-type": "application/json", "x-request-id": "mine" },
  requestContext: { http: { method: "POST" } },
  body,
  isBase64Encoded: false,
  ...more,
});

async function score(event: HttpEvent) {
  const { type, bytes } = await api.invoke(event);
  const end = bytes.indexOf(Buffer.alloc(8));
  expect(type).toBe(PRELUDE_TYPE);
  const prelude = JSON.parse(bytes.subarray(0, end).toString()) as HttpPrelude;
  return { ...prelude, body: JSON.parse(bytes.subarray(end + 8).toString()) };
}

it("a replica in a function tells when it can serve, and answers requests as any other", async () => {
  const probe: ProbeEvent = { trainyard: "probe", wait_ms: 60_000 };

  const probed = JSON.parse((await api.invoke(probe)).bytes.toString());
  const scored = await score(http('{"a": 1}'));
  const encoded = await score(http(Buffer.from("[2]").toString("base64"), { isBase64Encoded: true }));

  expect(probed).toMatchObject({ phase: "ready", log: expect.stringContaining("the model server answers") });
  expect(scored).toMatchObject({ statusCode: 200, headers: { "x-request-id": "mine" }, body: { got: { a: 1 } } });
  expect(encoded).toMatchObject({ statusCode: 200, body: { got: [2] } });
});

it("shows the script neither the function's rights nor the deployment's token", async () => {
  const { body } = await score(http("1"));

  // The marker of a replica's processes.
  expect(body.sees).toEqual(["TRAINYARD_REPLICA"]);
});

it("says what became of a request whose model server died, and serves on", async () => {
  const died = await score(http('"die"'));
  const after = await score(http("3"));

  expect(died).toMatchObject({ statusCode: 502, body: { message: expect.stringContaining("ended") } });
  expect([200, 503]).toContain(after.statusCode);
});
