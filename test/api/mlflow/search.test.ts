import { beforeEach, describe, expect, it } from "vitest";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

let api: TrackingApi;
let experiment: string;

const RUNS = [
  { name: "s0", acc: 0.1, lr: "0", tag: "V0" },
  { name: "s1", acc: "NaN", lr: "1", tag: "V1" },
  { name: "s2", acc: 0.5, lr: "2", tag: "V2" },
  { name: "s3", acc: 0.3, lr: "0", tag: "V3" },
  { name: "s4", acc: 2, lr: "1", tag: "V4" },
  { name: "s5", acc: undefined, lr: "2", tag: "V5" },
] as const;

async function fill(): Promise<void> {
  experiment = await api.experiment();
  for (const [i, { name, acc, lr, tag }] of RUNS.entries()) {
    const run = await api.run(experiment, { run_name: name, start_time: 1000 + i, user_id: "u" });
    await api.post("runs/log-batch", {
      run_id: run,
      metrics: acc === undefined ? [] : [{ key: "acc", value: acc, timestamp: 1 }],
      params: [{ key: "lr", value: lr }],
      tags: [{ key: "a b", value: tag }],
    });
    if (i === 5) await api.post("runs/update", { run_id: run, status: "FINISHED", end_time: 5000 });
    if (i === 2) {
      const dataset = { name: "iris", digest: "d", source_type: "local", source: "s" };
      await api.post("runs/log-inputs", {
        run_id: run,
        datasets: [{ dataset, tags: [{ key: "mlflow.data.context", value: "train" }] }],
      });
    }
  }
}

async function names(body: object): Promise<string> {
  const { runs = [] } = await api.post("runs/search", { experiment_ids: [experiment], ...body });
  return runs.map((run: { info: { run_name: string } }) => run.info.run_name).join(" ");
}

