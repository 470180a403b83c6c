import { beforeEach, describe, expect, it } from "vitest";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

const A = "/api/2.0/mlflow-artifacts/artifacts";
let api: TrackingApi;
let own: string;
let other: string;
let as: string;

beforeEach(async () => {
  api = await openTrackingApi();
  own = await api.jobRun();
  other = await api.jobRun();
  as = `run:${own}`;
});

const status = async (method: string, path: string, ask: object = {}) =>
  (await api.ask(method, path, { as, ...ask })).status;

describe("a run's token", () => {
  it("writes its own run and its artifacts", async () => {
    expect(
      await status("POST", "runs/log-batch", {
        body: { run_id: own, metrics: [{ key: "m", value: 1, timestamp: 1 }] },
      }),
    ).toBe(200);
    expect(await status("POST", "runs/set-tag", { body: { run_id: own, key: "a", value: "b" } })).toBe(200);
    expect(await status("PUT", `${A}/0/${own}/artifacts/f`, { bytes: "x" })).toBe(200);
    expect(await status("GET", `${A}/0/${own}/artifacts/f`)).toBe(200);
    expect(await status("DELETE", `${A}/0/${own}/artifacts/f`)).toBe(200);
  });

  it("makes runs below its own, and writes these", async () => {
    const child = (await api.post("runs/create", { experiment_id: "0" }, as)).run;
    const grandchild = (
      await api.post(
        "runs/create",
        { experiment_id: "0", tags: [{ key: "mlflow.parentRunId", value: child.info.run_id }] },
        as,
      )
    ).run;

    expect(child.data.tags).toContainEqual({ key: "mlflow.parentRunId", value: own });
    expect(
      await status("POST", "runs/set-tag", { body: { run_id: grandchild.info.run_id, key: "a", value: "b" } }),
    ).toBe(200);
    expect(await status("PUT", `${A}/0/${grandchild.info.run_id}/artifacts/f`, { bytes: "x" })).toBe(200);
    expect(await status("POST", "runs/delete", { body: { run_id: child.info.run_id } })).toBe(200);
  });

  it("reads the workspace, and writes nothing else of it", async () => {
    const experiment = await api.experiment();
    const model = (await api.post("logged-models", { experiment_id: "0", name: "m", source_run_id: other })).model.info
      .model_id;
    await api.post("registered-models/create", { name: "reg" });

    expect(await status("GET", "runs/get", { query: { run_id: other } })).toBe(200);
    expect(await status("POST", "runs/search", { body: { experiment_ids: ["0"] } })).toBe(200);
    const forbidden: [string, string, object][] = [
      ["POST", "runs/log-metric", { body: { run_id: other, key: "m", value: 1, timestamp: 1 } }],
      ["POST", "runs/log-batch", { body: { run_id: other, tags: [{ key: "a", value: "b" }] } }],
      ["POST", "runs/set-tag", { body: { run_id: other, key: "a", value: "b" } }],
      ["POST", "runs/update", { body: { run_id: other, run_name: "x" } }],
      ["POST", "runs/delete", { body: { run_id: other } }],
      ["POST", "runs/log-inputs", { body: { run_id: other, models: [{ model_id: "m-1" }] } }],
      ["POST", "runs/create", { body: { experiment_id: "0", tags: [{ key: "mlflow.parentRunId", value: other }] } }],
      ["POST", "experiments/create", { body: { name: "mine" } }],
      ["POST", "experiments/delete", { body: { experiment_id: experiment } }],
      ["POST", "experiments/set-experiment-tag", { body: { experiment_id: experiment, key: "a", value: "b" } }],
      ["POST", "experiments/update", { body: { experiment_id: experiment, new_name: "b" } }],
      ["POST", "logged-models", { body: { experiment_id: "0", name: "x", source_run_id: other } }],
      ["PATCH", `logged-models/${model}`, { body: { model_id: model, status: 2 } }],
      ["PATCH", `logged-models/${model}/tags`, { body: { tags: [{ key: "a", value: "b" }] } }],
      ["DELETE", `logged-models/${model}`, {}],
      ["PUT", `${A}/0/${other}/artifacts/f`, { bytes: "x" }],
      ["DELETE", `${A}/0/${other}/artifacts`, {}],
      ["PUT", `${A}/0/models/${model}/artifacts/f`, { bytes: "x" }],
      ["PUT", `${A}/0/f`, { bytes: "x" }],
      ["PUT", `${A}/${other}/${own}/artifacts/f`, { bytes: "x" }],
      ["POST", "/api/2.0/mlflow-artifacts/mpu/create/0/other", { body: { path: "f", num_parts: 1 } }],
      ["POST", "model-versions/create", { body: { name: "reg", source: `runs:/${other}/m`, run_id: other } }],
      ["DELETE", "registered-models/delete", { body: { name: "reg" } }],
    ];
    for (const [method, path, ask] of forbidden) {
      const reply = await api.ask(method, path, { as, ...ask });
      expect({ method, path, status: reply.status, code: reply.json.error_code }).toEqual({
        method,
        path,
        status: 403,
        code: "PERMISSION_DENIED",
      });
    }
  });

  it("logs a model of its run and registers it", async () => {
    const { model } = await api.post("logged-models", { experiment_id: "0", name: "m" }, as);
    const id = model.info.model_id;

    expect(model.info.source_run_id).toBe(own);
    expect(await status("PUT", `${A}/0/models/${id}/artifacts/MLmodel`, { bytes: "x" })).toBe(200);
    expect(await status("PATCH", `logged-models/${id}`, { body: { model_id: id, status: 2 } })).toBe(200);
    expect(await status("POST", "registered-models/create", { body: { name: "reg" } })).toBe(200);
    expect(
      await status("POST", "model-versions/create", { body: { name: "reg", source: `models:/${id}`, model_id: id } }),
    ).toBe(200);
    expect(
      await status("POST", "registered-models/alias", { body: { name: "reg", alias: "champ", version: "1" } }),
    ).toBe(200);
  });

  it("has no say in how its run ends: that is noted and answered as asked", async () => {
    const answer = await api.post("runs/update", { run_id: own, status: "FINISHED", end_time: 5 }, as);
    const { run } = await api.get("runs/get", { run_id: own });

    expect(answer.run_info).toMatchObject({ status: "FINISHED", end_time: 5 });
    expect(run.info).toMatchObject({ status: "RUNNING" });
    expect(run.info.end_time).toBeUndefined();
    expect(run.data.tags).toContainEqual({ key: "trainyard.reported_status", value: "FINISHED" });
  });
});
