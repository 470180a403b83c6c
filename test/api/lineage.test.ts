import { beforeEach, describe, expect, it } from "vitest";
import type { LineageGraph } from "../../src/contract/lineage.ts";
import { openTrackingApi, type TrackingApi } from "../helpers/tracking.ts";

const base = "/api/v1/workspaces/default";
let api: TrackingApi;
let run: string;

beforeEach(async () => {
  api = await openTrackingApi();
  run = await api.run("0", { run_name: "train" });
});

async function walked(ref: string, query: object = {}): Promise<LineageGraph> {
  return api.get(`${base}/lineage`, { ref, ...query });
}

const edgesOf = ({ edges }: LineageGraph): string[] =>
  edges.map(({ from, to, role, name }) => `${from} -${role}${name === undefined ? "" : ` ${name}`}-> ${to}`).sort();

const dataset = (name: string, source: string, context = "training") => ({
  dataset: { name, digest: `${name}-digest`, source_type: "local", source },
  tags: [{ key: "mlflow.data.context", value: context }],
});

async function registerData(name: string): Promise<void> {
  const body = { type: "uri_folder", path: `azureml://datastores/workspaceblobstore/paths/${name}/` };
  const { status, text } = await api.ask("POST", `${base}/data/${name}/versions`, { body });
  if (status !== 201) throw new Error(text);
}

async function loggedModel(sourceRun: string): Promise<string> {
  const body = { experiment_id: "0", name: "clf", source_run_id: sourceRun };
  return (await api.post("logged-models", body)).model.info.model_id;
}

async function register(name: string, more: object): Promise<void> {
  if ((await api.ask("GET", "registered-models/get", { query: { name } })).status !== 200)
    await api.post("registered-models/create", { name });
  await api.post("model-versions/create", { name, ...more });
}

