import { beforeEach, describe, expect, it } from "vitest";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

let api: TrackingApi;

beforeEach(async () => {
  api = await openTrackingApi();
});

describe("experiments", () => {
  it("count up from 1 beside Default, 0, also when many are made at once", async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => api.experiment(`e${i}`)));
    const zero = await api.get("experiments/get", { experiment_id: "0" });

    expect(ids.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(zero.experiment).toMatchObject({
      name: "Default",
      lifecycle_stage: "active",
      artifact_location: "mlflow-artifacts:/0",
    });
  });

  it("have one name each, among the deleted too", async () => {
    const id = await api.experiment("one");
    const taken = await api.ask("POST", "experiments/create", { body: { name: "one" } });
    await api.post("experiments/delete", { experiment_id: id });
    const deleted = await api.ask("POST", "experiments/create", { body: { name: "one" } });

    for (const { status, json } of [taken, deleted]) {
      expect({ status, code: json.error_code }).toEqual({ status: 400, code: "RESOURCE_ALREADY_EXISTS" });
      expect(json.message).toContain("Experiment(name=one) already exists");
    }
  });

  it("are deleted with their runs and restored with them, but for runs deleted before", async () => {
    const id = await api.experiment();
    const [kept, gone] = [await api.run(id), await api.run(id)];
    await api.post("runs/delete", { run_id: gone });
    await api.post("experiments/delete", { experiment_id: id });
    const write = await api.ask("POST", "runs/set-tag", { body: { run_id: kept, key: "a", value: "b" } });
    const made = await api.ask("POST", "runs/create", { body: { experiment_id: id } });
    const again = await api.ask("POST", "experiments/delete", { body: { experiment_id: id } });
    await api.post("experiments/restore", { experiment_id: id });

    expect([write.status, made.status, again.status]).toEqual([400, 400, 404]);
    expect((await api.get("runs/get", { run_id: kept })).run.info.lifecycle_stage).toBe("active");
    expect((await api.get("runs/get", { run_id: gone })).run.info.lifecycle_stage).toBe("deleted");
  });

  it("are renamed; a deleted one is not", async () => {
    const id = await api.experiment("old");
    await api.post("experiments/update", { experiment_id: id, new_name: "new" });
    const old = await api.ask("GET", "experiments/get-by-name", { query: { experiment_name: "old" } });
    await api.experiment("old");
    const taken = await api.ask("POST", "experiments/update", { body: { experiment_id: id, new_name: "old" } });
    await api.post("experiments/delete", { experiment_id: id });
    const dead = await api.ask("POST", "experiments/update", { body: { experiment_id: id, new_name: "x" } });
    const long = await api.ask("POST", "experiments/update", {
      body: { experiment_id: "99", new_name: "x".repeat(501) },
    });

    expect(old).toMatchObject({
      status: 404,
      json: { error_code: "RESOURCE_DOES_NOT_EXIST", message: "Could not find experiment with name 'old'" },
    });
    expect(taken.status).toBe(400);
    expect(long.json.message).toBe("'name' exceeds the maximum length of 500 characters");
    expect(dead).toMatchObject({
      status: 500,
      json: { error_code: "INVALID_STATE", message: "Cannot rename a non-active experiment." },
    });
  });

  it("have tags within limits", async () => {
    const id = await api.experiment();
    await api.post("experiments/set-experiment-tag", { experiment_id: id, key: "k", value: "v" });
    const before = (await api.get("experiments/get", { experiment_id: id })).experiment.tags;
    await api.post("experiments/delete-experiment-tag", { experiment_id: id, key: "k" });
    const missing = await api.ask("POST", "experiments/delete-experiment-tag", {
      body: { experiment_id: id, key: "k" },
    });
    const long = await api.ask("POST", "experiments/set-experiment-tag", {
      body: { experiment_id: id, key: "k", value: "v".repeat(20_001) },
    });

    expect(before).toEqual([{ key: "k", value: "v" }]);
    expect(missing).toMatchObject({
      status: 404,
      json: { message: `No tag with name: k in experiment with id ${id}` },
    });
    expect(long).toMatchObject({
      status: 400,
      json: { message: "'value' exceeds the maximum length of 20000 characters" },
    });
  });

  it("are searched, newest first, by name, tag and view", async () => {
    const [a, b] = [await api.experiment("alpha"), await api.experiment("beta")];
    await api.post("experiments/set-experiment-tag", { experiment_id: a, key: "team", value: "x" });
    await api.post("experiments/delete", { experiment_id: b });
    const search = async (body: object) =>
      ((await api.post("experiments/search", { max_results: 10, ...body })).experiments ?? []).map(
        (each: { name: string }) => each.name,
      );

    expect(await search({ filter: "name LIKE 'al%'" })).toEqual(["alpha"]);
    expect(await search({ filter: "tags.team = 'x' AND creation_time > 0" })).toEqual(["alpha"]);
    expect(await search({ view_type: "DELETED_ONLY" })).toEqual(["beta"]);
    expect(await search({ view_type: "ALL", order_by: ["name DESC"] })).toEqual(["beta", "alpha", "Default"]);
    expect(await search({ filter: `experiment_id IN ('0', '${a}')`, order_by: ["experiment_id"] })).toEqual([
      "Default",
      "alpha",
    ]);
    expect((await api.ask("POST", "experiments/search", { body: {} })).status).toBe(400);
  });

  it.each([
    "runs:/x",
    "s3://b/../x",
    "mlflow-artifacts:/a/%2e%2e/b",
    "mlflow-artifacts:/a/%252e%252e/b",
    "http://h/a#b",
    "http://h/a?b=c",
    "file:///a\\..\\b",
    "x".repeat(2049),
  ])("refuse the artifact location %s", async (artifact_location) => {
    const { status, json } = await api.ask("POST", "experiments/create", { body: { name: "bad", artifact_location } });

    expect({ status, code: json.error_code }).toEqual({ status: 400, code: "INVALID_PARAMETER_VALUE" });
  });

  it("are the same ones over REST", async () => {
    const id = await api.experiment("mine");
    const base = "/api/v1/workspaces/default/experiments";
    const one = await api.get(`${base}/mine`);
    await api.ask("PATCH", `${base}/mine`, { body: { archived: true, tags: { a: "b" } } });

    expect(one).toMatchObject({ id, name: "mine", archived: false });
    expect((await api.get("experiments/get", { experiment_id: id })).experiment).toMatchObject({
      lifecycle_stage: "deleted",
      tags: [{ key: "a", value: "b" }],
    });
    expect((await api.get(base, { archived: "true" })).items.map((each: { name: string }) => each.name)).toEqual([
      "mine",
    ]);
  });
});

