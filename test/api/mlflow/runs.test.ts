import { beforeEach, describe, expect, it } from "vitest";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

let api: TrackingApi;
let experiment: string;
let run: string;

beforeEach(async () => {
  api = await openTrackingApi();
  experiment = await api.experiment();
  run = await api.run(experiment, { run_name: "first", user_id: "ann" });
});

async function getRun(id = run) {
  return (await api.get("runs/get", { run_id: id })).run;
}

function refused(path: string, body: unknown) {
  return api
    .ask("POST", path, { body })
    .then(({ status, json }) => ({ status, code: json.error_code, message: json.message }));
}

describe("runs", () => {
  it("are made active and running, with name, user, artifact place and both ids", async () => {
    const made = await getRun();

    expect(made.info).toEqual({
      run_uuid: run,
      run_id: run,
      experiment_id: experiment,
      run_name: "first",
      user_id: "ann",
      status: "RUNNING",
      start_time: 1000,
      artifact_uri: `mlflow-artifacts:/${experiment}/${run}/artifacts`,
      lifecycle_stage: "active",
    });
    expect(made.data.tags).toContainEqual({ key: "mlflow.runName", value: "first" });
  });

  it("get a name when they are given none, and refuse two different ones", async () => {
    const nameless = await getRun(await api.run(experiment));
    const twice = await refused("runs/create", {
      experiment_id: experiment,
      run_name: "a",
      tags: [{ key: "mlflow.runName", value: "b".repeat(8001) }],
    });

    const unnamed = await api.post("runs/create", {
      experiment_id: experiment,
      run_name: "a",
      tags: [{ key: "mlflow.runName", value: "" }],
    });

    expect(nameless.info.run_name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
    expect(unnamed.run.data.tags).toEqual([{ key: "mlflow.runName", value: "a" }]);
    expect(twice).toMatchObject({ status: 400, code: "INVALID_PARAMETER_VALUE" });
    expect(twice.message).toBe(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='a', mlflow.runName='${"b".repeat(8001)}').`,
    );
  });

  it("take optional fields in camel case, required ones not", async () => {
    const { run: made } = await api.post("runs/create", { experimentId: experiment, runName: "camel" });
    const late = await refused("runs/set-tag", { runId: made.info.run_id, key: "k", value: "v" });

    expect(made.info).toMatchObject({ experiment_id: experiment, run_name: "camel" });
    expect(late.message).toContain("Missing value for required parameter 'run_id'");
  });

  it("end, and are renamed with their tag", async () => {
    const answer = await api.post("runs/update", {
      run_id: run,
      status: "FINISHED",
      end_time: 2000,
      run_name: "second",
    });

    expect(answer.run_info).toMatchObject({ status: "FINISHED", end_time: 2000, run_name: "second" });
    expect((await getRun()).data.tags).toContainEqual({ key: "mlflow.runName", value: "second" });
    expect((await api.post("runs/update", { run_id: run, status: 1 })).run_info.status).toBe("RUNNING");
  });

  it("that are deleted can be read and restored, not written", async () => {
    await api.post("runs/delete", { run_id: run });
    const write = await refused("runs/set-tag", { run_id: run, key: "a", value: "b" });
    const stage = (await getRun()).info.lifecycle_stage;
    await api.post("runs/restore", { run_id: run });
    await api.post("runs/set-tag", { run_id: run, key: "a", value: "b" });

    expect(stage).toBe("deleted");
    expect(write).toEqual({
      status: 400,
      code: "INVALID_PARAMETER_VALUE",
      message: `The run ${run} must be in the 'active' state. Current state is deleted.`,
    });
    expect((await getRun()).info.lifecycle_stage).toBe("active");
  });

  it("that are not there are told by id", async () => {
    const { status, json } = await api.ask("GET", "runs/get", { query: { run_id: "f".repeat(32) } });

    expect(status).toBe(404);
    expect(json).toEqual({
      error_code: "RESOURCE_DOES_NOT_EXIST",
      message: `Run with id=${"f".repeat(32)} not found`,
      sqlstate: "KAM00",
      error_class: "RESOURCE_NOT_FOUND",
    });
  });
});

describe("params and tags", () => {
  it("params stay as they were logged first", async () => {
    await api.post("runs/log-parameter", { run_id: run, key: "lr", value: "0.1" });
    await api.post("runs/log-parameter", { run_id: run, key: "lr", value: "0.1" });
    const other = await refused("runs/log-parameter", { run_id: run, key: "lr", value: "0.2" });
    const inBatch = await refused("runs/log-batch", {
      run_id: run,
      params: [{ key: "lr", value: "0.2" }],
      metrics: [{ key: "m", value: 1, timestamp: 1 }],
    });

    expect(other.message).toBe(
      `Changing param values is not allowed. Param with key='lr' was already logged with value='0.1' for run ID='${run}'. Attempted logging new value '0.2'.`,
    );
    expect(inBatch).toMatchObject({ status: 400, code: "INVALID_PARAMETER_VALUE" });
    expect((await getRun()).data).toMatchObject({ params: [{ key: "lr", value: "0.1" }] });
    expect((await getRun()).data.metrics).toBeUndefined();
  });

  it("tags are replaced and deleted; a missing one is told", async () => {
    await api.post("runs/set-tag", { run_id: run, key: "t", value: "1" });
    await api.post("runs/set-tag", { run_id: run, key: "t", value: "2" });
    const before = (await getRun()).data.tags;
    await api.post("runs/delete-tag", { run_id: run, key: "t" });
    const missing = await refused("runs/delete-tag", { run_id: run, key: "t" });

    expect(before).toContainEqual({ key: "t", value: "2" });
    expect(missing).toEqual({
      status: 404,
      code: "RESOURCE_DOES_NOT_EXIST",
      message: `No tag with name: t in run with id ${run}`,
    });
  });

  it("long values are cut as clients expect", async () => {
    await api.post("runs/log-batch", {
      run_id: run,
      params: [{ key: "p", value: "x".repeat(6001) }],
      tags: [{ key: "t", value: "y".repeat(8001) }],
    });
    const { data } = await getRun();

    expect(data.params[0].value).toHaveLength(6000);
    expect(data.tags.find((tag: { key: string }) => tag.key === "t").value).toHaveLength(8000);
  });

  it("keys like __proto__ and constructor are only keys", async () => {
    await api.post("runs/log-batch", {
      run_id: run,
      params: [
        { key: "__proto__", value: "1" },
        { key: "constructor", value: "2" },
      ],
      tags: [{ key: "__proto__", value: "3" }],
    });
    const { data } = await getRun();

    expect(data.params).toEqual([
      { key: "__proto__", value: "1" },
      { key: "constructor", value: "2" },
    ]);
    expect(data.tags).toContainEqual({ key: "__proto__", value: "3" });
  });
});

describe("metrics", () => {
  const log = (key: string, value: unknown, timestamp: number, step = 0) =>
    api.post("runs/log-metric", { run_id: run, key, value, timestamp, step });

  it("keep every point once, and show the latest by step, time and value", async () => {
    await log("m", 1, 10, 1);
    await log("m", 3, 5, 2);
    await log("m", 2, 5, 2);
    await log("m", 2, 5, 2);
    await log("m", 9, 99, 0);

    expect((await getRun()).data.metrics).toEqual([{ key: "m", value: 3, timestamp: 5, step: 2 }]);
    expect((await api.get("metrics/get-history", { run_id: run, metric_key: "m" })).metrics).toEqual([
      { key: "m", value: 2, timestamp: 5, step: 2 },
      { key: "m", value: 3, timestamp: 5, step: 2 },
      { key: "m", value: 1, timestamp: 10, step: 1 },
      { key: "m", value: 9, timestamp: 99, step: 0 },
    ]);
  });

  it("take NaN and infinities as text, and negative steps", async () => {
    await log("nan", "NaN", 1, -5);
    await log("inf", "Infinity", 1);
    await log("ninf", "-Infinity", 1);

    expect((await getRun()).data.metrics).toEqual([
      { key: "nan", value: "NaN", timestamp: 1, step: -5 },
      { key: "inf", value: Number.MAX_VALUE, timestamp: 1, step: 0 },
      { key: "ninf", value: -Number.MAX_VALUE, timestamp: 1, step: 0 },
    ]);
  });

  it("are paged by the last point's place", async () => {
    await api.post("runs/log-batch", {
      run_id: run,
      metrics: Array.from({ length: 25 }, (_, i) => ({ key: "m", value: i, timestamp: i, step: i })),
    });
    const seen: number[] = [];
    let token = "";
    do {
      const page = await api.get("metrics/get-history", {
        run_id: run,
        metric_key: "m",
        max_results: 10,
        ...(token === "" ? {} : { page_token: token }),
      });
      seen.push(...page.metrics.map((metric: { step: number }) => metric.step));
      token = page.next_page_token ?? "";
      await log("m", -1, 0, -seen.length);
    } while (token !== "");

    expect(seen.filter((step) => step >= 0)).toEqual(Array.from({ length: 25 }, (_, i) => i));
  });

  it("survive folding: hundreds of single points read back whole", async () => {
    for (let i = 0; i < 300; i++) await log(i % 2 === 0 ? "even" : "odd", i, i, i);
    const even = (await api.get("metrics/get-history", { run_id: run, metric_key: "even" })).metrics;
    const rows = await api.ground.table.query({ pk: `W#default#RUN#${run}#LOG` });

    expect(even.map((metric: { value: number }) => metric.value)).toEqual(Array.from({ length: 150 }, (_, i) => i * 2));
    expect(rows.items.length).toBeLessThan(80);
  });

  it("are sampled over a range, first and last kept, and read of many runs", async () => {
    const other = await api.run(experiment);
    const metrics = Array.from({ length: 500 }, (_, i) => ({ key: "m", value: i, timestamp: i, step: i }));
    await api.post("runs/log-batch", { run_id: run, metrics });
    await api.post("runs/log-batch", { run_id: other, metrics: metrics.slice(0, 3) });

    const sampled = (
      await api.get("metrics/get-history-bulk-interval", { run_ids: [run], metric_key: "m", max_results: 10 })
    ).metrics;
    const ranged = (
      await api.get("metrics/get-history-bulk-interval", {
        run_ids: [run],
        metric_key: "m",
        start_step: 100,
        end_step: 104,
      })
    ).metrics;
    const bulk = (
      await api.get("/ajax-api/2.0/mlflow/metrics/get-history-bulk", { run_id: [run, other], metric_key: "m" })
    ).metrics;

    expect(sampled.length).toBeLessThanOrEqual(12);
    expect([sampled[0].step, sampled.at(-1).step]).toEqual([0, 499]);
    expect(ranged.map((metric: { step: number }) => metric.step)).toEqual([100, 101, 102, 103, 104]);
    expect(bulk).toHaveLength(503);
  });

  it.each([
    [{ value: 1, timestamp: 1 }, "Missing value for required parameter 'key'"],
    [{ key: "m", timestamp: 1 }, "Missing value for required parameter 'value'"],
    [{ key: "m", value: 1 }, "Missing value for required parameter 'timestamp'"],
    [
      { key: "m", value: "x", timestamp: 1 },
      "Invalid value \"x\" for parameter 'value' supplied:  Hint: Value was of type 'str'.",
    ],
    [{ key: "m", value: 1, timestamp: -1 }, "Timestamp must be a nonnegative long"],
    [{ key: "m", value: 1, timestamp: 1.5 }, "Hint: Value was of type 'float'."],
    [{ key: "m", value: 1, timestamp: 1, step: "9223372036854775808" }, "Hint: Value was of type 'str'."],
    [{ key: "a$b", value: 1 }, "Missing value for required parameter 'timestamp'"],
    [{ key: "a$b", value: 1, timestamp: 1 }, "Names may only contain alphanumerics"],
    [{ key: "a//b", value: 1, timestamp: 1 }, "This name would resolve to 'a/b'"],
    [{ key: "../a", value: 1, timestamp: 1 }, "This name would resolve to '../a'"],
    [{ key: "k".repeat(251), value: 1, timestamp: 1 }, "'Metric name' exceeds the maximum length of 250 characters"],
  ])("refuse %j", async (metric, message) => {
    const single = await refused("runs/log-metric", { run_id: run, ...metric });
    const batch = await refused("runs/log-batch", {
      run_id: run,
      metrics: [{ key: "ok", value: 1, timestamp: 1 }, metric],
    });

    expect(single).toMatchObject({ status: 400, code: "INVALID_PARAMETER_VALUE" });
    expect(single.message).toContain(message);
    expect(batch.status).toBe(400);
    expect((await getRun()).data.metrics).toBeUndefined();
  });
});

describe("log-batch", () => {
  it.each([
    ["metrics", 1001, "A batch logging request can contain at most 1000 metrics. Got 1001 metrics."],
    ["params", 101, "at most 100 params. Got 101 params."],
    ["tags", 101, "at most 100 tags. Got 101 tags."],
  ])("refuses too many %s", async (field, count, message) => {
    const entries = Array.from({ length: count }, (_, i) => ({
      key: `k${i}`,
      value: field === "metrics" ? i : String(i),
      timestamp: 1,
    }));

    expect((await refused("runs/log-batch", { run_id: run, [field]: entries })).message).toContain(message);
  });

  it("refuses a param twice, even with the same value", async () => {
    const params = [
      { key: "d", value: "1" },
      { key: "d", value: "1" },
    ];

    expect((await refused("runs/log-batch", { run_id: run, params })).message).toContain(
      "Duplicate parameter keys have been submitted: ['d']",
    );
  });

  it("refuses a body over a million bytes", async () => {
    const reply = await api.ask("POST", "runs/log-batch", {
      body: { run_id: run, tags: [{ key: "t", value: "x".repeat(1_000_001) }] },
    });

    expect(reply).toMatchObject({ status: 400, json: { error_code: "INVALID_PARAMETER_VALUE" } });
    expect(reply.json.message).toContain("Batched logging API requests must be at most 1000000 bytes");
  });

  it("needs JSON, and never repeats the Content-Type it was sent", async () => {
    const none = await api.ask("POST", "runs/log-batch", { bytes: "{}" });
    const odd = await api.ask("POST", "runs/log-batch", { bytes: "{}", headers: { "content-type": "text/<script>" } });

    expect(none).toMatchObject({ status: 400, json: { message: "Bad Request. Content-Type header is missing." } });
    expect(odd.status).toBe(400);
    expect(odd.text).not.toContain("script");
  });

  it("loses nothing when many write one run at once", async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        api.post("runs/log-batch", {
          run_id: run,
          metrics: [{ key: "m", value: i, timestamp: i, step: i }],
          params: [{ key: `p${i}`, value: "1" }],
          tags: [{ key: `t${i}`, value: "1" }],
        }),
      ),
    );
    const { data } = await getRun();

    expect((await api.get("metrics/get-history", { run_id: run, metric_key: "m" })).metrics).toHaveLength(40);
    expect(data.params).toHaveLength(40);
    expect(data.tags).toHaveLength(41);
  });

  it("keeps a run whose summary is larger than one record", async () => {
    for (let i = 0; i < 12; i++) {
      const params = Array.from({ length: 10 }, (_, k) => ({ key: `p${i}-${k}`, value: "v".repeat(6000) }));
      const metrics = Array.from({ length: 100 }, (_, k) => ({ key: `metric ${i}/${k}`, value: k, timestamp: 1 }));
      await api.post("runs/log-batch", { run_id: run, params, metrics });
    }
    await api.post("runs/set-tag", { run_id: run, key: "late", value: "1" });
    await api.post("runs/delete-tag", { run_id: run, key: "late" });
    const { data } = await getRun();

    expect(data.params).toHaveLength(120);
    expect(data.metrics).toHaveLength(1200);
    expect(data.tags.some((tag: { key: string }) => tag.key === "late")).toBe(false);
  });
});

