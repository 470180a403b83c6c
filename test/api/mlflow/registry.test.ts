import { beforeEach, describe, expect, it } from "vitest";
import { modelReleaseWrites, modelUseWrites } from "../../../src/store/models.ts";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

let api: TrackingApi;

beforeEach(async () => {
  api = await openTrackingApi();
  await api.post("registered-models/create", { name: "iris", description: "d", tags: [{ key: "a", value: "b" }] });
});

const version = async (source = "s3://bucket/model", more = {}) =>
  (await api.post("model-versions/create", { name: "iris", source, ...more })).model_version;

function refused(method: string, path: string, body: object) {
  return api
    .ask(method, path, method === "GET" ? { query: body as Record<string, string> } : { body })
    .then(({ status, json }) => [status, json.error_code, json.message]);
}

describe("registered models", () => {
  it("are made once, renamed with their versions, and deleted with them", async () => {
    await version();
    await api.post("registered-models/alias", { name: "iris", alias: "champ", version: "1" });
    const taken = await refused("POST", "registered-models/create", { name: "iris" });
    await api.post("registered-models/rename", { name: "iris", new_name: "flower" });
    const moved = await api.get("model-versions/get", { name: "flower", version: "1" });
    const old = await refused("GET", "registered-models/get", { name: "iris" });
    await api.ask("DELETE", "registered-models/delete", { body: { name: "flower" } });
    await api.post("registered-models/create", { name: "flower" });

    expect(taken).toEqual([400, "RESOURCE_ALREADY_EXISTS", "Registered Model (name=iris) already exists."]);
    expect(moved.model_version).toMatchObject({ name: "flower", version: "1", aliases: ["champ"] });
    expect(old).toEqual([404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=iris not found"]);
    expect(
      (await api.get("model-versions/search", { filter: "name = 'flower'", max_results: 10 })).model_versions,
    ).toBeUndefined();
  });

  it.each(["", " ", "a/b", "a:b", "..", ".", "x".repeat(256)])("refuse the name %j", async (name) => {
    expect((await refused("POST", "registered-models/create", { name })).slice(0, 2)).toEqual([
      400,
      "INVALID_PARAMETER_VALUE",
    ]);
  });

  it("are searched by name and tag; prompts only when asked for", async () => {
    await api.post("registered-models/create", {
      name: "prompt",
      tags: [{ key: "mlflow.prompt.is_prompt", value: "true" }],
    });
    const search = async (query: Record<string, string | number>) =>
      ((await api.get("registered-models/search", { max_results: 10, ...query })).registered_models ?? []).map(
        (each: { name: string }) => each.name,
      );

    expect(await search({})).toEqual(["iris"]);
    expect(await search({ filter: "name ILIKE 'IR%' AND tags.a = 'b'" })).toEqual(["iris"]);
    expect(await search({ filter: "name IN ('x')" })).toEqual([]);
    expect(await search({ filter: "tags.`mlflow.prompt.is_prompt` = 'true'" })).toEqual(["prompt"]);
    expect((await refused("GET", "registered-models/search", { max_results: "1001" }))[0]).toBe(400);
  });

  it("have tags; deleting one that is not there is fine", async () => {
    await api.post("registered-models/set-tag", { name: "iris", key: "q", value: "1" });
    await api.ask("DELETE", "registered-models/delete-tag", { body: { name: "iris", key: "a" } });
    const { status } = await api.ask("DELETE", "registered-models/delete-tag", { body: { name: "iris", key: "zz" } });

    expect(status).toBe(200);
    expect((await api.get("registered-models/get", { name: "iris" })).registered_model.tags).toEqual([
      { key: "q", value: "1" },
    ]);
  });
});

describe("versions", () => {
  it("are numbered without gaps when many are made at once", async () => {
    const made = await Promise.all(Array.from({ length: 30 }, () => version()));

    expect(made.map((each) => Number(each.version)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  });

  it("never use a number again, and take their aliases along", async () => {
    await version();
    await version();
    await api.post("registered-models/alias", { name: "iris", alias: "champ", version: "2" });
    await api.ask("DELETE", "model-versions/delete", { body: { name: "iris", version: "2" } });

    expect(await refused("GET", "registered-models/alias", { name: "iris", alias: "champ" })).toEqual([
      400,
      "INVALID_PARAMETER_VALUE",
      "Registered model alias champ not found.",
    ]);
    expect((await version()).version).toBe("3");
    expect(await refused("GET", "model-versions/get", { name: "iris", version: "2" })).toEqual([
      404,
      "RESOURCE_DOES_NOT_EXIST",
      "Model Version (name=iris, version=2) not found",
    ]);
    expect(await refused("GET", "model-versions/get", { name: "iris", version: "x" })).toEqual([
      400,
      "INVALID_PARAMETER_VALUE",
      "Parameter 'version' must be an integer, got 'x'.",
    ]);
  });

  it("move between stages, archiving others when asked", async () => {
    await version();
    await version();
    await api.post("model-versions/transition-stage", { name: "iris", version: "1", stage: "production" });
    await api.post("model-versions/transition-stage", {
      name: "iris",
      version: "2",
      stage: "Production",
      archive_existing_versions: true,
    });
    const latest = await api.post("registered-models/get-latest-versions", {
      name: "iris",
      stages: ["PRODUCTION", "archived"],
    });

    expect(
      latest.model_versions
        .map((each: { version: string; current_stage: string }) => [each.version, each.current_stage])
        .sort(),
    ).toEqual([
      ["1", "Archived"],
      ["2", "Production"],
    ]);
    expect(
      await refused("POST", "model-versions/transition-stage", { name: "iris", version: "1", stage: "zzz" }),
    ).toEqual([
      400,
      "INVALID_PARAMETER_VALUE",
      "Invalid Model Version stage: zzz. Value must be one of None, Staging, Production, Archived.",
    ]);
  });

  it("are searched by name, run, number, source and tag", async () => {
    const run = await api.run(await api.experiment());
    await version("s3://b/one", { tags: [{ key: "t", value: "1" }] });
    await version(`runs:/${run}/model`, { run_id: run });
    const search = async (filter: string, order = "version_number") =>
      ((await api.get("model-versions/search", { filter, max_results: 10, order_by: [order] })).model_versions ?? [])
        .map((each: { version: string }) => each.version)
        .join(" ");

    expect(await search("name = 'iris'")).toBe("1 2");
    expect(await search("name = 'iris'", "version_number DESC")).toBe("2 1");
    expect(await search(`run_id = '${run}'`)).toBe("2");
    expect(await search("version_number > 1")).toBe("2");
    expect(await search("source_path LIKE 's3%'")).toBe("1");
    expect(await search("tags.t = '1'")).toBe("1");
    expect(await search("name = 'nope'")).toBe("");
    await api.ask("DELETE", "model-versions/delete", { body: { name: "iris", version: "1" } });
    expect(await search("name LIKE '%'")).toBe("2");
  });

  it("in use by a deployment can't be deleted, nor their model, until they are let go", async () => {
    await version();
    const use = { workspace: "default", name: "iris", version: "1", user: "endpoint/blue" };
    await api.ground.table.transact(await modelUseWrites(api.ground.table, use));
    const one = await refused("DELETE", "model-versions/delete", { name: "iris", version: "1" });
    const all = await refused("DELETE", "registered-models/delete", { name: "iris" });
    await api.ground.table.transact(await modelReleaseWrites(api.ground.table, use));
    const { status } = await api.ask("DELETE", "model-versions/delete", { body: { name: "iris", version: "1" } });

    expect(one.slice(0, 2)).toEqual([409, "RESOURCE_CONFLICT"]);
    expect(one[2]).toContain("`endpoint/blue`");
    expect(all[0]).toBe(409);
    expect(status).toBe(200);
  });
});

describe("aliases", () => {
  it.each(["latest", "LaTest", "v1", "V22", "a b", "", "a".repeat(256), "a/b"])("refuse %j", async (alias) => {
    await version();

    expect(
      (await refused("POST", "registered-models/alias", { name: "iris", alias, version: "1" })).slice(0, 2),
    ).toEqual([400, "INVALID_PARAMETER_VALUE"]);
  });

  it("move, and point at versions that are there only", async () => {
    await version();
    await version();
    await api.post("registered-models/alias", { name: "iris", alias: "champ", version: "1" });
    await api.post("registered-models/alias", { name: "iris", alias: "champ", version: "2" });

    expect((await api.get("registered-models/alias", { name: "iris", alias: "champ" })).model_version.version).toBe(
      "2",
    );
    expect((await refused("POST", "registered-models/alias", { name: "iris", alias: "x", version: "99" }))[0]).toBe(
      404,
    );
    expect((await api.get("registered-models/get", { name: "iris" })).registered_model.aliases).toEqual([
      { alias: "champ", version: "2" },
    ]);
  });
});

// CVE-2023-1177, 2023-2356, 2023-2780, 2023-6909, 2024-1558, 2024-1593, 2024-3848, 2025-11201, 2026-2614: a source is an id, never a file the server opens.
describe("sources", () => {
  it.each([
    "/etc/passwd",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "//etc/passwd",
    "../../etc/passwd",
    "C:\\windows\\x",
    "\\\\host\\share",
    "runs:/RUN/../../x",
    "runs:/RUN/%2e%2e/x",
    "runs:/other/model",
    "runs://host/RUN/model",
    "models:/m-00000000000000000000000000000000",
    "models:/m-00000000000000000000000000000000/../x",
    "mlflow-artifacts:/EXP/other/artifacts/model",
    "mlflow-artifacts:/EXP/RUN/artifacts/../../other/artifacts",
    "mlflow-artifacts:/EXP/RUN/artifacts%2f..%2f..%2fother",
    "mlflow-artifacts:/EXP/RUN/artifacts%252f..%252f..%252fother",
    "mlflow-artifacts:/EXP/RUN/artifactsX/model",
    "mlflow-artifacts:/EXP/RUN/artifacts/.",
    "mlflow-artifacts://host/EXP/RUN/artifacts/model",
    "mlflow-artifacts:/EXP/RUN/artifacts/model#../../x",
    "mlflow-artifacts:/EXP/RUN/artifacts/model?x=../../y",
    "http://host/api/2.0/mlflow-artifacts/artifacts/../../x",
    "http://host/a/%252e%252e/%252e%252e/b",
    "http://host/a#/../../etc",
    "http://host/a?/../../etc",
    "s3://bucket/../x",
    "s3://bucket/a\u0000b",
    "ftp://host/..%2f..%2fx",
  ])("refuse %s", async (source) => {
    const experiment = await api.experiment();
    const run = await api.run(experiment);
    const told = source.replaceAll("RUN", run).replaceAll("EXP", experiment);

    expect(
      (await refused("POST", "model-versions/create", { name: "iris", source: told, run_id: run })).slice(0, 2),
    ).toEqual([400, "INVALID_PARAMETER_VALUE"]);
    expect((await api.get("registered-models/get", { name: "iris" })).registered_model.latest_versions).toBeUndefined();
  });

  it("resolve a copy of a model whose name begins as the ids of logged models do", async () => {
    await api.post("registered-models/create", { name: "m-iris" });
    await api.post("model-versions/create", { name: "m-iris", source: "s3://bucket/iris" });
    await api.post("model-versions/create", { name: "m-iris", source: "models:/m-iris/1" });

    expect(await api.get("model-versions/get-download-uri", { name: "m-iris", version: "2" })).toEqual({
      artifact_uri: "s3://bucket/iris",
    });
  });

  it("resolve to what clients read, copies to what they copy", async () => {
    const experiment = await api.experiment();
    const run = await api.run(experiment);
    const { model } = await api.post("logged-models", { experiment_id: experiment, name: "lm", source_run_id: run });
    const id = model.info.model_id;
    const fromRun = await version(`runs:/${run}/model`, { run_id: run });
    const fromModel = await version(`models:/${id}`, { model_id: id });
    const copy = await version("models:/iris/2");
    const fromFiles = await version(`mlflow-artifacts:/${experiment}/models/${id}/artifacts`, { model_id: id });
    const uri = async (number: string) =>
      (await api.get("model-versions/get-download-uri", { name: "iris", version: number })).artifact_uri;

    expect(fromModel).toMatchObject({ run_id: run, model_id: id });
    expect(fromFiles).toMatchObject({ run_id: run, model_id: id });
    expect(copy).toMatchObject({ source: "models:/iris/2", run_id: run, model_id: id });
    expect(await uri(fromRun.version)).toBe(`runs:/${run}/model`);
    expect(await uri(fromModel.version)).toBe(`mlflow-artifacts:/${experiment}/models/${id}/artifacts`);
    expect(await uri(copy.version)).toBe(await uri(fromModel.version));
    expect(
      (await refused("POST", "model-versions/create", { name: "iris", source: "models:/iris/2", run_id: "other" }))[0],
    ).toBe(400);
    const gone = { source: "models:/m-0", model_id: "m-0" };
    expect((await refused("POST", "model-versions/create", { name: "iris", ...gone }))[0]).toBe(404);
    expect((await refused("POST", "model-versions/create", { name: " ", ...gone }))[0]).toBe(400);
  });
});