// Both ways of keeping up: told of this process's own writes, and by reading the change feed.
describe.each([{ watched: true }, { watched: false }])("runs, watched: $watched", ({ watched }) => {
  beforeEach(async () => {
    api = await openTrackingApi({ watched });
    await fill();
  });

  it.each([
    ["", "s5 s4 s3 s2 s1 s0"],
    ["metrics.acc > 0.2", "s4 s3 s2"],
    ["metric.acc>0.1 and metric.acc<=0.5", "s3 s2"],
    ["metrics.`acc` != 0.5", "s4 s3 s1 s0"],
    ["metrics.acc > -1e3", "s4 s3 s2 s0"],
    ["params.lr = '1'", "s4 s1"],
    ['param."lr" = "1"', "s4 s1"],
    ["parameters.lr != '1'", "s5 s3 s2 s0"],
    ["params.none != '1'", ""],
    ["params.none IS NULL AND params.lr = '0'", "s3 s0"],
    ["params.lr IS NOT NULL", "s5 s4 s3 s2 s1 s0"],
    ["tags.`a b` ILIKE 'v%'", "s5 s4 s3 s2 s1 s0"],
    ["tags.`a b` LIKE 'v%'", ""],
    ["tags.\"a b\" LIKE 'V_'", "s5 s4 s3 s2 s1 s0"],
    ["tags.mlflow.runName = 's3'", "s3"],
    ["attributes.run_name LIKE 's%' AND run_name != 's0'", "s5 s4 s3 s2 s1"],
    ["`Run Name` = 's1'", "s1"],
    ["status = 'RUNNING'", "s4 s3 s2 s1 s0"],
    ["attr.status != 'RUNNING'", "s5"],
    ["end_time > 0", "s5"],
    ["start_time >= 1004", "s5 s4"],
    ["created < 1001", "s0"],
    ["user_id = 'u' AND artifact_uri LIKE '%/artifacts'", "s5 s4 s3 s2 s1 s0"],
    ["dataset.name = 'iris' AND datasets.context IN ('train', 'x')", "s2"],
    ["dataset.digest NOT IN ('d')", ""],
  ])("finds by %s", async (filter, expected) => {
    expect(await names({ filter })).toBe(expected);
  });

  it.each([
    [["metrics.acc"], "s0 s3 s2 s4 s1 s5"],
    [["metrics.acc DESC"], "s4 s2 s3 s0 s1 s5"],
    [["params.lr", "metrics.acc DESC"], "s3 s0 s4 s1 s2 s5"],
    [["tags.`a b` desc"], "s5 s4 s3 s2 s1 s0"],
    [["start_time ASC"], "s0 s1 s2 s3 s4 s5"],
    [["Run Name"], "s0 s1 s2 s3 s4 s5"],
    [["end_time DESC"], "s5 s4 s3 s2 s1 s0"],
    [["metrics.none", "attributes.start_time"], "s0 s1 s2 s3 s4 s5"],
  ])("sorts by %s", async (order_by, expected) => {
    expect(await names({ order_by })).toBe(expected);
  });

  it("sees each acknowledged write at once", async () => {
    for (let i = 0; i < 20; i++) {
      const run = await api.run(experiment, { run_name: `new${i}` });
      await api.post("runs/set-tag", { run_id: run, key: "round", value: String(i) });
      expect(await names({ filter: `tags.round = '${i}'` })).toBe(`new${i}`);
      await api.post("runs/update", { run_id: run, status: "FINISHED", end_time: 1 });
      expect(await names({ filter: `tags.round = '${i}' AND status = 'FINISHED'` })).toBe(`new${i}`);
      await api.post("runs/set-tag", { run_id: run, key: "round", value: `late ${i}` });
      expect(await names({ filter: `tags.round = 'late ${i}'` })).toBe(`new${i}`);
      await api.post("runs/delete-tag", { run_id: run, key: "round" });
      expect(await names({ filter: `tags.round = 'late ${i}'` })).toBe("");
    }
  });

  const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);

  it("answers each run as it is, its lists by key, whatever was written since it was answered before", async () => {
    const find = async () =>
      (await api.post("runs/search", { experiment_ids: [experiment], run_view_type: "ALL" })).runs;
    const [{ info }] = await find();
    const run_id = info.run_id;
    const dataset = { name: "wine", digest: "d2", source_type: "local", source: "s" };
    const writes: [string, object][] = [
      ["runs/log-metric", { run_id, key: "acc", value: 0.7, timestamp: 2 }],
      ["runs/log-parameter", { run_id, key: "late", value: 'ü\u{1f600}"\\' }],
      ["runs/set-tag", { run_id, key: "late", value: "1" }],
      ["runs/delete-tag", { run_id, key: "late" }],
      ["runs/update", { run_id, run_name: "renamed" }],
      ["runs/log-inputs", { run_id, datasets: [{ dataset, tags: [] }] }],
      ["runs/log-inputs", { run_id, datasets: [{ dataset: { ...dataset, digest: "d3" }, tags: [] }] }],
      [
        "runs/log-inputs",
        { run_id, datasets: [{ dataset: { ...dataset, digest: "l", schema: "x".repeat(9000) }, tags: [] }] },
      ],
      ["runs/outputs", { run_id, models: [{ model_id: "m-1", step: 3 }] }],
      ["runs/delete", { run_id }],
      ["runs/restore", { run_id }],
      ["experiments/delete", { experiment_id: experiment }],
      ["experiments/restore", { experiment_id: experiment }],
    ];
    for (const [path, body] of writes) {
      await find();
      await api.post(path, body);

      for (const run of await find()) {
        const alone = (await api.get("runs/get", { run_id: run.info.run_id })).run;
        for (const list of ["metrics", "params", "tags"]) alone.data[list]?.sort(byKey);
        expect(run).toEqual(alone);
      }
    }
  });

  it("pages without repeating or missing while runs are written", async () => {
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const page = await api.post("runs/search", {
        experiment_ids: [experiment],
        order_by: ["metrics.acc"],
        max_results: 2,
        ...(token === undefined ? {} : { page_token: token }),
      });
      seen.push(...page.runs.map((run: { info: { run_name: string } }) => run.info.run_name));
      token = page.next_page_token;
      const early = await api.run(experiment, { run_name: "early" });
      await api.post("runs/log-metric", { run_id: early, key: "acc", value: -9, timestamp: 1 });
    } while (token !== undefined);

    expect(seen.filter((name) => name !== "early")).toEqual(["s0", "s3", "s2", "s4", "s1", "s5"]);
  });

  it("shows deleted runs to those who ask, and all of a deleted experiment as deleted", async () => {
    const [first] = (await api.post("runs/search", { experiment_ids: [experiment], filter: "run_name = 's1'" })).runs;
    await api.post("runs/delete", { run_id: first.info.run_id });
    const active = await names({});
    const deleted = await names({ run_view_type: "DELETED_ONLY" });
    const all = await names({ run_view_type: "ALL" });
    await api.post("experiments/delete", { experiment_id: experiment });

    expect([active, deleted, all]).toEqual(["s5 s4 s3 s2 s0", "s1", "s5 s4 s3 s2 s1 s0"]);
    expect(await names({})).toBe("");
    expect(await names({ run_view_type: "DELETED_ONLY" })).toBe("s5 s4 s3 s2 s1 s0");
  });
});

