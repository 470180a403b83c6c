import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onlineEndpoints } from "../../../src/contract/routes/endpoints.ts";
import { until } from "../../helpers/ports.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";
import {
  deploy,
  isModelServer,
  isWrapper,
  keysOf,
  processesOf,
  putEndpoint,
  score,
  scriptSpec,
  setTraffic,
  startLoad,
  WORKSPACE,
} from "../../helpers/serving.ts";

const LENGTH = `
import json, os, time
def init():
    pass
def run(raw_data):
    if raw_data.startswith("sleep"):
        time.sleep(float(raw_data[5:]))
    return [len(raw_data), os.getpid()]
`;

describe("traffic to replicas", () => {
  let server: TestServer;
  let key = "";
  beforeAll(async () => {
    server = await startServer();
    await putEndpoint(server, "lengths");
    key = (await keysOf(server, "lengths")).primaryKey;
    const made = await deploy(server, "lengths", "blue", await scriptSpec(server, LENGTH, { instance_count: 2 }));
    expect(made.reason).toBeUndefined();
    await setTraffic(server, "lengths", { blue: 100 });
  });
  afterAll(() => server.dispose());

  const lengthOf = (text: string): number => (JSON.parse(text) as [number, number])[0];

  it("takes bodies of any size up to the limit, with their length told or not", async () => {
    const big = "x".repeat(6 * 1024 * 1024);

    const told = await score(server, "lengths", { key, body: big });
    const untold = await chunked(server, key, ["a".repeat(10), "b".repeat(2_000_000), "c"]);
    const empty = await score(server, "lengths", { key, body: "" });

    expect([told.status, lengthOf(told.text)]).toEqual([200, big.length]);
    expect([untold.status, lengthOf(untold.text)]).toEqual([200, 2_000_011]);
    expect([empty.status, lengthOf(empty.text)]).toEqual([200, 0]);
  });

  it("goes on when a caller leaves in the middle of its body or its wait", async () => {
    for (let i = 0; i < 8; i++) {
      const sent = open(server, key, { "content-length": "1000" });
      sent.write("half");
      await new Promise<void>((resolve) => sent.once("socket", (socket) => socket.once("connect", () => resolve())));
      sent.destroy();
    }
    const waiting = Array.from({ length: 4 }, () => {
      const sent = open(server, key, {});
      sent.end("sleep0.3");
      return sent;
    });
    await Promise.all(waiting.map((sent) => new Promise<void>((resolve) => sent.once("finish", () => resolve()))));
    for (const sent of waiting) sent.destroy();

    const answer = await until(async () => {
      const found = await score(server, "lengths", { key, body: "abc" });
      return found.status === 200 ? found : undefined;
    }, "a place after the callers left");

    expect(lengthOf(answer.text)).toBe(3);
  });

  it("uses the other replica while one is started again", async () => {
    const [first] = processesOf("lengths").filter(isWrapper);
    if (first === undefined) throw new Error("there is no replica");

    process.kill(first.pid, "SIGKILL");
    const statuses: number[] = [];
    for (let i = 0; i < 20; i++) statuses.push((await score(server, "lengths", { key })).status);
    await until(() => processesOf("lengths").filter(isModelServer).length === 2, "both replicas");

    // What was written to the dying replica may have been read: that one request is not sent twice.
    expect(statuses.filter((status) => status === 502).length).toBeLessThanOrEqual(1);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(19);
  });

  it("drops nothing when instances are taken away, traffic is moved and keys are changed", async () => {
    const patient = { request_settings: { max_queue_wait_ms: 20_000 } };
    await putEndpoint(server, "moved");
    await deploy(server, "moved", "blue", await scriptSpec(server, LENGTH, { ...patient, instance_count: 2 }));
    await deploy(server, "moved", "green", await scriptSpec(server, LENGTH, patient));
    await setTraffic(server, "moved", { blue: 100 });
    const { secondaryKey } = await keysOf(server, "moved");
    const load = startLoad(async () => {
      const { status } = await score(server, "moved", { key: secondaryKey });
      return { status, text: "", headers: {} };
    }, 6);
    await until(() => load.count() > 50, "the load to run");

    await deploy(server, "moved", "blue", await scriptSpec(server, LENGTH, { ...patient, instance_count: 1 }));
    for (const share of [20, 60, 100, 0]) await setTraffic(server, "moved", { blue: 100 - share, green: share });
    await server.client.call(onlineEndpoints.regenerateKey, {
      params: { workspace: WORKSPACE, endpoint: "moved" },
      body: { key_type: "primary" },
    });
    const sofar = load.count();
    await until(() => load.count() > sofar + 50, "requests after the changes");
    const seen = await load.stop();

    expect([...seen.keys()]).toEqual(["200 "]);
  });

  it("runs as many workers in a replica as WORKER_COUNT says", async () => {
    const spec = await scriptSpec(server, LENGTH, {
      environment_variables: { WORKER_COUNT: "2" },
      request_settings: { max_concurrent_requests_per_instance: 2 },
    });
    await deploy(server, "lengths", "workers", spec);
    const ask = (body: string) =>
      score(server, "lengths", { key, body, headers: { "azureml-model-deployment": "workers" } });

    const pids = new Set<number>();
    await until(async () => {
      for (const { text } of await Promise.all([ask("sleep0.1"), ask("sleep0.1")]))
        pids.add((JSON.parse(text) as number[])[1] ?? 0);
      return pids.size === 2;
    }, "both workers to answer");

    expect(pids.size).toBe(2);
  });
});

function open(server: TestServer, key: string, headers: Record<string, string>) {
  const sent = request(`${server.url()}/w/${WORKSPACE}/endpoints/lengths/score`, {
    method: "POST",
    agent: false,
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
  sent.on("error", () => undefined);
  return sent;
}

function chunked(server: TestServer, key: string, parts: readonly string[]): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = open(server, key, {});
    sent.on("error", reject);
    sent.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    for (const part of parts) sent.write(part);
    sent.end();
  });
}
