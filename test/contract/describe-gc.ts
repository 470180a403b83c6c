import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeploymentRecord, EndpointRecord, RevisionRecord } from "../../src/core/endpoints/record.ts";
import type { Ground } from "../../src/local/part.ts";
import { jobKey, runPartition } from "../../src/store/facts/keys.ts";
import { runCreateWrites } from "../../src/store/runs.ts";
import { openScheduleStore } from "../../src/store/schedules.ts";
import { type GcServer, makeAsk, serveGc, sha256Of, treeOf } from "../helpers/gc-frame.ts";
import { jobRecord } from "../helpers/job-record.ts";
import { unique } from "../helpers/ports.ts";
import { scheduleRecord } from "../helpers/schedule-record.ts";

/** A home whose clock can be set forward. */
export interface GcHome {
  readonly ground: Ground;
  shift(ms: number): void;
  cleanup(): Promise<void>;
}

const DAY_MS = 86_400_000;
const GRACE = { grace_sec: 3 * 86_400 };

/** Garbage collection over a home's table and objects. */
export function describeGc(name: string, open: () => Promise<GcHome>): void {
  describe(`gc over ${name}`, () => {
    let home: GcHome;
    let server: GcServer;
    const { ask, get, post, put, putTree } = makeAsk(() => server);
    beforeAll(async () => {
      home = await open();
      server = await serveGc(home.ground);
    });
    afterAll(async () => {
      await server.close();
      await home.cleanup();
    });

    const experiment = async (): Promise<string> =>
      (await post("experiments/create", { name: unique("experiment") })).experiment_id;

    async function makeRun(experimentId: string): Promise<string> {
      const { run } = await post("runs/create", { experiment_id: experimentId, start_time: 1 });
      const run_id = run.info.run_id;
      await post("runs/log-batch", {
        run_id,
        metrics: Array.from({ length: 600 }, (_, step) => ({ key: "loss", value: step, timestamp: step, step })),
        params: [{ key: "lr", value: "0.1" }],
        tags: [{ key: "team", value: "red" }],
      });
      await post("runs/log-inputs", {
        run_id,
        datasets: [
          {
            dataset: { name: "d", digest: "1", source_type: "local", source: "x", schema: "s".repeat(200_000) },
            tags: [],
          },
        ],
      });
      await artifact(experimentId, run_id, "model/weights.bin", "w".repeat(1000));
      await artifact(experimentId, run_id, "notes.txt", "hello");
      return run_id;
    }

    const artifact = (experimentId: string, run: string, path: string, content: string) =>
      put(`/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${run}/artifacts/${path}`, content);
    const deleteRun = (run_id: string) => post("runs/delete", { run_id });
    const isThere = async (run: string) => (await ask("GET", `runs/get?run_id=${run}`)).status === 200;

    async function search(experimentId: string, view = "ALL"): Promise<string[]> {
      const { runs = [] } = await post("runs/search", { experiment_ids: [experimentId], run_view_type: view });
      return runs.map((run: { info: { run_id: string } }) => run.info.run_id);
    }

    /** Until the receipt waits for something other than work. */
    async function settle(receipt: string) {
      for (;;) {
        const found = await post(`gc/${receipt}/advance`);
        if (!["collecting", "freeing", "restoring"].includes(found.state)) return found;
      }
    }

    async function collect(request: object) {
      return settle((await post("gc", { ...GRACE, ...request })).id);
    }

    async function items(receipt: string) {
      return (await get(`gc/${receipt}/items?limit=1000`)).items as {
        kind: string;
        id: string;
        state: string;
        reason?: string;
      }[];
    }

    /** Waits out the grace period. */
    async function free(receipt: string) {
      home.shift(3 * DAY_MS + 1000);
      return settle(receipt);
    }

    async function objectsBelow(prefix: string): Promise<number> {
      return (await home.ground.objects.list({ prefix })).objects.length;
    }

    test("leaves files that somebody may be about to name", async () => {
      await putTree({ "a.py": unique("young") });
      const folder = `mpu/create/0/${unique("run")}/artifacts`;
      const upload = await post(`/api/2.0/mlflow-artifacts/${folder}`, { path: "big.bin", num_parts: 2 });
      await fetch(upload.credentials[0].url, { method: "PUT", body: "x" });

      expect((await collect({})).totals).toEqual({});
      home.shift(3 * DAY_MS);
      expect(Object.keys((await post("gc", { dry_run: true })).totals).sort()).toEqual(["blob", "tree", "upload"]);
    });

    test("tells without changing anything what would go", async () => {
      const within = await experiment();
      const run = await makeRun(within);
      const other = await makeRun(within);
      await deleteRun(run);

      const told = await post("gc", { dry_run: true, run_ids: [run] });

      expect(told).toMatchObject({
        id: "",
        state: "dry-run",
        totals: { run: { things: 1, objects: 2, bytes: 1005 } },
        objects: 2,
        bytes: 1005,
        kept: 0,
        items: [{ kind: "run", id: run, state: "trash", objects: 2, bytes: 1005 }],
      });
      expect(await isThere(run)).toBe(true);
      expect(new Set(await search(within))).toEqual(new Set([run, other]));
    });

    test("takes a deleted run to the trash, where nobody finds it, and gives it back whole", async () => {
      const within = await experiment();
      const run = await makeRun(within);
      const other = await makeRun(within);
      await deleteRun(run);
      const before = await get(`runs/get?run_id=${run}`);
      expect(new Set(await search(within))).toEqual(new Set([run, other]));

      const receipt = await collect({ run_ids: [run] });

      expect(receipt).toMatchObject({ state: "trash", by: "user:owner", objects: 2, bytes: 1005, kept: 0 });
      expect(await isThere(run)).toBe(false);
      expect(await search(within)).toEqual([other]);
      expect((await ask("GET", `metrics/get-history?run_id=${run}&metric_key=loss`)).json.metrics ?? []).toEqual([]);
      expect((await ask("POST", "runs/restore", { run_id: run })).status).toBe(404);
      expect((await ask("POST", "runs/set-tag", { run_id: run, key: "a", value: "b" })).status).toBe(404);
      const again = { experiment_id: within, tags: {} };
      const taken = await ask("PUT", `/api/v1/workspaces/default/imports/runs/${run}`, again);
      expect(taken).toMatchObject({ status: 409, json: { detail: `run \`${run}\` is in the trash of gc` } });

      expect(await post(`gc/${receipt.id}/restore`)).toMatchObject({ state: "restored", ended_by: "user:owner" });

      expect((await get(`runs/get?run_id=${run}`)).run.data).toEqual(before.run.data);
      expect((await get(`runs/get?run_id=${run}`)).run.info.lifecycle_stage).toBe("deleted");
      expect(new Set(await search(within))).toEqual(new Set([run, other]));
      await post("runs/restore", { run_id: run });
      const history = await get(`metrics/get-history?run_id=${run}&metric_key=loss`);
      expect(history.metrics).toHaveLength(600);
      expect((await get(`artifacts/list?run_id=${run}`)).files).toHaveLength(2);
      await home.shift(30 * DAY_MS);
      expect((await ask("POST", `gc/${receipt.id}/advance`)).json.state).toBe("restored");
      expect(await isThere(run)).toBe(true);
    });

    test("frees what has been in the trash for its time, and keeps the receipt", async () => {
      const within = await experiment();
      const run = await makeRun(within);
      const other = await makeRun(within);
      await deleteRun(run);
      const { id } = await collect({ run_ids: [run] });
      expect((await post(`gc/${id}/advance`)).state).toBe("trash");
      expect(await objectsBelow(`ws/default/artifacts/${within}/${run}/`)).toBe(2);

      const receipt = await free(id);

      expect(receipt).toMatchObject({
        id,
        state: "freed",
        totals: { run: { things: 1, objects: 2, bytes: 1005 } },
        by: "user:owner",
      });
      expect(await items(id)).toEqual([{ kind: "run", id: run, state: "freed", objects: 2, bytes: 1005 }]);
      expect((await get("gc?limit=1")).items).toEqual([await get(`gc/${id}`)]);
      expect(await objectsBelow(`ws/default/artifacts/${within}/${run}/`)).toBe(0);
      for (const suffix of ["", "#LOG"]) {
        const { items: left } = await home.ground.table.query({ pk: `${runPartition("default", run)}${suffix}` });
        expect(left).toEqual([]);
      }
      expect((await ask("POST", `gc/${id}/restore`)).status).toBe(409);
      expect(await search(within)).toEqual([other]);
      expect(await objectsBelow(`ws/default/artifacts/${within}/${other}/`)).toBe(2);
    });

    test("refuses what is not deleted, not there, or deleted too lately", async () => {
      const within = await experiment();
      const run = await makeRun(within);

      const active = await ask("POST", "gc", { run_ids: [run] });
      const unknown = await ask("POST", "gc", { run_ids: ["f".repeat(32)] });
      const activeExperiment = await ask("POST", "gc", { experiment_ids: [within] });
      await deleteRun(run);
      const young = await ask("POST", "gc", { run_ids: [run], older_than_sec: 3600 });
      home.shift(3_601_000);
      const old = await ask("POST", "gc", { run_ids: [run], older_than_sec: 3600, dry_run: true });

      expect(active).toMatchObject({ status: 400, json: { detail: expect.stringContaining("not in `deleted`") } });
      expect(unknown.status).toBe(404);
      expect(activeExperiment.status).toBe(400);
      expect(young).toMatchObject({ status: 400, json: { detail: expect.stringContaining("not older than") } });
      expect(old.json.totals.run.things).toBe(1);
    });

    test("takes an experiment with all in it, frees its name, and finds another on the way back", async () => {
      const name = unique("experiment");
      const { experiment_id } = await post("experiments/create", { name });
      const run = await makeRun(experiment_id);
      const { model } = await post("logged-models", { experiment_id, name: "m", source_run_id: run });
      const model_id = model.info.model_id;
      await post("experiments/delete", { experiment_id });

      const receipt = await collect({ experiment_ids: [experiment_id] });
      const totals = { run: { things: 1 }, logged_model: { things: 1 }, experiment: { things: 1 } };
      expect(receipt).toMatchObject({ state: "trash", totals });
      expect((await ask("GET", `experiments/get?experiment_id=${experiment_id}`)).status).toBe(404);
      expect((await ask("GET", `logged-models/${model_id}`)).status).toBe(404);
      const { experiment_id: second } = await post("experiments/create", { name });
      expect(second).not.toBe(experiment_id);

      await post(`gc/${receipt.id}/restore`);
      const { experiment: back } = await get(`experiments/get?experiment_id=${experiment_id}`);
      expect(back).toMatchObject({ name: `${name} (${experiment_id})`, lifecycle_stage: "deleted" });
      await post("experiments/restore", { experiment_id });
      expect((await get(`runs/get?run_id=${run}`)).run.info.lifecycle_stage).toBe("active");
      expect((await get(`logged-models/${model_id}`)).model.info.name).toBe("m");

      await post("experiments/delete", { experiment_id });
      const { id } = await collect({ experiment_ids: [experiment_id] });
      expect(await free(id)).toMatchObject({ state: "freed", totals, kept: 0 });
      expect((await ask("GET", `experiments/get?experiment_id=${experiment_id}`)).status).toBe(404);
    });

    test("keeps what a registered model needs, says so, and lets go with it", async () => {
      const experiment_id = await experiment();
      const run = await makeRun(experiment_id);
      const free_run = await makeRun(experiment_id);
      const name = unique("model");
      await post("registered-models/create", { name });
      await post("model-versions/create", { name, source: `runs:/${run}/model`, run_id: run });
      await post("experiments/delete", { experiment_id });

      const receipt = await collect({ experiment_ids: [experiment_id] });

      expect(receipt).toMatchObject({ kept: 2, totals: { run: { things: 1 } } });
      expect(await items(receipt.id)).toEqual([
        expect.objectContaining({ kind: "experiment", state: "kept", reason: expect.stringContaining("stay") }),
        expect.objectContaining({ id: run < free_run ? run : free_run }),
        expect.objectContaining({ id: run < free_run ? free_run : run }),
      ]);
      const held = (await items(receipt.id)).find(({ id }) => id === run);
      expect(held).toMatchObject({ state: "kept", reason: `registered as version 1 of model \`${name}\`` });
      expect(await isThere(run)).toBe(true);
      expect(await isThere(free_run)).toBe(false);

      await free(receipt.id);
      await ask("DELETE", "registered-models/delete", { name });
      const last = await collect({ experiment_ids: [experiment_id] });
      expect(last).toMatchObject({ kept: 0, totals: { run: { things: 1 }, experiment: { things: 1 } } });
      await free(last.id);
    });

    test("keeps what a deployment, a data asset or a job that is not over reads", async () => {
      const experiment_id = await experiment();
      const [deployed, data, elsewhere] = [
        await makeRun(experiment_id),
        await makeRun(experiment_id),
        await makeRun(experiment_id),
      ];
      const root = (run: string) => `mlflow-artifacts:/${experiment_id}/${run}/artifacts`;
      await deploy(server, `${root(deployed)}/model`);
      await post(`/api/v1/workspaces/default/data/${unique("data")}/versions`, {
        type: "uri_file",
        path: `${root(data)}/notes.txt`,
      });
      for (const run of [deployed, data, elsewhere]) await deleteRun(run);

      const receipt = await collect({ run_ids: [deployed, data, elsewhere] });

      const reasons = new Map((await items(receipt.id)).map(({ id, reason }) => [id, reason]));
      expect(reasons.get(deployed)).toBe("deployed as `endpoint/blue`");
      expect(reasons.get(data)).toMatch(/^data asset `data-\w+:1`$/);
      expect(reasons.get(elsewhere)).toBeUndefined();
      expect(receipt).toMatchObject({ kept: 2, totals: { run: { things: 1 } } });
      await free(receipt.id);
      expect(await isThere(deployed)).toBe(true);
      expect(await isThere(elsewhere)).toBe(false);
    });

    test("frees a job with its run, and its logs", async () => {
      const run = unique("job");
      const createdMs = home.ground.clock.now();
      const about = { workspace: "default", experimentId: "0", name: run, userId: "owner", createdMs, tags: {} };
      await home.ground.table.transact([
        ...runCreateWrites({ ...about, runId: run, status: "FINISHED", source: "job" }),
        { kind: "put", item: { ...jobKey("default", run), type: "JOB", v: 1, rev: 1, job: { name: run } } },
      ]);
      const log = { workspace: "default", run, attempt: "a1", name: "user_logs/std_log.txt" };
      const small = await server.stores.logs.append(log, 0, new TextEncoder().encode("hello\n"));
      await server.stores.logs.append(log, small, new Uint8Array(100_000).fill(65));
      await deleteRun(run);

      const { id } = await collect({ run_ids: [run] });
      const receipt = await free(id);

      expect(receipt.totals.run).toEqual({ things: 1, objects: 1, bytes: 100_000 });
      expect(await objectsBelow(`ws/default/logs/${run}/`)).toBe(0);
      for (const suffix of ["", "#LOGS", "#LOG#a1#user_logs/std_log.txt"]) {
        const { items: left } = await home.ground.table.query({ pk: `${runPartition("default", run)}${suffix}` });
        expect(left).toEqual([]);
      }
    });

    test("gives back what turns out to be needed when its time is over, with its experiment", async () => {
      const experiment_id = await experiment();
      const run = await makeRun(experiment_id);
      const name = unique("model");
      await post("registered-models/create", { name });
      await post("model-versions/create", { name, source: "s3://elsewhere/model" });
      await post("experiments/delete", { experiment_id });
      const { id } = await collect({ experiment_ids: [experiment_id] });
      expect(await isThere(run)).toBe(false);
      // As if the version had been on its way while the run went.
      await server.stores.models.change("default", name, { actor: "a", action: "b", summary: "c" }, async (model) => {
        const version = await server.stores.models.version(model, "1");
        return version === undefined ? undefined : { put: [{ ...version, source: `runs:/${run}/model`, rev: 2 }] };
      });

      const receipt = await free(id);

      expect(receipt).toMatchObject({ state: "freed", kept: 2 });
      expect(await isThere(run)).toBe(true);
      await post("experiments/restore", { experiment_id });
      expect((await get(`metrics/get-history?run_id=${run}&metric_key=loss`)).metrics).toHaveLength(600);
      expect(await objectsBelow(`ws/default/artifacts/${experiment_id}/${run}/`)).toBe(2);
    });

    test("takes everything that is deleted, and frees code, data files and parts of uploads that nothing names", async () => {
      const shared = unique("shared");
      const lost = unique("lost");
      const named = await putTree({ "a.py": shared, "b.py": "same" });
      const unnamed = await putTree({ "a.py": shared, "c.py": lost });
      const asset = unique("data");
      await post(`/api/v1/workspaces/default/data/${asset}/versions`, {
        type: "uri_folder",
        path: `azureml://trees/${named}`,
      });
      const scheduled = await putTree({ "d.py": unique("scheduled") });
      const { spec } = jobRecord("default", "job");
      const template = { spec: { ...spec, code: `azureml://trees/${scheduled}` } };
      const deed = { actor: "user:owner", action: "create", summary: "made" };
      await openScheduleStore(home.ground).put(scheduleRecord("default", unique("schedule")), 0, deed, template);
      const folder = `mpu/create/0/${unique("run")}/artifacts`;
      const upload = await post(`/api/2.0/mlflow-artifacts/${folder}`, { path: "big.bin", num_parts: 2 });
      await fetch(upload.credentials[0].url, { method: "PUT", body: "x".repeat(500) });
      const experiment_id = await experiment();
      const run = await makeRun(experiment_id);
      await deleteRun(run);

      home.shift(3 * DAY_MS);
      const receipt = await collect({});

      expect(receipt.totals.upload.bytes).toBeGreaterThanOrEqual(500);
      expect(await objectsBelow("ws/default/uploads/")).toBe(0);
      expect(await isThere(run)).toBe(false);
      for (const id of [named, scheduled])
        expect((await ask("GET", `/api/v1/workspaces/default/trees/${id}`)).status).toBe(200);
      const freed = await free(receipt.id);
      expect(freed.totals).toMatchObject({
        upload: receipt.totals.upload,
        tree: { objects: freed.totals.tree.things },
        blob: { objects: freed.totals.blob.things },
      });
      expect((await ask("GET", `/api/v1/workspaces/default/trees/${unnamed}`)).status).toBe(404);
      const blob = (text: string) => objectsBelow(`ws/default/blobs/${sha256Of(text).slice(0, 2)}/${sha256Of(text)}`);
      expect([await blob(shared), await blob(lost)]).toEqual([1, 0]);
      // And it can be had again.
      expect(await putTree({ "a.py": shared, "c.py": lost })).toBe(unnamed);
      expect(await blob(lost)).toBe(1);
    });

    test("a tree or a file that is used again while its time runs out stays, with all that is in it", async () => {
      const [a, b, c] = [unique("a"), unique("b"), unique("c")];
      const again = await putTree({ "a.py": a });
      await putTree({ "b.py": b, "c.py": c });
      home.shift(3 * DAY_MS);
      const receipt = await collect({});
      expect(receipt.totals.blob.things).toBeGreaterThanOrEqual(3);

      expect(await putTree({ "a.py": a })).toBe(again);
      const other = await putTree({ "other.py": b });
      const freed = await free(receipt.id);

      expect(freed.state).toBe("freed");
      for (const id of [again, other]) {
        const zip = await fetch(`${server.url}/api/v1/workspaces/default/trees/${id}/zip`, {
          headers: { authorization: `Bearer ${server.token}` },
        });
        expect(zip.status).toBe(200);
        expect((await zip.arrayBuffer()).byteLength).toBeGreaterThan(0);
      }
      expect(await objectsBelow(`ws/default/blobs/${sha256Of(c).slice(0, 2)}/${sha256Of(c)}`)).toBe(0);
    });

    test("a tree that is named by an asset while its time runs out stays, though nobody sent it again", async () => {
      const content = unique("named");
      const id = await putTree({ "a.py": content });
      home.shift(3 * DAY_MS);
      const receipt = await collect({});
      await post(`/api/v1/workspaces/default/data/${unique("data")}/versions`, {
        type: "uri_folder",
        path: `azureml://trees/${id}`,
      });

      expect((await free(receipt.id)).state).toBe("freed");

      const uri = encodeURIComponent(`azureml://trees/${id}/a.py`);
      expect((await ask("GET", `/api/v1/workspaces/default/content?uri=${uri}`)).json).toBe(content);
      expect(await putTree({ "a.py": content })).toBe(id);
    });

    test("what is being freed this moment can't be used before it is gone", async () => {
      const content = unique("going");
      await putTree({ "a.py": content });
      home.shift(3 * DAY_MS);
      const receipt = await collect({});
      const sha256 = sha256Of(content);
      const { openSweepStore } = await import("../../src/store/sweep.ts");
      const sweeps = openSweepStore(home.ground);

      // As if the process had been killed between the claim and the deletion.
      expect(await sweeps.free("default", receipt.id, [sha256])).toEqual([sha256]);
      const { id, entries } = treeOf({ "b.py": content });
      const refused = await ask("PUT", `/api/v1/workspaces/default/trees/${id}`, { entries });
      expect(refused.status).toBe(503);

      const freed = await free(receipt.id);
      expect(freed.totals.blob.things).toBeGreaterThanOrEqual(1);
      expect(await putTree({ "b.py": content })).toBe(id);
      expect(await objectsBelow(`ws/default/blobs/${sha256.slice(0, 2)}/${sha256}`)).toBe(1);
    });

    test("keeps a workspace's retention once a day, and says that it was the system", async () => {
      const experiment_id = await experiment();
      const run = await makeRun(experiment_id);
      await deleteRun(run);
      const at = { workspace: "default", budgetMs: 10_000 };
      expect(await server.gc.retain(at)).toBeUndefined();
      await put("/api/v1/workspaces/default", { retention: { deleted_days: 30, grace_days: 1 } });
      expect((await get("/api/v1/workspaces/default")).retention).toEqual({ deleted_days: 30, grace_days: 1 });

      const early = await server.gc.retain(at);
      home.shift(31 * DAY_MS);
      const late = await server.gc.retain(at);
      const again = await server.gc.retain(at);

      expect(early === undefined || !(await items(early.id)).some(({ id }) => id === run)).toBe(true);
      expect(late).toMatchObject({ by: "system", asked: { olderThanMs: 30 * DAY_MS, graceMs: DAY_MS } });
      expect((await items(late?.id ?? "")).map(({ id }) => id)).toContain(run);
      expect(again).toBeUndefined();
      await put("/api/v1/workspaces/default", {});
      home.shift(2 * DAY_MS);
      expect(await server.gc.retain(at)).toBeUndefined();
      expect((await server.gc.due()).map(({ id }) => id)).toContain(late?.id);
    });

    test("what is asked for in vain is a receipt that has ended", async () => {
      expect((await ask("GET", "gc/20000101-000000000-00000000")).status).toBe(404);
      const { id, state } = await collect({ older_than_sec: 3_000_000_000 });
      expect(state).toBe("freed");
      expect((await ask("POST", `gc/${id}/restore`)).json.detail).toContain("took nothing");
    });
  });
}

/** A deployment whose replicas read this model, as far as its records go. */
async function deploy({ stores }: GcServer, uri: string): Promise<void> {
  const at = { workspace: "default", rev: 0, createdMs: 1, createdBy: "owner" };
  const endpoint = { ...at, name: "endpoint", birth: "1", state: "Succeeded" } as unknown as EndpointRecord;
  const deployment = {
    ...at,
    endpoint: "endpoint",
    name: "blue",
    birth: "1",
    revision: 1,
    unsettled: false,
  } as unknown as DeploymentRecord;
  const revision = {
    ...at,
    endpoint: "endpoint",
    deployment: "blue",
    number: 1,
    stage: "Live",
    plan: { model: { uri } },
  } as unknown as RevisionRecord;
  expect(await stores.endpoints.save({ endpoint, deployments: [deployment], revisions: [revision] })).toBe(true);
}
