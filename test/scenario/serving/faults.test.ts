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
  putDeployment,
  putEndpoint,
  score,
  scriptSpec,
  setTraffic,
  settled,
  startLoad,
  uploadFiles,
  WORKSPACE,
} from "../../helpers/serving.ts";

/** Answers the model's word; waits, crashes or leaves when the request says so. */
const SCRIPT = `
import json, os, signal, subprocess, sys, time
def init():
    global word
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "m", "word.txt")) as file:
        word = file.read()
def run(raw_data):
    order = json.loads(raw_data)
    if "sleep" in order:
        time.sleep(order["sleep"])
    if "hang" in order:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        time.sleep(order["hang"])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    if order.get("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if order.get("exit"):
        sys.exit(1)
    if order.get("child"):
        subprocess.Popen(["sleep", "600"], start_new_session=True)
    return word
`;

describe("replicas under faults", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.dispose());

  async function specFor(word: string, more: object = {}) {
    const tree = await uploadFiles(server, { "m/word.txt": word });
    return scriptSpec(server, SCRIPT, {
      model: { path: `${tree}/m` },
      request_settings: { max_queue_wait_ms: 10_000, request_timeout_ms: 10_000 },
      ...more,
    });
  }

  async function live(endpoint: string, word: string, more: object = {}): Promise<string> {
    await putEndpoint(server, endpoint);
    const made = await deploy(server, endpoint, "blue", await specFor(word, more));
    expect(made.reason).toBeUndefined();
    await setTraffic(server, endpoint, { blue: 100 });
    return (await keysOf(server, endpoint)).primaryKey;
  }

  it("swaps the model under load without a failed request, and answers with the new one only once the switch is done", async () => {
    const key = await live("swapped", "v0");
    const load = startLoad(() => score(server, "swapped", { key }), 8);
    await until(() => load.count() > 100, "the load to run");

    for (let version = 1; version <= 3; version++) {
      const done = await deploy(server, "swapped", "blue", await specFor(`v${version}`));
      const after = await score(server, "swapped", { key });
      const sofar = load.count();
      await until(() => load.count() > sofar + 50, "requests after the switch");

      expect(done).toMatchObject({
        provisioning_state: "Succeeded",
        revision: version + 1,
        live_revision: version + 1,
      });
      expect(after.text).toBe(`"v${version}"`);
    }
    const seen = await load.stop();

    expect([...seen.keys()].sort()).toEqual(['200 "v0"', '200 "v1"', '200 "v2"', '200 "v3"']);
    expect(processesOf("swapped").filter(isWrapper)).toHaveLength(1);
  });

  it("starts a killed model server again; only the request it had is lost", async () => {
    const key = await live("killed", "k", {
      request_settings: { max_queue_wait_ms: 15_000, request_timeout_ms: 5000 },
    });
    const load = startLoad(() => score(server, "killed", { key }), 4);
    await until(() => load.count() > 50, "the load to run");

    const [victim] = processesOf("killed").filter(isModelServer);
    if (victim === undefined) throw new Error("there is no model server");
    process.kill(victim.pid, "SIGKILL");
    const sofar = load.count();
    await until(() => load.count() > sofar + 200, "answers after the kill");
    const seen = await load.stop();

    const lost = [...seen].filter(([word]) => !word.startsWith("200 "));
    expect(lost.every(([word]) => word.startsWith("502 "))).toBe(true);
    expect(lost.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(1);
    expect(
      processesOf("killed")
        .filter(isModelServer)
        .map(({ pid }) => pid),
    ).not.toContain(victim.pid);
  });

  it("starts a killed wrapper again, and nothing of the old one stays", async () => {
    const key = await live("wrapped", "w");
    const before = processesOf("wrapped");

    for (const wrapper of before.filter(isWrapper)) process.kill(wrapper.pid, "SIGKILL");
    await until(async () => {
      const answer = await score(server, "wrapped", { key });
      return answer.status === 200 && processesOf("wrapped").every(({ pid }) => !before.some((old) => old.pid === pid));
    }, "a new replica that answers");

    expect(processesOf("wrapped").filter(isWrapper)).toHaveLength(1);
    expect(processesOf("wrapped").filter(isModelServer)).toHaveLength(1);
  });

  it("says 502, 504 and 429 where a request crashes the server, takes too long or finds no place", async () => {
    const settings = { request_settings: { request_timeout_ms: 400, max_queue_wait_ms: 100 } };
    const key = await live("limits", "l", settings);
    const ask = (body: object) => score(server, "limits", { key, body: JSON.stringify(body) });
    const back = () => until(async () => (await ask({})).status === 200, "the model server to be back");

    const late = await ask({ sleep: 5 });
    await back();
    const [hanging, crowded] = await Promise.all([
      ask({ hang: 1 }),
      until(async () => ((await ask({})).status === 429 ? ask({}) : undefined), "a request without a place"),
    ]);
    await back();
    const crashed = await ask({ crash: true });
    await back();
    const left = await ask({ exit: true });
    const after = await ask({});

    expect(late).toMatchObject({ status: 504, text: '{"message":"Scoring timeout after 400 ms"}' });
    expect(hanging.status).toBe(504);
    expect(crowded.status).toBe(429);
    expect(crowded.headers["retry-after"]).toBe("1");
    expect(crashed.status).toBe(502);
    expect(JSON.parse(crashed.text)).toHaveProperty("message");
    expect(crashed.headers["x-request-id"]).toBeTruthy();
    expect(left.status).toBe(500);
    expect(after.status).toBe(200);
  });

  it("serves on while the home is killed and comes back, with the same processes", async () => {
    const key = await live("outlives", "o");
    const before = processesOf("outlives").map(({ pid }) => pid);

    await server.kill();
    const between = processesOf("outlives").map(({ pid }) => pid);
    await server.start();
    const answer = await until(async () => {
      const found = await score(server, "outlives", { key });
      return found.status === 200 ? found : undefined;
    }, "an answer after the restart");

    expect(between).toEqual(before);
    expect(answer.text).toBe('"o"');
    expect(processesOf("outlives").map(({ pid }) => pid)).toEqual(before);
  });

  it("finishes a deployment that was under way when the home was killed", async () => {
    await putEndpoint(server, "resumed");
    await putDeployment(server, "resumed", "blue", await specFor("r"));

    await server.kill();
    await server.start();
    const done = await settled(server, "resumed", "blue");
    const { primaryKey: key } = await keysOf(server, "resumed");
    const answer = await score(server, "resumed", { key, headers: { "azureml-model-deployment": "blue" } });

    expect(done).toMatchObject({ provisioning_state: "Succeeded", revision: 1 });
    expect(answer.text).toBe('"r"');
    expect(processesOf("resumed").filter(isWrapper)).toHaveLength(1);
  });

  it("runs as many replicas as asked for and sends requests to all of them", async () => {
    const spec = await scriptSpec(server, "import os\ndef init():\n    pass\ndef run(d):\n    return os.getpid()\n", {
      instance_count: 2,
    });
    await putEndpoint(server, "twins");
    const made = await deploy(server, "twins", "blue", spec);
    await setTraffic(server, "twins", { blue: 100 });
    const { primaryKey: key } = await keysOf(server, "twins");

    const pids = new Set<string>();
    for (let i = 0; i < 8; i++) pids.add((await score(server, "twins", { key })).text);

    expect(made).toMatchObject({ instance_count: 2, healthy_instances: 2 });
    expect(pids.size).toBe(2);
  });

  it("gives up on a model server that dies before it answers, with the reason", async () => {
    await putEndpoint(server, "doomed");
    const dying = await scriptSpec(
      server,
      "import os, signal\ndef init():\n    os.kill(os.getpid(), signal.SIGKILL)\ndef run(d):\n    return 1\n",
    );
    const missing = await scriptSpec(
      server,
      "import no_such_package\ndef init():\n    pass\ndef run(d):\n    return 1\n",
    );
    const slow = await scriptSpec(server, "import time\ndef init():\n    time.sleep(60)\ndef run(d):\n    return 1\n", {
      readiness_probe: { initial_delay: 1, period: 1, failure_threshold: 1 },
    });

    const [killed, unknown, late] = await Promise.all([
      deploy(server, "doomed", "killed", dying),
      deploy(server, "doomed", "unknown", missing),
      deploy(server, "doomed", "late", slow),
    ]);

    expect(killed.reason).toContain("SIGKILL");
    expect(unknown.reason).toContain("ModuleNotFoundError: No module named 'no_such_package'");
    expect(late.reason).toContain("readiness probe");
    expect(processesOf("doomed")).toEqual([]);
  });

  it("leaves no process when an endpoint is deleted, not even what a script set free", async () => {
    const key = await live("gone", "g");
    await score(server, "gone", { key, body: '{"child": true}' });
    const before = processesOf("gone");

    await server.client.call(onlineEndpoints.delete, { params: { workspace: WORKSPACE, endpoint: "gone" } });

    expect(before.some(({ command }) => command.startsWith("sleep"))).toBe(true);
    expect(processesOf("gone")).toEqual([]);
  });

  it("deletes an endpoint although the home is killed meanwhile", async () => {
    await live("halfway", "h");
    const deletion = server.client
      .call(onlineEndpoints.delete, { params: { workspace: WORKSPACE, endpoint: "halfway" } })
      .catch(() => undefined);
    await until(async () => {
      const found = await server.client.call(onlineEndpoints.get, {
        params: { workspace: WORKSPACE, endpoint: "halfway" },
      });
      return found.provisioning_state === "Deleting";
    }, "the deletion to begin").catch(() => undefined);

    await server.kill();
    await deletion;
    await server.start();
    await until(() => processesOf("halfway").length === 0, "its processes to end");

    await until(
      () =>
        server.client.call(onlineEndpoints.get, { params: { workspace: WORKSPACE, endpoint: "halfway" } }).then(
          () => false,
          (error: { code?: string }) => error.code === "NotFound",
        ),
      "its record to go",
    );
  });
});