describe("the lineage of what an MLflow client logs", () => {
  it("is the same chain from its first end as from its last", async () => {
    await registerData("iris");
    await api.post("runs/log-inputs", { run_id: run, datasets: [dataset("frame", '{"uri": "azureml:iris:1"}')] });
    const logged = await loggedModel(run);
    await api.ask("POST", "runs/outputs", { body: { run_id: run, models: [{ model_id: logged, step: 0 }] } });
    await register("flowers", { source: `models:/${logged}`, model_id: logged });

    const down = await walked("azureml:iris:1", { direction: "down" });
    const up = await walked("azureml:flowers:1", { kind: "model", direction: "up" });
    const middle = await walked(run);

    const chain = [
      `data azureml:iris:1 -input training-> run ${run}`,
      `logged_model ${logged} -registered-> model azureml:flowers:1`,
      `run ${run} -output-> logged_model ${logged}`,
      `run ${run} -output-> model azureml:flowers:1`,
    ].sort();
    const frame = `dataset dataset:frame@frame-digest -input training-> run ${run}`;
    expect(edgesOf(down)).toEqual(chain);
    expect(edgesOf(up)).toEqual([...chain, frame].sort());
    expect(edgesOf(middle)).toEqual([...chain, frame].sort());
    expect(middle.root).toBe(`run ${run}`);
    expect(middle.nodes[0]).toMatchObject({ kind: "run", ref: run, display_name: "train", status: "RUNNING" });
    expect(middle.truncated).toBeUndefined();
  });

  it("knows by a dataset which runs used it, and by a logged model which runs loaded it", async () => {
    const other = await api.run("0");
    const logged = await loggedModel(run);
    await api.post("runs/log-inputs", { run_id: run, datasets: [dataset("a#b%", "x")] });
    await api.post("runs/log-inputs", {
      run_id: other,
      datasets: [dataset("a#b%", "x", "eval")],
      models: [{ model_id: logged }],
    });

    const users = await walked("dataset:a#b%@a#b%-digest", { direction: "down", depth: 1 });
    const loaded = await walked(logged, { direction: "down" });

    expect(users.nodes.map(({ ref }) => ref).sort()).toEqual(["dataset:a#b%@a#b%-digest", other, run].sort());
    expect(users.truncated).toContain("depth 1");
    expect(edgesOf(loaded)).toEqual([`logged_model ${logged} -input-> run ${other}`]);
  });

  it("takes more datasets in one request than a transaction has room for, with every edge", async () => {
    const datasets = Array.from({ length: 120 }, (_, i) => dataset(`d${i}`, `azureml:iris:${i + 1}`));
    await api.post("runs/log-inputs", { run_id: run, datasets });

    const { edges } = await walked(run, { direction: "up" });
    const last = await walked("dataset:d119@d119-digest", { direction: "down" });

    expect(edges).toHaveLength(200);
    expect((await walked(run, { direction: "up" })).truncated).toContain("more neighbours");
    expect(edgesOf(last)).toEqual([`dataset dataset:d119@d119-digest -input training-> run ${run}`]);
  });

  it("follows a model to its new name, and forgets a version that is deleted", async () => {
    await register("old", { source: `runs:/${run}/model`, run_id: run });
    await register("old", { source: `runs:/${run}/model`, run_id: run });
    await api.post("registered-models/rename", { name: "old", new_name: "new" });
    const renamed = await walked(run);
    await api.ask("DELETE", "model-versions/delete", { body: { name: "new", version: "1" } });
    const left = await walked(run);
    await api.ask("DELETE", "registered-models/delete", { body: { name: "new" } });
    const none = await walked(run);

    expect(edgesOf(renamed)).toEqual([1, 2].map((n) => `run ${run} -output-> model azureml:new:${n}`));
    expect(edgesOf(left)).toEqual([`run ${run} -output-> model azureml:new:2`]);
    expect(none.edges).toEqual([]);
    const index = await api.stores.lineage.steps("default", { kind: "run", name: run }, "down", 10);
    expect(index.steps).toEqual([]);
  });

  it("says of a deleted origin that it is gone", async () => {
    const logged = await loggedModel(run);
    await register("flowers", { source: `models:/${logged}`, model_id: logged });
    await api.ask("DELETE", `logged-models/${logged}`);

    const { nodes } = await walked("azureml:flowers@latest", { kind: "model", direction: "up" });

    expect(nodes.find(({ kind }) => kind === "logged_model")).toMatchObject({ ref: logged, missing: true });
    expect(nodes.find(({ kind }) => kind === "model")?.missing).toBeUndefined();
  });

  it("leads nowhere from an id that no run of ours can have", async () => {
    await register("far", { source: "s3://bucket/model", run_id: `x#${"y".repeat(3000)}` });

    expect((await walked("azureml:far:1")).edges).toEqual([]);
  });
});

describe("a reference", () => {
  it("that two things answer to must say which", async () => {
    await registerData("twin");
    await register("twin", { source: `runs:/${run}/model`, run_id: run });

    const { status, json } = await api.ask("GET", `${base}/lineage`, { query: { ref: "azureml:twin:1" } });

    expect(status).toBe(400);
    expect(json.detail ?? json.message).toContain("`data` and `model`");
    expect((await walked("azureml:twin:1", { kind: "data" })).root).toBe("data azureml:twin:1");
  });

  it.each(["azureml:nothing:1", "nothing", "no/thing", "m-00000000000000000000000000000000", "dataset:a@b", "a b"])(
    "to nothing is not found: %s",
    async (ref) => {
      expect((await api.ask("GET", `${base}/lineage`, { query: { ref } })).status).toBe(404);
    },
  );

  it.each(["", "ref=x&depth=51", "ref=x&direction=sideways", "ref=x&kind=job"])(
    "or a way that is none is refused: %s",
    async (words) => {
      const query = Object.fromEntries(new URLSearchParams(words));
      expect((await api.ask("GET", `${base}/lineage`, { query })).status).toBe(400);
    },
  );
});
