import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { models } from "../../../src/contract/routes/assets.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";
import { deploy, keysOf, putEndpoint, score, setTraffic, uploadFiles, WORKSPACE } from "../../helpers/serving.ts";

/** Trains with what the environment has, so that the models load in it: a pickle for a script, and the same as an MLflow model. */
const TRAIN = `
import sys, joblib, mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True, as_frame=True)
X.columns = ["sl", "sw", "pl", "pw"]
model = LogisticRegression(max_iter=500).fit(X, y)
mlflow.sklearn.save_model(model, sys.argv[1] + "/flow/clf", signature=infer_signature(X, model.predict(X)))
joblib.dump(LogisticRegression(max_iter=500).fit(X.values, y), sys.argv[1] + "/flow.pkl")
`;

const SCORE = `
import json, os, joblib, numpy
def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "iris/model.pkl"))
def run(raw_data):
    return model.predict(numpy.array(json.loads(raw_data)["data"])).tolist()
`;

const SKLEARN = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest";
const FLOWERS = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.0, 5.2, 2.3],
];

function filesUnder(folder: string, prefix: string): Record<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [`${prefix}/${relative(folder, path)}`, readFileSync(path)];
    }),
  );
}

describe("real models in a curated environment", () => {
  let server: TestServer;
  let key = "";
  beforeAll(async () => {
    server = await startServer();
    await putEndpoint(server, "iris");
    key = (await keysOf(server, "iris")).primaryKey;
  });
  afterAll(() => server.dispose());

  const ask = (deployment: string, body: unknown) =>
    score(server, "iris", {
      key,
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "azureml-model-deployment": deployment },
    });

  it("serves a scikit-learn script under Azure's own server, and then the same model with no code", {
    timeout: 600_000,
  }, async () => {
    // The first deployment only makes the environment: it has no model yet, and says so.
    const code = { code: await uploadFiles(server, { "score.py": SCORE }), scoring_script: "score.py" };
    const early = await deploy(server, "iris", "script", { code_configuration: code, environment: SKLEARN });
    const python = join(server.dir, "envs", environmentOf(server), "bin", "python");
    const made = join(server.dir, "made");
    execFileSync(python, ["-c", `import os, sys; os.makedirs(sys.argv[1] + "/flow"); exec(sys.argv[2])`, made, TRAIN], {
      stdio: "ignore",
    });
    const tree = await uploadFiles(server, {
      "iris/model.pkl": readFileSync(join(made, "flow.pkl")),
      ...filesUnder(join(made, "flow", "clf"), "clf"),
    });
    const params = { workspace: WORKSPACE, name: "flow" };
    await server.client.call(models.create, { params, body: { path: `${tree}/clf`, type: "mlflow_model" } });

    const script = await deploy(server, "iris", "script", {
      code_configuration: code,
      environment: SKLEARN,
      model: { path: `${tree}/iris` },
    });
    const flow = await deploy(server, "iris", "flow", { model: "azureml:flow@latest", environment: SKLEARN });
    await setTraffic(server, "iris", { script: 100, flow: 0 });

    expect(early.reason).toContain("init() of the scoring script failed");
    expect(script.reason).toBeUndefined();
    expect(flow).toMatchObject({ provisioning_state: "Succeeded", model: "azureml:flow:1" });
    const answer = await ask("script", { data: FLOWERS });
    expect(answer).toMatchObject({ status: 200, text: "[0, 2]" });
    expect(answer.headers["x-ms-server-version"]).toMatch(/^azmlinfsrv\//);
    await expect(server.client.call(models.delete, { params: { ...params, version: "1" } })).rejects.toMatchObject({
      code: "InUse",
    });
  });

  const columns = ["sl", "sw", "pl", "pw"];
  const record = Object.fromEntries(columns.map((name, i) => [name, FLOWERS[0]?.[i]]));

  it.each([
    ["split", { input_data: { columns, index: [0, 1], data: FLOWERS } }, [0, 2]],
    ["records", { input_data: [record] }, [0]],
    ["rows in the signature's order", { input_data: FLOWERS }, [0, 2]],
    ["columns", { input_data: Object.fromEntries(columns.map((name, i) => [name, [FLOWERS[1]?.[i]]])) }, [2]],
    [
      "columns in another order",
      { input_data: { columns: [...columns].reverse(), data: [[...(FLOWERS[1] ?? [])].reverse()] } },
      [2],
    ],
    ["MLflow's dataframe_split", { dataframe_split: { columns, data: FLOWERS } }, [0, 2]],
    ["MLflow's dataframe_records", { dataframe_records: [record] }, [0]],
    ["MLflow's instances", { instances: FLOWERS }, [0, 2]],
    ["MLflow's inputs", { inputs: FLOWERS }, [0, 2]],
  ])("takes %s", async (_, body, predicted) => {
    const answer = await ask("flow", body);

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual(predicted);
  });

  it.each([
    [
      "a field that is missing",
      { input_data: { columns: columns.slice(0, 3), data: [[1, 2, 3]] } },
      "field `pw` is missing",
    ],
    [
      "text for a number",
      { input_data: [{ ...record, pl: "long" }] },
      "field `pl`, row 0: text `long`; the model wants double",
    ],
    ["a row that is too short", { input_data: { columns, data: [[1, 2]] } }, "`input_data.data[0]` has 2 values"],
    ["no known key", { rows: [] }, "exactly one of: input_data"],
    ["no rows", { input_data: [] }, "no rows"],
    ["what is no JSON", "{", "not JSON"],
    ["nothing", "", "empty"],
  ])("refuses %s with 400 and the place", async (_, body, words) => {
    const answer = await ask("flow", body);

    expect(answer.status).toBe(400);
    expect((JSON.parse(answer.text) as { message: string }).message).toContain(words);
  });
});

/** The one environment that was built. */
function environmentOf(server: TestServer): string {
  const [hash] = readdirSync(join(server.dir, "envs"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[0-9a-f]{64}$/.test(entry.name))
    .map((entry) => entry.name);
  if (hash === undefined) throw new Error("no environment was built");
  return hash;
}
