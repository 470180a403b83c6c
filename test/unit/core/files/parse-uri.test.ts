import { describe, expect, it } from "vitest";
import { parseUri } from "../../../../src/core/files/parse-uri.ts";

const SHA = "0".repeat(64);
const MODEL = `m-${"1".repeat(32)}`;
const both = ["data", "model"];
const long = "azureml://subscriptions/0-1/resourcegroups/g/workspaces/w";

describe("parseUri", () => {
  it.each<[string, object]>([
    ["azureml:n:1", { kind: "asset", assets: both, name: "n", ref: { version: "1" }, path: "" }],
    ["azureml:my.name@prod", { kind: "asset", assets: both, name: "my.name", ref: { label: "prod" }, path: "" }],
    ["azureml:n:1.0-rc_2", { kind: "asset", assets: both, name: "n", ref: { version: "1.0-rc_2" }, path: "" }],
    [
      "azureml://data/n/versions/3/paths/a/b",
      { kind: "asset", assets: ["data"], name: "n", ref: { version: "3" }, path: "a/b" },
    ],
    [
      "azureml://models/n/labels/latest",
      { kind: "asset", assets: ["model"], name: "n", ref: { label: "latest" }, path: "" },
    ],
    [`${long}/data/n/versions/3`, { kind: "asset", assets: ["data"], name: "n", ref: { version: "3" }, path: "" }],
    [
      "azureml://locations/west/workspaces/w/models/n/versions/3",
      { kind: "asset", assets: ["model"], name: "n", ref: { version: "3" }, path: "" },
    ],
    [`azureml://trees/${SHA}`, { kind: "tree", id: SHA, path: "" }],
    [`azureml://trees/${SHA}/a/b c`, { kind: "tree", id: SHA, path: "a/b c" }],
    ["azureml://datastores/d/paths/a/b/", { kind: "datastore", datastore: "d", path: "a/b/" }],
    ["azureml://datastores/d", { kind: "datastore", datastore: "d", path: "" }],
    [`${long}/datastores/d/paths/p`, { kind: "datastore", datastore: "d", path: "p" }],
    ["azureml://jobs/j/outputs/o/paths/p/q", { kind: "output", job: "j", output: "o", path: "p/q" }],
    ["azureml://jobs/j/outputs/o", { kind: "output", job: "j", output: "o", path: "" }],
    ["runs:/r/model", { kind: "run", run: "r", path: "model" }],
    ["runs:/r", { kind: "run", run: "r", path: "" }],
    [`models:/${MODEL}/MLmodel`, { kind: "loggedModel", model: MODEL, path: "MLmodel" }],
    [
      "models:/my model/2/MLmodel",
      { kind: "asset", assets: ["model"], name: "my model", ref: { version: "2" }, path: "MLmodel" },
    ],
    ["models:/n@champion", { kind: "asset", assets: ["model"], name: "n", ref: { label: "champion" }, path: "" }],
    ["models:/n/Production", { kind: "asset", assets: ["model"], name: "n", ref: { label: "Production" }, path: "" }],
    ["mlflow-artifacts:/1/r/artifacts/x", { kind: "artifact", path: "1/r/artifacts/x" }],
    ["mlflow-artifacts://host:80/1/r/artifacts/x", { kind: "artifact", path: "1/r/artifacts/x" }],
    ["HTTPS://host/x?y#z", { kind: "address", uri: "HTTPS://host/x?y#z" }],
    ["wasbs://c@a.blob.core.windows.net/p", { kind: "address", uri: "wasbs://c@a.blob.core.windows.net/p" }],
    ["file:///x", { kind: "address", uri: "file:///x" }],
  ])("takes %s apart", (uri, parsed) => {
    expect(parseUri(uri)).toEqual(parsed);
  });

  it("means the kind that is preferred by a bare reference", () => {
    expect(parseUri("azureml:n:1", "model")).toMatchObject({ assets: ["model"] });
  });

  it.each([
    ["azureml:n", "InvalidArgument"],
    ["azureml://registries/azureml/models/n/versions/1", "NotFound"],
    ["azureml://jobs/j", "InvalidArgument"],
    ["azureml://jobs/j/outputs/o/other/p", "InvalidArgument"],
    ["azureml://trees/abc", "InvalidArgument"],
    ["azureml://datastores/d/p", "InvalidArgument"],
    ["azureml://subscriptions/0-1", "InvalidArgument"],
    ["./folder", "InvalidArgument"],
    ["C:\\folder", "InvalidArgument"],
    ["git+https://host/repo", "InvalidArgument"],
    ["models:/n", "InvalidArgument"],
    ["mlflow-artifacts:", "InvalidArgument"],
    ["", "InvalidArgument"],
  ])("refuses %j with %s", (uri, code) => {
    expect(() => parseUri(uri)).toThrow(expect.objectContaining({ code }));
  });
});
