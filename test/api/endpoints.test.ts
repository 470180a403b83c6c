import { describe, expect, it } from "vitest";
import { AppError } from "../../src/contract/errors.ts";
import { openEndpointFrame, SPEC } from "../helpers/endpoint-frame.ts";

const MODEL = { ...SPEC, model: "azureml:m@latest" };

describe("online endpoints", () => {
  it("are made once, changed by a put, and keep traffic that the put leaves out", async () => {
    const { ask, settle } = await openEndpointFrame();

    const made = await ask("PUT", "/shop", { description: "first", tags: { a: "1" } });
    const again = await ask("PUT", "/shop", { description: "first", tags: { a: "1" } });
    await ask("PUT", "/shop/deployments/blue", SPEC);
    await settle("shop", "blue");
    await ask("PATCH", "/shop", { traffic: { blue: 100 } });
    const changed = await ask("PUT", "/shop", { description: "second" });

    expect(made.status).toBe(200);
    expect(made.json).toMatchObject({ name: "shop", auth_mode: "key", traffic: {}, provisioning_state: "Succeeded" });
    expect(made.json.scoring_uri).toBe("http://home.test/w/default/endpoints/shop/score");
    expect(again.json.updated_at).toBe(made.json.updated_at);
    expect(changed.json).toMatchObject({
      description: "second",
      tags: {},
      traffic: { blue: 100 },
      deployments: ["blue"],
    });
  });

  it("are listed in pages by name", async () => {
    const { ask } = await openEndpointFrame();
    for (const name of ["ccc", "aaa", "bbb"]) await ask("PUT", `/${name}`, {});

    const first = await ask("GET", "?limit=2");
    const second = await ask("GET", `?limit=2&cursor=${encodeURIComponent(first.json.next_cursor)}`);

    expect(first.json.items.map((one: { name: string }) => one.name)).toEqual(["aaa", "bbb"]);
    expect(second.json.items.map((one: { name: string }) => one.name)).toEqual(["ccc"]);
  });

  it.each([
    ["a", "too short"],
    ["1abc", "a digit first"],
    ["abc-", "a dash last"],
    ["x".repeat(33), "too long"],
  ])("refuse the name `%s`: %s", async (name) => {
    const { ask } = await openEndpointFrame();

    expect((await ask("PUT", `/${name}`, {})).status).toBe(400);
  });

  it("take only traffic that adds up and goes where something answers", async () => {
    const { ask, settle, host } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", SPEC);
    host.states.set(1, { state: "failed", addresses: [], reason: "no luck" });
    await settle("shop", "blue");
    await ask("PUT", "/shop/deployments/green", SPEC);

    const toFailed = await ask("PATCH", "/shop", { traffic: { blue: 100 } });
    const toStarting = await ask("PATCH", "/shop", { traffic: { green: 100 } });
    const toNobody = await ask("PATCH", "/shop", { traffic: { red: 100 } });
    const half = await ask("PATCH", "/shop", { traffic: { green: 50 } });
    const nothing = await ask("PATCH", "/shop", { traffic: { green: 0, blue: 0 } });
    const mirror = await ask("PATCH", "/shop", { mirror_traffic: { green: 60 } });

    expect([toFailed.status, toStarting.status, toNobody.status, half.status, nothing.status, mirror.status]).toEqual([
      409, 409, 400, 400, 200, 400,
    ]);
    expect(toFailed.json.details).toMatchObject({ state: "Failed" });
  });

  it("show their keys to those who may see secrets, and nowhere else", async () => {
    const { ask } = await openEndpointFrame();
    await ask("PUT", "/shop", {});

    const keys = await ask("GET", "/shop/keys");
    const [reader, contributor] = [
      await ask("GET", "/shop/keys", undefined, "reader"),
      await ask("GET", "/shop/keys", undefined, "contributor"),
    ];
    const shown = JSON.stringify([(await ask("GET", "/shop")).json, (await ask("GET", "")).json]);

    expect(keys.json.primaryKey).toMatch(/^[\w-]{43}$/);
    expect(keys.json.secondaryKey).not.toBe(keys.json.primaryKey);
    expect([reader.status, contributor.status]).toEqual([403, 403]);
    expect(shown).not.toContain(keys.json.primaryKey);
  });

  it("warn of what this home cannot honour", async () => {
    const { ask } = await openEndpointFrame();

    const { json } = await ask("PUT", "/shop", {
      identity: { type: "system_assigned" },
      public_network_access: "disabled",
    });

    expect(json.warnings).toHaveLength(2);
  });

  it("are gone with their deployments, secrets and replicas when they are deleted", async () => {
    const { ask, settle, settleDeleted, host, vault } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", MODEL);
    await settle("shop", "blue");

    const deletion = ask("DELETE", "/shop");
    await expect.poll(async () => (await ask("GET", "/shop")).json.provisioning_state).toBe("Deleting");
    const meanwhile = await ask("PUT", "/shop/deployments/green", SPEC);
    await settleDeleted("shop");
    const deleted = await deletion;
    const anew = await ask("PUT", "/shop", {});

    expect(deleted.status).toBe(200);
    expect(meanwhile.status).toBe(409);
    expect(host.stopped).toHaveLength(1);
    expect(anew.json.deployments).toEqual([]);
    expect(await vault.list("endpoints/default/shop/")).toHaveLength(1);
  });
});

