import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { treeText } from "../../src/contract/trees.ts";
import { modelUseWrites } from "../../src/store/models.ts";
import { openTrackingApi, type TrackingApi } from "../helpers/tracking.ts";

const base = "/api/v1/workspaces/default";
let api: TrackingApi;

beforeEach(async () => {
  api = await openTrackingApi();
});

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

async function putTree(files: Readonly<Record<string, string>>): Promise<string> {
  const entries = [];
  for (const [path, content] of Object.entries(files)) {
    await api.ask("PUT", `${base}/blobs/${sha256(content)}`, {
      bytes: content,
      headers: { "content-type": "application/octet-stream" },
    });
    entries.push({ kind: "file" as const, path, sha256: sha256(content), size_bytes: Buffer.byteLength(content) });
  }
  const id = sha256(treeText(entries));
  const { status, text } = await api.ask("PUT", `${base}/trees/${id}`, { body: { entries } });
  if (status !== 200) throw new Error(text);
  return `azureml://trees/${id}`;
}

const create = (name: string, body: object) => api.ask("POST", `${base}/models/${name}/versions`, { body });

describe("models over REST", () => {
  it("are registered from a tree and are MLflow's versions too", async () => {
    const path = await putTree({ "model.pkl": "abc", "sub/x": "de" });
    const made = await create("iris", { path, type: "custom_model", tags: { a: "b" }, description: "d" });
    const mlflow = await api.get("model-versions/get", { name: "iris", version: "1" });
    const uri = (await api.get("model-versions/get-download-uri", { name: "iris", version: "1" })).artifact_uri;
    const folder = uri.replace("mlflow-artifacts:/", "");

    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      id: "azureml:iris:1",
      version: "1",
      type: "custom_model",
      path,
      size_bytes: 5,
      file_count: 2,
      labels: ["latest"],
      used_by: [],
      tags: { a: "b" },
    });
    expect(mlflow.model_version).toMatchObject({ source: path, description: "d", tags: [{ key: "a", value: "b" }] });
    expect((await api.get("/api/2.0/mlflow-artifacts/artifacts", { path: folder })).files).toEqual([
      { path: "model.pkl", is_dir: false, file_size: 3 },
      { path: "sub", is_dir: true },
    ]);
    expect((await api.ask("GET", `/api/2.0/mlflow-artifacts/artifacts/${folder}/sub/x`)).text).toBe("de");
  });

  it("of an MLflow run are found by label, with the run they came from", async () => {
    const run = await api.run("0");
    await api.ask("PUT", `/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/model/MLmodel`, {
      bytes: "flavors: {}",
    });
    await create("iris", { path: `runs:/${run}/model`, type: "mlflow_model" });
    await create("iris", { path: `runs:/${run}/model`, type: "mlflow_model" });
    await api.post("registered-models/alias", { name: "iris", alias: "champ", version: "1" });

    expect(await api.get(`${base}/models/iris/versions/@champ`)).toMatchObject({
      version: "1",
      labels: ["champ"],
      run_id: run,
      path: `runs:/${run}/model`,
    });
    expect((await api.get(`${base}/models/iris/versions/@latest`)).version).toBe("2");
    expect((await api.stores.models.get("default", "iris"))?.lastVersion).toBe(2);
  });

  it("must have files, and MLmodel where their type says so", async () => {
    const empty = await create("iris", { path: "runs:/0123456789abcdef0123456789abcdef/model" });
    const path = await putTree({ "model.pkl": "abc" });
    const shapeless = await create("iris", { path, type: "mlflow_model" });

    expect(empty.status).toBe(404);
    expect(shapeless).toMatchObject({ status: 400, json: { code: "InvalidArgument" } });
  });

  it("are put under a number: the same again is answered, other content refused, gone numbers stay gone", async () => {
    const [path, other] = [await putTree({ a: "1" }), await putTree({ a: "2" })];
    const put = (version: string, body: object) => api.ask("PUT", `${base}/models/iris/versions/${version}`, { body });
    const statuses = [
      await put("3", { path }),
      await put("3", { path }),
      await put("3", { path: other }),
      await put("x1", { path }),
    ].map(({ status }) => status);
    await api.ask("DELETE", `${base}/models/iris/versions/3`);
    const gone = await put("3", { path });
    const next = await create("iris", { path });

    expect(statuses).toEqual([201, 200, 409, 400]);
    expect(gone).toMatchObject({ status: 409, json: { code: "Conflict" } });
    expect(next.json.version).toBe("4");
  });

  it("are changed with If-Match, archived out of lists, and labelled", async () => {
    const path = await putTree({ a: "1" });
    const { headers } = await create("iris", { path });
    await create("iris", { path });
    const patch = (body: object, etag: string) =>
      api.ask("PATCH", `${base}/models/iris/versions/1`, { body, headers: { "if-match": etag } });
    const changed = await patch({ tags: { a: "b" }, stage: "production" }, headers.get("etag") ?? "");
    const stale = await patch({ tags: { a: null } }, headers.get("etag") ?? "");
    await api.ask("PATCH", `${base}/models/iris/versions/2`, { body: { archived: true } });
    await api.ask("PUT", `${base}/models/iris/labels/good`, { body: { version: "1" } });
    const listed = await api.get(`${base}/models`);
    const shown = await api.get(`${base}/models/iris/versions`);

    expect(changed.json).toMatchObject({ tags: { a: "b" }, stage: "Production" });
    expect(stale.status).toBe(412);
    expect(listed.items).toMatchObject([{ name: "iris", latest_version: "1" }]);
    expect(shown.items.map((each: { version: string; labels: string[] }) => [each.version, each.labels])).toEqual([
      ["1", ["latest", "good"]],
    ]);
    expect((await api.ask("DELETE", `${base}/models/iris/labels/good`)).status).toBe(200);
    expect((await api.ask("DELETE", `${base}/models/iris/labels/good`)).status).toBe(404);
  });

  it("in use say by what, and stay", async () => {
    await create("iris", { path: await putTree({ a: "1" }) });
    const use = { workspace: "default", name: "iris", version: "1", user: "ep/blue" };
    await api.ground.table.transact(await modelUseWrites(api.ground.table, use));

    expect((await api.get(`${base}/models/iris/versions/1`)).used_by).toEqual(["ep/blue"]);
    expect(await api.ask("DELETE", `${base}/models/iris/versions/1`)).toMatchObject({
      status: 409,
      json: { code: "InUse" },
    });
  });

  it("are paged", async () => {
    const path = await putTree({ a: "1" });
    for (let i = 0; i < 5; i++) await create("iris", { path });
    const first = await api.get(`${base}/models/iris/versions`, { limit: 2 });
    const second = await api.get(`${base}/models/iris/versions`, { limit: 3, cursor: first.next_cursor });

    expect([...first.items, ...second.items].map((each: { version: string }) => each.version)).toEqual([
      "5",
      "4",
      "3",
      "2",
      "1",
    ]);
    expect(second.next_cursor).toBeUndefined();
  });
});
