import { beforeEach, describe, expect, it } from "vitest";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

let api: TrackingApi;
let experiment: string;
let run: string;
let id: string;

beforeEach(async () => {
  api = await openTrackingApi();
  experiment = await api.experiment();
  run = await api.run(experiment);
  id = await make("first", {
    model_type: "t",
    params: [{ key: "depth", value: "3" }],
    tags: [{ key: "team", value: "x" }],
  });
});

async function make(name: string, more: object = {}): Promise<string> {
  return (await api.post("logged-models", { experiment_id: experiment, name, source_run_id: run, ...more })).model.info
    .model_id;
}

async function found(body: object): Promise<string> {
  const { models = [] } = await api.post("logged-models/search", { experiment_ids: [experiment], ...body });
  return models.map((model: { info: { name: string } }) => model.info.name).join(" ");
}

describe("logged models", () => {
  it("are pending until they are finalized, with a place of their own", async () => {
    const before = (await api.get(`logged-models/${id}`)).model;
    await api.ask("PATCH", `logged-models/${id}`, { body: { model_id: id, status: "LOGGED_MODEL_READY" } });
    const after = (await api.get(`logged-models/${id}`)).model;

    expect(id).toMatch(/^m-[0-9a-f]{32}$/);
    expect(before.info).toMatchObject({
      name: "first",
      status: "LOGGED_MODEL_PENDING",
      model_type: "t",
      source_run_id: run,
      artifact_uri: `mlflow-artifacts:/${experiment}/models/${id}/artifacts`,
    });
    expect(before.data.params).toEqual([{ key: "depth", value: "3" }]);
    expect(after.info.status).toBe("LOGGED_MODEL_READY");
  });

  it.each(["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b"])("refuse the name %s", async (name) => {
    const { status, json } = await api.ask("POST", "logged-models", { body: { experiment_id: experiment, name } });

    expect(status).toBe(400);
    expect(json.message).toContain(`Invalid model name (${name === "a'b" ? `"${name}"` : `'${name}'`}) provided.`);
  });

  it("have tags that come and go, and vanish when deleted", async () => {
    await api.ask("PATCH", `logged-models/${id}/tags`, {
      body: {
        tags: [
          { key: "a/b", value: "1" },
          { key: "team", value: "y" },
        ],
      },
    });
    const tags = (await api.get(`logged-models/${id}`)).model.info.tags;
    await api.ask("DELETE", `logged-models/${id}/tags/a%2Fb`);
    const missing = await api.ask("DELETE", `logged-models/${id}/tags/zz`);
    const wrong = await api.ask("PATCH", `logged-models/${id}/tags`, { body: { model_id: {}, tags: [] } });
    await api.ask("DELETE", `logged-models/${id}`);

    expect(tags).toEqual([
      { key: "team", value: "y" },
      { key: "a/b", value: "1" },
    ]);
    const long = await api.ask("POST", "logged-models/m-0/params", {
      body: { model_id: "m-0", params: [{ key: "k", value: "v".repeat(6001) }] },
    });
    expect([missing.status, wrong.status, long.status]).toEqual([404, 400, 404]);
    expect(await api.ask("GET", `logged-models/${id}`)).toMatchObject({
      status: 404,
      json: { message: `Logged model with ID '${id}' not found.` },
    });
    expect(await found({})).toBe("");
  });

  it("take metrics of runs, once each", async () => {
    const metric = {
      key: "acc",
      value: 0.5,
      timestamp: 5,
      step: 1,
      model_id: id,
      dataset_name: "d",
      dataset_digest: "g",
    };
    await api.post("runs/log-metric", { run_id: run, ...metric });
    await api.post("runs/log-batch", { run_id: run, metrics: [metric] });
    const { model } = await api.get(`logged-models/${id}`);

    expect(model.data.metrics).toEqual([{ ...metric, run_id: run }]);
    expect((await api.get("runs/get", { run_id: run })).run.data.metrics).toHaveLength(1);
  });

  it("are searched by attribute, param, tag, metric and dataset, and sorted by metric", async () => {
    const second = await make("second", { tags: [{ key: "team", value: "z" }] });
    const log = (model_id: string, value: number, dataset_name: string) =>
      api.post("runs/log-metric", {
        run_id: run,
        key: "acc",
        value,
        timestamp: 1,
        model_id,
        dataset_name,
        dataset_digest: "g",
      });
    await log(id, 0.4, "train");
    await log(second, 0.9, "test");

    expect(await found({ filter: "name = 'first' AND params.depth = '3'" })).toBe("first");
    expect(
      await found({ filter: "tags.team LIKE '_' AND creation_timestamp > 0", order_by: [{ field_name: "name" }] }),
    ).toBe("first second");
    expect(await found({ filter: "metrics.acc > 0.5" })).toBe("second");
    expect(await found({ datasets: [{ dataset_name: "train" }] })).toBe("first");
    expect(await found({ datasets: [{ dataset_name: "train" }], filter: "metrics.acc > 0.5" })).toBe("");
    expect(await found({ order_by: [{ field_name: "metrics.acc", ascending: true }] })).toBe("first second");
    expect(await found({ order_by: [{ field_name: "metrics.acc", dataset_name: "train", ascending: false }] })).toBe(
      "first second",
    );
    const { status, json } = await api.ask("POST", "logged-models/search", {
      body: { experiment_ids: [experiment], order_by: [{ field_name: "params.x" }] },
    });
    expect([status, json.message]).toEqual([400, "Invalid order by field name: params.x. Only metrics are supported."]);
  });

  it("are paged with a token bound to the query", async () => {
    await make("second");
    const order_by = [{ field_name: "name", ascending: true }];
    const first = await api.post("logged-models/search", { experiment_ids: [experiment], max_results: 1, order_by });
    const next = await api.post("logged-models/search", {
      experiment_ids: [experiment],
      max_results: 1,
      order_by,
      page_token: first.next_page_token,
    });
    const foreign = await api.ask("POST", "logged-models/search", {
      body: { experiment_ids: [experiment], max_results: 1, page_token: first.next_page_token },
    });

    expect([first.models[0].info.name, next.models[0].info.name, next.next_page_token]).toEqual([
      "first",
      "second",
      undefined,
    ]);
    expect(foreign.status).toBe(400);
  });

  it("show their files", async () => {
    await api.ask("PUT", `/api/2.0/mlflow-artifacts/artifacts/${experiment}/models/${id}/artifacts/data/x.bin`, {
      bytes: "abc",
    });

    expect((await api.get(`logged-models/${id}/artifacts/directories`)).files).toEqual([
      { path: "data", is_dir: true },
    ]);
    expect(
      (await api.get(`logged-models/${id}/artifacts/directories`, { artifact_directory_path: "data" })).files,
    ).toEqual([{ path: "data/x.bin", is_dir: false, file_size: 3 }]);
  });
});