describe("deployments", () => {
  it("go from Creating to Succeeded, and tell who did what", async () => {
    const { ask, settle, host, refreshed } = await openEndpointFrame();
    await ask("PUT", "/shop", {});

    const put = await ask("PUT", "/shop/deployments/blue", { ...MODEL, instance_count: 2 });
    const creating = await ask("GET", "/shop/deployments/blue");
    await settle("shop", "blue");
    const done = await ask("GET", "/shop/deployments/blue");

    expect(put.status).toBe(202);
    expect(creating.json).toMatchObject({ provisioning_state: "Creating", revision: 1, healthy_instances: 0 });
    expect(creating.json.live_revision).toBeUndefined();
    expect(done.json).toMatchObject({
      provisioning_state: "Succeeded",
      live_revision: 1,
      healthy_instances: 1,
      instance_count: 2,
      model: "azureml:m:2",
    });
    expect(host.started[0]).toMatchObject({
      endpoint: "shop",
      deployment: "blue",
      instanceCount: 2,
      environmentRef: "python:/somewhere",
    });
    expect(refreshed.at(-1)).toBe("shop");
  });

  it("bring up the new revision before the old one is drained and stopped", async () => {
    const { ask, settle, host, uses } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", MODEL);
    await settle("shop", "blue");

    const update = await ask("PUT", "/shop/deployments/blue", {
      ...SPEC,
      model: "azureml:m:1",
      request_settings: { request_timeout_ms: 30_000 },
    });
    const whileUpdating = [...uses];
    await settle("shop", "blue");
    const done = await ask("GET", "/shop/deployments/blue");

    expect(update.json).toMatchObject({ provisioning_state: "Updating", revision: 2, live_revision: 1 });
    expect(whileUpdating).toEqual(["azureml:m:2 shop/blue/1", "azureml:m:1 shop/blue/2"]);
    expect(done.json).toMatchObject({ provisioning_state: "Succeeded", revision: 2, live_revision: 2 });
    expect(host.stopped).toHaveLength(1);
    expect(host.stopped[0]?.handle).toContain("/blue/1/");
    expect(host.stopped[0]?.drainSec).toBeGreaterThanOrEqual(5);
    expect([...uses]).toEqual(["azureml:m:1 shop/blue/2"]);
  });

  it("are refused what only jobs get: secrets", async () => {
    const { ask } = await openEndpointFrame();
    await ask("PUT", "/shop", {});

    const variables = { environment_variables: { TOKEN: "${{secrets.token}}" } };
    const { status, json } = await ask("PUT", "/shop/deployments/blue", { ...SPEC, ...variables });

    expect([status, json.code, json.detail]).toEqual([400, "NotSupported", expect.stringContaining("`token`")]);
  });

  it("make no new revision of the same spec, unless the last one failed", async () => {
    const { ask, settle, host } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", SPEC);
    await settle("shop", "blue");

    const same = await ask("PUT", "/shop/deployments/blue", SPEC);
    host.states.set(2, { state: "failed", addresses: [], reason: "no luck" });
    await ask("PUT", "/shop/deployments/blue", { ...SPEC, tags: { a: "1" } });
    await settle("shop", "blue");
    const retried = await ask("PUT", "/shop/deployments/blue", { ...SPEC, tags: { a: "1" } });

    expect(same.json).toMatchObject({ revision: 1, provisioning_state: "Succeeded" });
    expect(retried.json).toMatchObject({ revision: 3, provisioning_state: "Updating", live_revision: 1 });
  });

  it("fail with the host's reason and log, and the old revision stays live", async () => {
    const { ask, settle, host, uses } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", SPEC);
    await settle("shop", "blue");
    host.states.set(2, { state: "failed", addresses: [], reason: "init() failed: no weights" });

    await ask("PUT", "/shop/deployments/blue", MODEL);
    await settle("shop", "blue");
    const failed = await ask("GET", "/shop/deployments/blue");
    const logs = await ask("GET", "/shop/deployments/blue/logs");

    expect(failed.json).toMatchObject({
      provisioning_state: "Failed",
      revision: 2,
      live_revision: 1,
      reason: "init() failed: no weights",
    });
    expect(failed.json.log_tail).toContain("log of");
    expect(logs.json.text).toContain("init() failed: no weights");
    expect(host.stopped.map(({ handle }) => handle.split("/")[3])).toEqual(["2"]);
    expect([...uses]).toEqual([]);
  });

  it("fail with the build's log when the environment can't be built", async () => {
    const { ask, settle, builds, host } = await openEndpointFrame();
    builds.fail = new AppError("EnvironmentBuildFailed", "no such package `nope`");
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", SPEC);

    await settle("shop", "blue");
    const { json } = await ask("GET", "/shop/deployments/blue");

    expect(json).toMatchObject({
      provisioning_state: "Failed",
      reason: "no such package `nope`",
      log_tail: "building",
    });
    expect(host.started).toEqual([]);
  });

  it("give up a revision that is still starting when a newer one is asked for", async () => {
    const { ask, settle, host } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    host.states.set(1, { state: "starting", addresses: [] });
    await ask("PUT", "/shop/deployments/blue", SPEC);
    const first = settle("shop", "blue");
    await expect.poll(() => host.started.length).toBe(1);

    await ask("PUT", "/shop/deployments/blue", MODEL);
    await Promise.all([first, settle("shop", "blue")]);
    const { json } = await ask("GET", "/shop/deployments/blue");

    expect(json).toMatchObject({ provisioning_state: "Succeeded", revision: 2, live_revision: 2 });
    expect(host.stopped.map(({ handle }) => handle.split("/")[3])).toEqual(["1"]);
  });

  it("go on where they were interrupted, without starting anything twice", async () => {
    const { ask, settle, host } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    host.states.set(1, { state: "starting", addresses: [] });
    await ask("PUT", "/shop/deployments/blue", SPEC);
    const interruption = new AbortController();
    const first = settle("shop", "blue", interruption.signal);
    await expect.poll(() => host.started.length).toBe(1);

    interruption.abort(new Error("closing"));
    await expect(first).rejects.toThrow("closing");
    host.states.delete(1);
    await settle("shop", "blue");
    await ask("PUT", "/shop/deployments/blue", MODEL);
    host.failStop = new Error("the machine stumbled");
    await expect(settle("shop", "blue")).rejects.toThrow("stumbled");
    const between = await ask("GET", "/shop/deployments/blue");
    await settle("shop", "blue");
    const { json } = await ask("GET", "/shop/deployments/blue");

    expect(between.json).toMatchObject({ provisioning_state: "Updating", live_revision: 2 });
    expect(json).toMatchObject({ provisioning_state: "Succeeded", live_revision: 2 });
    expect(host.started).toHaveLength(2);
    expect(host.stopped).toHaveLength(1);
  });

  it("are deleted only without traffic", async () => {
    const { ask, settle, host } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", SPEC);
    await settle("shop", "blue");
    await ask("PATCH", "/shop", { traffic: { blue: 100 } });

    const refused = await ask("DELETE", "/shop/deployments/blue");
    await ask("PATCH", "/shop", { traffic: { blue: 0 } });
    const deletion = ask("DELETE", "/shop/deployments/blue");
    await expect
      .poll(async () => (await ask("GET", "/shop/deployments/blue")).json.provisioning_state)
      .toBe("Deleting");
    await settle("shop", "blue");
    await deletion;
    const { json } = await ask("GET", "/shop");

    expect(refused.status).toBe(409);
    expect(host.stopped).toHaveLength(1);
    expect(json).toMatchObject({ deployments: [], traffic: {} });
    expect((await ask("GET", "/shop/deployments/blue")).status).toBe(404);
  });

  it("hand their assignment to their own replicas only", async () => {
    const { ask } = await openEndpointFrame();
    await ask("PUT", "/shop", {});
    await ask("PUT", "/shop/deployments/blue", { ...MODEL, environment_variables: { A: "b" } });
    const path = "/shop/deployments/blue/revisions/1/assignment";

    const own = await ask("GET", path, undefined, "deployment:shop:blue");
    const other = await ask("GET", path, undefined, "deployment:shop:green");
    const owner = await ask("GET", path);
    const unknown = await ask(
      "GET",
      "/shop/deployments/blue/revisions/9/assignment",
      undefined,
      "deployment:shop:blue",
    );

    expect(own.json).toMatchObject({
      model: { uri: "azureml://registered/m/model", base_name: "model", name: "m", version: "2" },
      code: { scoring_script: "score.py" },
      environment_variables: { A: "b" },
      request_settings: { request_timeout_ms: 5000, max_concurrent_requests_per_instance: 1, max_queue_wait_ms: 500 },
      readiness_probe: { initial_delay: 10, failure_threshold: 30 },
    });
    expect([other.status, owner.status, unknown.status]).toEqual([403, 403, 404]);
  });

  it("serve an MLflow model with the environment it brings along", async () => {
    const { ask, host, settle } = await openEndpointFrame();
    await ask("PUT", "/shop", {});

    const { json } = await ask("PUT", "/shop/deployments/flow", { model: { path: "azureml://models/flow" } });
    await settle("shop", "flow");

    expect(json.environment).toMatchObject({
      requirements: ["mlflow==3.1.0", "scikit-learn==1.6.1", "pandas", "numpy"],
      relax_pins: true,
    });
    expect(host.started).toHaveLength(1);
  });

  it("name the field that this home keeps without acting upon it", async () => {
    const { ask } = await openEndpointFrame();
    await ask("PUT", "/shop", {});

    const { json } = await ask("PUT", "/shop/deployments/blue", {
      ...SPEC,
      instance_type: "Standard_DS3_v2",
      app_insights_enabled: true,
      scale_settings: { type: "target_utilization" },
      data_collector: { collections: {} },
    });

    for (const field of ["instance_type", "app_insights_enabled", "scale_settings", "data_collector"]) {
      expect(json.warnings.some((warning: string) => warning.includes(`\`${field}`))).toBe(true);
    }
  });
});
