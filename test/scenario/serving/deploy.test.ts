import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeClient } from "../../../src/client/client.ts";
import type { ReplicaRequest } from "../../../src/contract/replica.ts";
import { onlineDeployments, onlineEndpoints } from "../../../src/contract/routes/endpoints.ts";
import { files } from "../../../src/contract/routes/files.ts";
import { until } from "../../helpers/ports.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";
import {
  deploy,
  keysOf,
  processesOf,
  putEndpoint,
  score,
  scriptSpec,
  setTraffic,
  uploadFiles,
  WORKSPACE,
} from "../../helpers/serving.ts";

const ECHO = `
import json
def init():
    global word
    word = "hello"
def run(raw_data):
    return {"word": word, "got": json.loads(raw_data)}
`;

describe("a deployment on the laptop", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.dispose());

  it("answers with what the script returns, once it has traffic and only to those who hold a key", async () => {
    await putEndpoint(server, "first");
    const made = await deploy(server, "first", "blue", await scriptSpec(server, ECHO));
    const { primaryKey, secondaryKey } = await keysOf(server, "first");

    const before = await score(server, "first", { key: primaryKey });
    const endpoint = await setTraffic(server, "first", { blue: 100 });
    const good = await score(server, "first", { key: primaryKey, body: '{"a": 1}' });
    const second = await score(server, "first", { key: secondaryKey });
    const stranger = await score(server, "first", { key: "not-a-key" });
    const nobody = await score(server, "first", {});

    expect(made).toMatchObject({
      provisioning_state: "Succeeded",
      revision: 1,
      live_revision: 1,
      healthy_instances: 1,
    });
    expect(before.status).toBe(404);
    expect(before.text).toContain("traffic");
    expect(endpoint.scoring_uri).toBe(`${server.url()}/w/default/endpoints/first/score`);
    expect(good.status).toBe(200);
    expect(JSON.parse(good.text)).toEqual({ word: "hello", got: { a: 1 } });
    expect(good.headers).toMatchObject({ "azureml-model-deployment": "blue", "x-ms-run-function-failed": "False" });
    expect(second.status).toBe(200);
    expect(stranger.status).toBe(401);
    expect(nobody.status).toBe(401);
    expect(JSON.parse(nobody.text)).toHaveProperty("message");
  });

  it("tells health and swagger, and passes request ids through", async () => {
    const { primaryKey: key } = await keysOf(server, "first");

    const health = await score(server, "first", { key, path: "/", method: "GET" });
    const swagger = await score(server, "first", { key, path: "/swagger.json?version=3", method: "GET" });
    const answer = await score(server, "first", { key, headers: { "x-request-id": "mine-1" } });
    const own = await score(server, "first", { key });

    expect(health).toMatchObject({ status: 200, text: "Healthy" });
    expect(JSON.parse(swagger.text)).toMatchObject({ openapi: "3.0.3" });
    expect(answer.headers["x-request-id"]).toBe("mine-1");
    expect(own.headers["x-request-id"]).toMatch(/^[0-9a-f]{32}$/);
  });

  it("sends a request to the deployment its header names, whatever the traffic", async () => {
    await deploy(server, "first", "green", await scriptSpec(server, ECHO.replace("hello", "bonjour")));
    const { primaryKey: key } = await keysOf(server, "first");

    const forced = await score(server, "first", { key, headers: { "azureml-model-deployment": "green" } });
    const unknown = await score(server, "first", { key, headers: { "azureml-model-deployment": "red" } });

    expect(JSON.parse(forced.text)).toMatchObject({ word: "bonjour" });
    expect(forced.headers["azureml-model-deployment"]).toBe("green");
    expect(unknown.status).toBe(404);
  });

  it("splits traffic by weight, and refuses shares that do not add up", async () => {
    const { primaryKey: key } = await keysOf(server, "first");
    await setTraffic(server, "first", { blue: 50, green: 50 });

    const words = new Set<string>();
    for (let i = 0; i < 60; i++)
      words.add((JSON.parse((await score(server, "first", { key })).text) as { word: string }).word);

    expect([...words].sort()).toEqual(["bonjour", "hello"]);
    await expect(setTraffic(server, "first", { blue: 70, green: 20 })).rejects.toMatchObject({
      code: "InvalidArgument",
    });
    await expect(setTraffic(server, "first", { red: 100 })).rejects.toMatchObject({ code: "InvalidArgument" });
    await setTraffic(server, "first", { blue: 100, green: 0 });
  });

  it("puts the model's folder under AZUREML_MODEL_DIR by its own name, and gives the script its variables", async () => {
    const tree = await uploadFiles(server, { "weights/w.txt": "42", "weights/deep/x.txt": "7" });
    const script = `
import os
def init():
    global seen
    root = os.environ["AZUREML_MODEL_DIR"]
    seen = [open(os.path.join(root, "weights/w.txt")).read(), sorted(os.listdir(os.path.join(root, "weights"))), os.environ["MINE"]]
def run(raw_data):
    return seen
`;
    const spec = await scriptSpec(server, script, {
      model: { path: `${tree}/weights` },
      environment_variables: { MINE: "yes" },
    });
    const made = await deploy(server, "first", "model", spec);
    const { primaryKey: key } = await keysOf(server, "first");

    const answer = await score(server, "first", { key, headers: { "azureml-model-deployment": "model" } });

    expect(made.reason).toBeUndefined();
    expect(JSON.parse(answer.text)).toEqual(["42", ["deep", "w.txt"], "yes"]);
  });

  it("keeps the old revision serving when the new one fails, and says why with the log's end", async () => {
    const bad = await scriptSpec(
      server,
      `def init():\n    print("about to fail")\n    raise RuntimeError("no weights today")\ndef run(d):\n    return 1\n`,
    );
    const { primaryKey: key } = await keysOf(server, "first");

    const failed = await deploy(server, "first", "blue", bad);
    const still = await score(server, "first", { key });

    expect(failed).toMatchObject({ provisioning_state: "Failed", revision: 2, live_revision: 1 });
    expect(failed.reason).toContain("init() of the scoring script failed: RuntimeError: no weights today");
    expect(failed.log_tail).toContain("about to fail");
    expect(JSON.parse(still.text)).toMatchObject({ word: "hello" });
    await until(
      () => processesOf("first").every(({ command }) => !command.includes("blue-2")),
      "the failed revision's end",
    );
  });

  it("refuses what can't be deployed before anything is made", async () => {
    const code = await uploadFiles(server, { "score.py": ECHO });
    const put = (body: object) =>
      server.client.call(onlineDeployments.put, {
        params: { workspace: WORKSPACE, endpoint: "first", deployment: "never" },
        body,
      });

    await expect(put({})).rejects.toMatchObject({ code: "NotSupported" });
    await expect(put({ code_configuration: { code, scoring_script: "score.py" } })).rejects.toMatchObject({
      code: "InvalidSpec",
    });
    await expect(
      put({ code_configuration: { code, scoring_script: "other.py" }, environment: "python-3" }),
    ).rejects.toMatchObject({ code: "InvalidSpec" });
    await expect(
      put({ code_configuration: { code, scoring_script: "../score.py" }, environment: "python-3" }),
    ).rejects.toMatchObject({ code: "InvalidPath" });
    await expect(put({ model: { path: `${code}/score.py` } })).rejects.toMatchObject({ code: "InvalidSpec" });
    await expect(put({ model: "azureml:nothing:1" })).rejects.toMatchObject({ code: "NotFound" });
    await expect(
      server.client.call(onlineDeployments.get, {
        params: { workspace: WORKSPACE, endpoint: "first", deployment: "never" },
        query: {},
      }),
    ).rejects.toMatchObject({ code: "NotFound" });
  });

  it("gives replicas a token that reads their own model and code, and nothing else", async () => {
    const other = await uploadFiles(server, { "secret.txt": "not yours" });
    const folder = readdirSync(join(server.dir, "serving")).find((name) => name.startsWith("first-blue-1-")) ?? "";
    const request = JSON.parse(
      readFileSync(join(server.dir, "serving", folder, "0", "request.json"), "utf8"),
    ) as ReplicaRequest;
    const replica = makeClient({ url: server.url(), token: request.token, retry: { attempts: 1 } });
    const params = { workspace: WORKSPACE, endpoint: "first", deployment: "blue" };

    const { code } = await replica.call(onlineDeployments.assignment, { params: { ...params, revision: 1 } });
    const own = await replica.call(files.list, { params: { workspace: WORKSPACE }, query: { uri: code?.uri ?? "" } });

    expect(own.items.map(({ path }) => path)).toEqual(["score.py"]);
    await expect(
      replica.call(files.list, { params: { workspace: WORKSPACE }, query: { uri: other } }),
    ).rejects.toMatchObject({ code: "Forbidden" });
    await expect(replica.call(onlineEndpoints.keys, { params })).rejects.toMatchObject({ code: "Forbidden" });
    await expect(
      replica.call(onlineDeployments.assignment, { params: { ...params, deployment: "green", revision: 1 } }),
    ).rejects.toMatchObject({ code: "Forbidden" });
  });

  it("gives tokens for aml_token endpoints, which open no other endpoint", async () => {
    await putEndpoint(server, "tokened", { auth_mode: "aml_token" });
    await deploy(server, "tokened", "blue", await scriptSpec(server, ECHO));
    await setTraffic(server, "tokened", { blue: 100 });

    const { accessToken } = await server.client.call(onlineEndpoints.token, {
      params: { workspace: WORKSPACE, endpoint: "tokened" },
      body: {},
    });
    const good = await score(server, "tokened", { key: accessToken });
    const elsewhere = await score(server, "first", { key: accessToken });

    expect(good.status).toBe(200);
    expect(elsewhere.status).toBe(401);
    await expect(keysOf(server, "tokened")).rejects.toMatchObject({ code: "InvalidArgument" });
  });

  it("mirrors a share of the requests without changing the answer", async () => {
    const told = await scriptSpec(
      server,
      `count = 0\ndef init():\n    pass\ndef run(d):\n    global count\n    count += 1\n    return count\n`,
    );
    await putEndpoint(server, "mirrored");
    await deploy(server, "mirrored", "live", await scriptSpec(server, ECHO));
    await deploy(server, "mirrored", "shadow", told);
    await setTraffic(server, "mirrored", { live: 100 }, { shadow: 50 });
    const { primaryKey: key } = await keysOf(server, "mirrored");

    const answers = new Set<number>();
    for (let i = 0; i < 40; i++) answers.add((await score(server, "mirrored", { key, body: "1" })).status);
    const shadowCount = async () =>
      Number((await score(server, "mirrored", { key, headers: { "azureml-model-deployment": "shadow" } })).text);

    expect([...answers]).toEqual([200]);
    await until(async () => (await shadowCount()) > 5, "mirrored requests to arrive");
  });

  it("changes a key without a gap", async () => {
    const before = await keysOf(server, "first");

    const after = await server.client.call(onlineEndpoints.regenerateKey, {
      params: { workspace: WORKSPACE, endpoint: "first" },
      body: { key_type: "primary" },
    });

    expect(after.primaryKey).not.toBe(before.primaryKey);
    expect(after.secondaryKey).toBe(before.secondaryKey);
    expect((await score(server, "first", { key: before.primaryKey })).status).toBe(401);
    expect((await score(server, "first", { key: before.secondaryKey })).status).toBe(200);
    expect((await score(server, "first", { key: after.primaryKey })).status).toBe(200);
  });

  it("leaves no process when deployment or endpoint are deleted", async () => {
    const params = { workspace: WORKSPACE, endpoint: "first" };
    await expect(
      server.client.call(onlineDeployments.delete, { params: { ...params, deployment: "blue" } }),
    ).rejects.toMatchObject({ code: "Conflict" });

    await server.client.call(onlineDeployments.delete, { params: { ...params, deployment: "green" } });
    const withoutGreen = await server.client.call(onlineEndpoints.get, { params });
    await server.client.call(onlineEndpoints.delete, { params });

    expect(withoutGreen.deployments).toEqual(["blue", "model"]);
    expect(processesOf("first")).toEqual([]);
    await expect(server.client.call(onlineEndpoints.get, { params })).rejects.toMatchObject({ code: "NotFound" });
    expect((await score(server, "first", { key: "x" })).status).toBe(401);
  });
});