describe("inputs and outputs", () => {
  const dataset = (name: string, context: string) => ({
    dataset: { name, digest: "d1", source_type: "local", source: "{}", schema: "{}", profile: "{}" },
    tags: [{ key: "mlflow.data.context", value: context }],
  });

  it("are kept once; a dataset's tags are those of its first time", async () => {
    await api.post("runs/log-inputs", {
      run_id: run,
      datasets: [dataset("iris", "train"), dataset("wine", "eval")],
      models: [{ model_id: "m-1" }],
    });
    await api.post("runs/log-inputs", { run_id: run, datasets: [dataset("iris", "other")] });
    await api.post("runs/outputs", { run_id: run, models: [{ model_id: "m-2", step: 3 }] });
    const made = await getRun();
    const summaries = await api.post("/ajax-api/2.0/mlflow/experiments/search-datasets", {
      experiment_ids: [experiment],
    });

    expect(made.inputs.dataset_inputs).toEqual([dataset("iris", "train"), dataset("wine", "eval")]);
    expect(made.inputs.model_inputs).toEqual([{ model_id: "m-1" }]);
    expect(made.outputs.model_outputs).toEqual([{ model_id: "m-2", step: 3 }]);
    expect(summaries.dataset_summaries).toContainEqual({
      experiment_id: experiment,
      name: "wine",
      digest: "d1",
      context: "eval",
    });
  });

  it("keep a schema of a million characters, and refuse more", async () => {
    const wide = dataset("wide", "train");
    const schema = "€😀".repeat(350_000).slice(0, 1_040_000);
    await api.post("runs/log-inputs", { run_id: run, datasets: [{ ...wide, dataset: { ...wide.dataset, schema } }] });
    const more = await refused("runs/log-inputs", {
      run_id: run,
      datasets: [{ ...wide, dataset: { ...wide.dataset, digest: "d2", schema: "x".repeat(1_048_576) } }],
    });

    expect((await getRun()).inputs.dataset_inputs[0].dataset.schema === schema).toBe(true);
    expect(more).toMatchObject({ status: 400, message: "'schema' exceeds the maximum length of 1048575 characters" });
  });

  it("take a hundred datasets in one request", async () => {
    const datasets = Array.from({ length: 100 }, (_, i) => dataset(`d${i}`, "train"));
    await api.post("runs/log-inputs", { run_id: run, datasets });

    expect((await getRun()).inputs.dataset_inputs).toHaveLength(100);
  });
});
