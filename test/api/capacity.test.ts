import { createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeConsumer } from "../../src/adapters/aws/bus-consumer.ts";
import { openVault } from "../../src/adapters/aws/vault.ts";
import { treeText } from "../../src/contract/trees.ts";
import { openStores, type Stores } from "../../src/home/stores.ts";
import { openCoordinationStore } from "../../src/store/coordinator.ts";
import { sha256Of } from "../helpers/api.ts";
import { jobRecord, newJobRun } from "../helpers/job-record.ts";
import { type MeteredHome, openMeteredHome } from "../helpers/metered-home.ts";
import { firingRecord, scheduleRecord } from "../helpers/schedule-record.ts";

const PAGE = new URL("../../docs/access-patterns.md", import.meta.url);
const W = "/api/v1/workspaces/default";

interface Cost {
  readonly reads: number;
  readonly writes: number;
  readonly trips: number;
}

/** Rows of the page's table "Measured", by case. */
function told(): ReadonlyMap<string, Cost> {
  const [, measured = ""] = readFileSync(PAGE, "utf8").split("## Measured");
  const rows = measured.split("\n").flatMap((line) => {
    const [name, reads, writes, trips] = line
      .split("|")
      .slice(1)
      .map((cell) => cell.trim());
    if (name === undefined || trips === undefined || !/^[\d.]+$/.test(reads ?? "")) return [];
    return [[name, { reads: Number(reads), writes: Number(writes), trips: Number(trips) }] as const];
  });
  return new Map(rows);
}

const points = (count: number, keys: number) =>
  Array.from({ length: count }, (_, i) => ({
    key: `metric/${i % keys}`,
    value: Math.sin(i) * 1e3,
    timestamp: 1.7e12 + i,
    step: i,
  }));
const names = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => ({ key: `${name}${i}`, value: `${name} ${i}` }));

/** As much as is told, or a little less: a record that grows by a few bytes need not change the page. */
function isNear(told: Cost, measured: Cost): boolean {
  const keys = ["reads", "writes", "trips"] as const;
  return keys.every((key) => measured[key] <= told[key] && told[key] <= measured[key] * 1.25 + 1);
}

/** What is done for a case; what is counted is done by `count`, the rest prepares it. */
type Case = (count: <T>(work: () => Promise<T>) => Promise<T>) => Promise<unknown>;