describe("the server", () => {
  it("tells strangers only that it is well, and which it is", async () => {
    expect((await api.ask("GET", "/health", { as: "nobody" })).text).toBe("OK");
    expect((await api.ask("GET", "/version", { as: "nobody" })).text).toMatch(/^3\.\d+\.\d+$/);
    expect((await api.ask("GET", "/w/default/api/3.0/mlflow/server-info", { as: "nobody" })).json).toMatchObject({
      workspaces_enabled: false,
    });
    expect(await api.ask("GET", "experiments/get", { as: "nobody", query: { experiment_id: "0" } })).toMatchObject({
      status: 401,
      json: { error_code: "UNAUTHENTICATED" },
    });
  });

  it("answers under /w/WORKSPACE, at the root and under /ajax-api alike", async () => {
    for (const base of ["/api", "/ajax-api", "/w/default/api", "/w/default/ajax-api"]) {
      expect((await api.get(`${base}/2.0/mlflow/experiments/get`, { experiment_id: "0" })).experiment.name).toBe(
        "Default",
      );
    }
  });

  it("says of what it lacks that it lacks it", async () => {
    const { status, json } = await api.ask("POST", "/api/3.0/mlflow/traces/search", { body: {} });

    expect({ status, code: json.error_code }).toEqual({ status: 501, code: "NOT_IMPLEMENTED" });
  });

  it("lets readers read and nothing else", async () => {
    const id = await api.experiment();
    const read = await api.ask("POST", "runs/search", { body: { experiment_ids: [id] }, as: "reader" });
    const write = await api.ask("POST", "runs/create", { body: { experiment_id: id }, as: "reader" });

    expect(read.status).toBe(200);
    expect(write).toMatchObject({ status: 403, json: { error_code: "PERMISSION_DENIED" } });
  });
});