describe("bad searches", () => {
  beforeEach(async () => {
    api = await openTrackingApi();
    experiment = await api.experiment();
  });

  it.each([
    [
      "metrics.acc > 0.1 OR params.lr = '1'",
      "Invalid clause(s) in filter string: 'OR' at position 18; expected AND or the end",
    ],
    ["metrics.acc > 'a'", "Expected numeric value type for metric. Found 'a' at position 14"],
    [
      "foo.bar = 'x'",
      "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset'] (in filter at position 0)",
    ],
    ["nope = 'x'", "Invalid attribute key 'nope' specified. Valid keys are"],
    ["params.lr > '1'", "Invalid comparator '>' not one of"],
    ["params.lr = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1 at position 12"],
    ["status IN ('RUNNING')", "Only ['run_id'] attributes support comparison with a list of quoted string values."],
    ["run_id IN ()", "expected a non-empty list of string values"],
    ["metrics.acc IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params"],
    ["params.lr = 'x", "a quote that is not closed at position 12"],
    ["params.a = 'x'; params.b = 'y'", "Search filter contained multiple expression"],
    ["metrics.acc > 0.1 AND", "expected a name"],
    ["(metrics.acc > 0.1)", "'(' at position 0"],
    ["params.lr = 'x' \u0000", "at position 16"],
  ])("refuses %s", async (filter, message) => {
    const { status, json } = await api.ask("POST", "runs/search", { body: { experiment_ids: [experiment], filter } });

    expect({ status, code: json.error_code }).toEqual({ status: 400, code: "INVALID_PARAMETER_VALUE" });
    expect(json.message).toContain(message);
  });

  it.each([
    [{ order_by: ["metrics.a", "metrics.a DESC"] }, "`order_by` contains duplicate fields"],
    [{ order_by: ["nope"] }, "Invalid attribute key 'nope'"],
    [{ order_by: ["metrics.a sideways"] }, "expected ASC or DESC"],
    [{ max_results: 50_001 }, "Invalid value 50001 for parameter 'max_results'"],
    [{ max_results: 0 }, "It must be a positive integer"],
    [{ page_token: "junk" }, "Invalid page token"],
    [{ experiment_ids: ["abc"] }, "Experiment ID must be a valid integer"],
    [{ experiment_ids: "x" }, "Hint: Value was of type 'str'"],
  ])("refuses %j", async (body, message) => {
    const { status, json } = await api.ask("POST", "runs/search", { body: { experiment_ids: [experiment], ...body } });

    expect(status).toBe(400);
    expect(json.message).toContain(message);
  });

  it("takes a page token for its own query only", async () => {
    for (let i = 0; i < 3; i++) await api.run(experiment);
    const { next_page_token } = await api.post("runs/search", { experiment_ids: [experiment], max_results: 1 });
    const { status } = await api.ask("POST", "runs/search", {
      body: { experiment_ids: [experiment], max_results: 1, order_by: ["run_id"], page_token: next_page_token },
    });

    expect(status).toBe(400);
  });
});

describe("a home that carries short answers only", () => {
  const LIMIT = 3000;

  async function pages(body: object): Promise<{ sizes: number[]; ids: string[] }> {
    const [sizes, ids]: [number[], string[]] = [[], []];
    for (let token = ""; ; ) {
      const { text, json } = await api.ask("POST", "runs/search", {
        body: { experiment_ids: [experiment], ...body, ...(token === "" ? {} : { page_token: token }) },
      });
      sizes.push(text.length);
      ids.push(...(json.runs ?? []).map((run: { info: { run_id: string } }) => run.info.run_id));
      token = json.next_page_token ?? "";
      if (token === "") return { sizes, ids };
    }
  }

  it("answers shorter pages, each with the token of the next", async () => {
    api = await openTrackingApi({ carries: (bytes) => bytes.length <= LIMIT });
    experiment = await api.experiment();
    const made: string[] = [];
    for (let i = 0; i < 12; i++) made.unshift(await api.run(experiment, { start_time: 1000 + i }));

    const { sizes, ids } = await pages({});

    expect(ids).toEqual(made);
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(LIMIT);
    expect((await pages({ max_results: 2 })).ids).toEqual(made);
  });

  it("answers a run that is too long by itself alone, and goes on after it", async () => {
    api = await openTrackingApi({ carries: (bytes) => bytes.length <= LIMIT });
    experiment = await api.experiment();
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift(await api.run(experiment, { start_time: 1000 + i }));
    await api.post("runs/log-batch", { run_id: made[2], params: [{ key: "long", value: "x".repeat(LIMIT) }] });

    const { sizes, ids } = await pages({});

    expect(ids).toEqual(made);
    expect(sizes.filter((size) => size > LIMIT)).toHaveLength(1);
  });
});