describe("what access patterns cost in DynamoDB", () => {
  let home: MeteredHome;
  let stores: Stores;
  let experiment: string;
  let run: string;

  const post = async (path: string, body: object) =>
    JSON.parse(await home.call("POST", `/api/2.0/mlflow/${path}`, body));
  const get = (path: string) => home.call("GET", `/api/2.0/mlflow/${path}`);
  const newRun = async (id = experiment): Promise<string> =>
    (await post("runs/create", { experiment_id: id, start_time: 1 })).run.info.run_id;
  const deed = { actor: "user:owner", action: "create", summary: "a job" };

  /** Runs as trainings leave them: 20 metrics, 20 params, ended. */
  async function endedRuns(id: string, count: number, datasets: readonly object[] = []): Promise<void> {
    for (let i = 0; i < count; i++) {
      const made = await newRun(id);
      await post("runs/log-batch", { run_id: made, metrics: points(20, 20), params: names(20, "param") });
      if (datasets.length > 0) await post("runs/log-inputs", { run_id: made, datasets });
      await post("runs/update", { run_id: made, status: "FINISHED", end_time: 5 });
    }
  }

  beforeAll(async () => {
    home = await openMeteredHome();
    stores = openStores(home.ground);
    experiment = (await post("experiments/create", { name: "first" })).experiment_id;
    run = await newRun();
  });
  afterAll(() => home.close());

  const cases: Readonly<Record<string, Case>> = {
    "list workspaces": (count) => count(() => home.ask("GET", "/api/v1/workspaces")),
    "make a workspace": (count) => count(() => home.ask("PUT", "/api/v1/workspaces/team", {})),
    "give a role": (count) => count(() => home.ask("PUT", `${W}/members/ada`, { role: "reader" })),
    "list members": (count) => count(() => home.ask("GET", `${W}/members`)),
    "make a token": (count) => count(() => home.ask("POST", "/api/v1/tokens", { name: "x", roles: { "*": "reader" } })),
    "list tokens": (count) => count(() => home.ask("GET", "/api/v1/tokens")),
    "link an IAM principal": (count) =>
      count(() => home.ask("PUT", "/api/v1/iam-links/000000000000:user:ada", { person: "ada" })),
    "a page of 100 activities": async (count) => {
      for (let i = 0; i < 100; i++) await home.ask("PUT", `${W}/members/m${i}`, { role: "reader" });
      await count(() => home.ask("GET", `${W}/activities?limit=100`));
    },
    "list computes": (count) => count(() => home.ask("GET", `${W}/computes`)),
    "list datastores": (count) => count(() => home.ask("GET", `${W}/datastores`)),
    "set a workspace's secret, without its value": (count) =>
      count(() => home.ask("PUT", `${W}/secrets/s`, { value: "of the workspace" })),
    "list a workspace's secrets": (count) => count(() => home.ask("GET", `${W}/secrets`)),
    "where workspaces keep their things": (count) => count(() => stores.storages.list()),

    "submit a job": (count) =>
      count(() =>
        stores.jobs.create(jobRecord("default", "job", { status: "Queued" }), newJobRun("default", "job"), deed),
      ),
    "a job": (count) => count(() => home.ask("GET", `${W}/jobs/job`)),
    "a job's change of state": async (count) => {
      const before = await stores.jobs.get("default", "job");
      if (before === undefined) throw new Error("there is no job");
      await count(() => stores.jobs.save(before, { ...before, rev: before.rev + 1, status: "Running" }, deed));
    },
    "a page of 100 jobs": async (count) => {
      for (let i = 0; i < 100; i++)
        await stores.jobs.create(
          jobRecord("default", `job-${i}`, { status: "Queued" }),
          newJobRun("default", `job-${i}`),
          deed,
        );
      await count(() => home.ask("GET", `${W}/jobs?limit=100`));
    },
    "submit a pipeline of 3 steps": (count) => {
      const step = { type: "command", command: "true", environment: "python-3" };
      const spec = { type: "pipeline", jobs: { a: step, b: step, c: step } };
      return count(() => home.ask("PUT", `${W}/jobs/pipeline`, { spec }));
    },
    "a step's end, of which its pipeline hears": async (count) => {
      const composite = { parent: "pipeline", child: "a", root: "pipeline" };
      await stores.jobs.create(
        { ...jobRecord("default", "step", { status: "Queued" }), parent: "pipeline", composite },
        newJobRun("default", "step"),
        deed,
      );
      const before = await stores.jobs.get("default", "step");
      if (before === undefined) throw new Error("there is no job");
      const after = { ...before, rev: before.rev + 1, status: "Completed", endedMs: before.createdMs } as const;
      await count(() => stores.jobs.save(before, after, deed));
    },
    "decide what a pipeline does next": async (count) => {
      const store = openCoordinationStore(home.ground);
      const composite = { workspace: "default", job: "pipeline" };
      await count(async () => {
        await store.read("default", "pipeline");
        const rows = await store.inbox("default", "pipeline", 90);
        const after = { rev: 1, state: { marks: "..." }, pending: [] };
        await store.decide(
          composite,
          0,
          after,
          rows.map(({ cause }) => cause),
        );
        await store.performed("default", "pipeline", 1);
      });
    },
    "a schedule fires at its time": async (count) => {
      const before = scheduleRecord("default", "nightly");
      await stores.schedules.put(before, 0, deed, { spec: jobRecord("default", "job").spec });
      const after = { ...before, rev: 2, sinceMs: 60_000, nextMs: 120_000 };
      await count(() => stores.schedules.fire([firingRecord("default", "nightly")], { before, after }));
    },
    "a firing is done": (count) =>
      count(() => stores.schedules.end({ ...firingRecord("default", "nightly"), state: "done", job: "a".repeat(32) })),
    "who waits for a compute": (count) => count(() => stores.jobs.queue("default", "local")),
    "append to a log": (count) =>
      count(() =>
        stores.logs.append({ workspace: "default", run: "job", attempt: "job.1", name: "x" }, 0, Buffer.alloc(500)),
      ),
    "append to it again": (count) =>
      count(() =>
        stores.logs.append({ workspace: "default", run: "job", attempt: "job.1", name: "x" }, 500, Buffer.alloc(500)),
      ),
    "read a log": (count) =>
      count(() => stores.logs.read({ workspace: "default", run: "job", attempt: "job.1", name: "x" }, 0, 1000)),

    "make an experiment": (count) => count(() => post("experiments/create", { name: "second" })),
    "an experiment by name": (count) => count(() => get("experiments/get-by-name?experiment_name=first")),
    "make a run": (count) => count(() => newRun()),
    "a run": (count) => count(() => get(`runs/get?run_id=${run}`)),
    "log one metric": (count) =>
      count(() => post("runs/log-metric", { run_id: run, key: "a", value: 1, timestamp: 1 })),
    "log 1,000 points over 20 keys": async (count) => {
      const made = await newRun();
      await count(() => post("runs/log-batch", { run_id: made, metrics: points(1000, 20) }));
    },
    "log 1,000 points over 1,000 keys": async (count) => {
      const made = await newRun();
      await count(() => post("runs/log-batch", { run_id: made, metrics: points(1000, 1000) }));
    },
    "log 40 points for the 65th time, which folds 64 items": async (count) => {
      const made = await newRun();
      for (let i = 0; i < 64; i++) await post("runs/log-batch", { run_id: made, metrics: points(40, 1) });
      await count(() => post("runs/log-batch", { run_id: made, metrics: points(40, 1) }));
    },
    "10,000 points of a metric": async (count) => {
      const made = await newRun();
      for (let i = 0; i < 10; i++) await post("runs/log-batch", { run_id: made, metrics: points(1000, 1) });
      await count(() => get(`metrics/get-history?run_id=${made}&metric_key=metric/0`));
    },
    "set a tag": (count) => count(() => post("runs/set-tag", { run_id: run, key: "a", value: "b" })),
    "end a run": (count) => count(() => post("runs/update", { run_id: run, status: "FINISHED", end_time: 5 })),
    "a page of 100 of 200 runs, the first of its experiment ever": async (count) => {
      experiment = (await post("experiments/create", { name: "large" })).experiment_id;
      await endedRuns(experiment, 200);
      await count(() => post("runs/search", { experiment_ids: [experiment], max_results: 100 }));
    },
    "the same page again": (count) =>
      count(() => post("runs/search", { experiment_ids: [experiment], max_results: 100 })),
    "the same page of a function that has just started": async (count) => {
      home.restart();
      await home.ask("GET", "/api/v1/me");
      await count(() => post("runs/search", { experiment_ids: [experiment], max_results: 100 }));
    },
    "a page of 100 runs with a dataset each, of a function that has just started": async (count) => {
      const { experiment_id } = await post("experiments/create", { name: "with datasets" });
      await endedRuns(experiment_id, 100, [{ dataset: DATASET, tags: [] }]);
      const page = () => post("runs/search", { experiment_ids: [experiment_id], max_results: 100 });
      await page();
      home.restart();
      await home.ask("GET", "/api/v1/me");
      await count(page);
    },
    "make a logged model": (count) => count(() => post("logged-models", { experiment_id: experiment, name: "m" })),

    "make a registered model": (count) => count(() => post("registered-models/create", { name: "reg" })),
    "register a version": (count) => count(() => post("model-versions/create", { name: "reg", source: "s3://b/m" })),
    "a model version": (count) => count(() => get("model-versions/get?name=reg&version=1")),
    "set an alias": (count) => count(() => post("registered-models/alias", { name: "reg", alias: "a", version: "1" })),

    "make a version of data": (count) => count(() => home.ask("POST", `${W}/data/d/versions`, DATA)),
    "@latest of data": (count) => count(() => home.ask("GET", `${W}/data/d/versions/@latest`)),
    "a page of 100 versions": async (count) => {
      for (let i = 0; i < 100; i++) await home.ask("POST", `${W}/data/many/versions`, DATA);
      await count(() => home.ask("GET", `${W}/data/many/versions?limit=100`));
    },
    "names of a kind": (count) => count(() => home.ask("GET", `${W}/data`)),
    "lineage of a model version": (count) =>
      count(() => home.ask("GET", `${W}/lineage?ref=${encodeURIComponent("azureml:reg:1")}`)),
    "keep a tree": async (count) => {
      const content = "x";
      const entries = [{ kind: "file" as const, path: "a", sha256: sha256Of(content), size_bytes: 1 }];
      await home.ask("PUT", `${W}/blobs/${sha256Of(content)}`, Buffer.from(content));
      await count(() => home.ask("PUT", `${W}/trees/${sha256Of(treeText(entries))}`, { entries }));
    },
    "receipts of gc": (count) => count(() => home.ask("GET", `${W}/gc`)),

    "keep a secret": (count) => count(() => vault().put("a/b", "secret")),
    "a secret": (count) => count(() => vault().get("a/b")),
    "handle a message": async (count) => {
      const { table, clock } = home.ground;
      const consume = makeConsumer({ table, clock, handlers: new Map([["t", async () => undefined]]) });
      await count(() => consume({ copyId: "c", text: JSON.stringify({ topic: "t", id: "m", body: {} }) }));
    },
  };
  const DATASET = { name: "wine", digest: "d", source_type: "local", source: "s", schema: "x".repeat(1000) };
  const DATA = { type: "uri_folder", path: "azureml://datastores/workspaceblobstore/paths/d/" };
  const vault = () =>
    openVault({
      table: home.ground.table,
      homeKey: { derive: async () => createSecretKey(Buffer.alloc(32)) },
    });

  it("tells every case, and no other", () => {
    expect([...told().keys()]).toEqual(Object.keys(cases));
  });

  // One after the other: some build on those before.
  it.each(Object.entries(cases))("%s: as the page says", async (name, work) => {
    const { units } = home;
    let cost: Cost | undefined;
    await work(async (counted) => {
      const before = { ...units };
      const result = await counted();
      cost = {
        reads: units.reads - before.reads,
        writes: units.writes - before.writes,
        trips: units.trips - before.trips,
      };
      return result;
    });
    const page = told().get(name);
    if (cost === undefined || page === undefined || !isNear(page, cost)) expect(cost).toEqual(page);
  });

  it("stays within what the home is to cost", () => {
    const cost = (name: string): Cost =>
      told().get(name) ?? { reads: Number.NaN, writes: Number.NaN, trips: Number.NaN };

    expect(cost("log 1,000 points over 20 keys").writes).toBeLessThanOrEqual(40);
    expect(cost("log 1,000 points over 20 keys").trips).toBeLessThanOrEqual(2);
    expect(cost("log 1,000 points over 1,000 keys").writes).toBeLessThanOrEqual(150);
    const cold = "of a function that has just started";
    for (const page of [
      "the same page again",
      `the same page ${cold}`,
      `a page of 100 runs with a dataset each, ${cold}`,
      "a page of 100 jobs",
      "a page of 100 versions",
    ])
      expect(cost(page).reads).toBeLessThanOrEqual(15);
  });
});
