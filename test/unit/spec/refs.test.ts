import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/spec/diagnostics.ts";
import { hasPlaceholder, mentionsOf, parseRef, parseUri } from "../../../src/spec/refs.ts";
import { parseYaml } from "../../../src/spec/yaml-load.ts";

const TREE = "0123456789abcdef".repeat(4);

describe("parseRef", () => {
  it.each([
    ["azureml:iris:3", { form: "asset", name: "iris", version: "3" }],
    ["azureml:iris:01", { form: "asset", name: "iris", version: "01" }],
    ["azureml:iris@latest", { form: "asset", name: "iris", label: "latest" }],
    ["azureml:cpu-cluster", { form: "asset", name: "cpu-cluster" }],
    [
      "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
      { form: "registry", registry: "azureml", kind: "environments", name: "sklearn-1.5", label: "latest" },
    ],
    [
      "azureml://registries/r/models/m/versions/2",
      { form: "registry", registry: "r", kind: "models", name: "m", version: "2" },
    ],
    ["azureml://datastores/d/paths/a/b.csv", { form: "datastore", datastore: "d", path: "a/b.csv" }],
    ["azureml://datastores/d", { form: "datastore", datastore: "d", path: "" }],
    [
      "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/a",
      { form: "datastore", datastore: "d", path: "a", workspace: "w" },
    ],
    ["azureml://jobs/j/outputs/o/paths/p/q", { form: "job_output", job: "j", output: "o", path: "p/q" }],
    [`azureml://trees/${TREE}/x/y`, { form: "tree", sha256: TREE, path: "x/y" }],
    ["runs:/abc/model", { form: "run_artifact", run: "abc", path: "model" }],
    ["models:/m/3", { form: "model_uri", name: "m", version: "3" }],
    ["models:/m@champion", { form: "model_uri", name: "m", label: "champion" }],
    ["https://example.com/x.csv", { form: "url", scheme: "https", url: "https://example.com/x.csv" }],
    [
      "wasbs://c@a.blob.core.windows.net/x",
      { form: "url", scheme: "wasbs", url: "wasbs://c@a.blob.core.windows.net/x" },
    ],
    ["git+https://example.com/r.git", { form: "git", url: "git+https://example.com/r.git" }],
    ["file:./env.yml", { form: "local", path: "./env.yml" }],
    ["../data", { form: "local", path: "../data" }],
    ["C:\\data\\x", { form: "local", path: "C:\\data\\x" }],
  ])("reads %s", (text, ref) => {
    expect(parseRef(text)).toEqual(ref);
  });

  it("reads an ARM id", () => {
    const id =
      "azureml:/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/environments/e/versions/1";

    expect(parseRef(id)).toEqual({
      form: "workspace",
      kind: "environments",
      name: "e",
      version: "1",
      subscription: "s",
      group: "g",
      workspace: "w",
    });
  });

  it.each([
    ["azureml:a:1:2", "too many `:`"],
    ["azureml:", "names nothing"],
    ["azureml:a@", "lacks a name or a label"],
    ["azureml:a:1@b", "both a version and a label"],
    ["azureml://datastore/d/paths/x", "unknown part `datastore`"],
    ["azureml://datastores/d/path/x", "`path` where `paths` belongs"],
    ["azureml://registries/r/environments", "no full registry address"],
    ["azureml://jobs/j/output/o", "no full job output address"],
    ["runs:/", "names no run"],
    ["foo://bar", "unknown scheme `foo`"],
  ])("refuses %s", (text, reason) => {
    const ref = parseRef(text);

    expect(ref.form).toBe("invalid");
    expect(ref.form === "invalid" && ref.reason).toContain(reason);
  });
});

describe("parseUri", () => {
  it("takes addresses only", () => {
    expect(parseUri("azureml://datastores/d/paths/x")?.form).toBe("datastore");
    expect(parseUri("./local")).toBeUndefined();
    expect(parseUri("azureml:name:1")).toBeUndefined();
  });
});

describe("mentionsOf", () => {
  it("lists what the text says, without comment lines and the schema", () => {
    const text = [
      "$schema: https://example.com/schema.json",
      "# azureml:commented:1",
      "compute: azureml:cpu-cluster",
      "path: azureml://datastores/d/paths/${{name}}/x",
      "in: {path: https://example.com/y.csv}",
      "command: curl https://example.com/data.zip; echo azureml:cpu-cluster",
      "type: uri_file # see https://example.com/types",
    ].join("\n");

    const root = parseYaml("f.yml", text, new Findings());

    expect(root && mentionsOf(root)).toEqual({
      refs: ["azureml:cpu-cluster"],
      uris: [
        "azureml://datastores/d/paths/${{name}}/x",
        "https://example.com/y.csv",
        "https://example.com/data.zip;",
        "https://example.com/types",
      ],
    });
  });
});

describe("hasPlaceholder", () => {
  it("knows both kinds and leaves expressions alone", () => {
    expect(hasPlaceholder("<YOUR-NAME>")).toBe(true);
    expect(hasPlaceholder("a/{{NAME}}")).toBe(true);
    expect(hasPlaceholder("${{inputs.x}}")).toBe(false);
    expect(hasPlaceholder("a < b")).toBe(false);
  });
});
