import { describe, expect, it } from "vitest";
import { ComponentSpec, DataSpec, EnvironmentAssetSpec, ModelSpec } from "../../../src/contract/assets.ts";
import { ComputeSpec } from "../../../src/contract/computes.ts";
import { DatastoreSpec } from "../../../src/contract/datastores.ts";
import { OnlineDeploymentSpec, OnlineEndpointSpec } from "../../../src/contract/endpoints.ts";
import { AppError } from "../../../src/contract/errors.ts";
import { CommandJobSpec } from "../../../src/contract/jobs.ts";
import { loadJob, loadSpec, withUploads } from "../../../src/spec/load.ts";
import { memoryReader } from "../../../src/spec/paths.ts";

const JOB = `command: python main.py \${{inputs.data}} \${{inputs.rate}} \${{inputs.flag}}
code: ./src
environment:
  image: python:3.12
  conda_file: ../conda.yml
environment_variables: {N: 1, FLAG: true, EMPTY: }
inputs:
  data: {type: uri_file, path: ../data/x.csv, mode: download}
  rate: 1e-3
  flag: false
  exact: 0.10
outputs:
  model:
  report: {type: uri_file, path: "azureml://datastores/d/paths/\${{name}}/r.txt"}
resources: {instance_count: 2}
limits: {timeout: 60}
queue_settings: {job_tier: null}
tags: {year: 2024}
name: my-run
`;
const FILES = {
  "jobs/job.yml": JOB,
  "jobs/src/main.py": "",
  "data/x.csv": "a,b",
  "conda.yml": "dependencies: [python=3.12, {pip: [numpy==2.1]}]\n",
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing";
}

describe("loadJob", () => {
  it("answers the contract's spec, with literals as written", () => {
    const loaded = loadJob(memoryReader(FILES), "jobs/job.yml");

    expect(CommandJobSpec.parse(loaded.spec)).toEqual(loaded.spec);
    expect(loaded.name).toBe("my-run");
    expect(loaded.spec).toMatchObject({
      type: "command",
      environment: { image: "python:3.12", conda_file: { dependencies: ["python=3.12", { pip: ["numpy==2.1"] }] } },
      environment_variables: { N: "1", FLAG: "True", EMPTY: "" },
      inputs: {
        data: { type: "uri_file", path: "data/x.csv", mode: "download" },
        rate: { type: "string", value: "1e-3" },
        flag: { type: "boolean", value: "False" },
        exact: { type: "number", value: "0.10" },
      },
      outputs: { model: {}, report: { type: "uri_file" } },
      tags: { year: "2024" },
    });
  });

  it("lists what has to be stored, and takes the addresses back", () => {
    const loaded = loadJob(memoryReader(FILES), "jobs/job.yml");

    expect(loaded.uploads.map(({ field, use, path, form }) => [field, use, path, form])).toEqual([
      ["code", "code", "jobs/src", "dir"],
      ["inputs.data.path", "data", "data/x.csv", "file"],
    ]);
    const sent = withUploads(loaded.spec, loaded.uploads, ["azureml://trees/1", "azureml://trees/2/x.csv"]);
    expect(sent).toMatchObject({ code: "azureml://trees/1", inputs: { data: { path: "azureml://trees/2/x.csv" } } });
    expect(loaded.spec).toMatchObject({ code: "jobs/src" });
  });

  it("applies --set before it checks", () => {
    const loaded = loadJob(memoryReader(FILES), "jobs/job.yml", {
      set: ["inputs.rate=0.5", "limits.timeout=90"],
      overrides: { name: "other" },
    });

    expect(loaded.name).toBe("other");
    expect(loaded.spec).toMatchObject({ inputs: { rate: { type: "number", value: "0.5" } }, limits: { timeout: 90 } });
  });

  it("holds a value set against what its input declares", () => {
    const text =
      "command: ls ${{inputs.rate}}\nenvironment: azureml:e:1\ninputs:\n  rate: {type: number, value: 0.1, max: 1}\n  kind: {type: string, default: a, enum: [a, b]}\n";
    const set = (...sets: string[]) => loadJob(memoryReader({ "x.yml": text }), "x.yml", { set: sets });

    expect(set("inputs.rate=0.5", "inputs.kind=b").spec.inputs).toMatchObject({
      rate: { type: "number", value: "0.5" },
      kind: { type: "string", value: "b" },
    });
    expect(codeOf(() => set("inputs.rate=3"))).toContain("input `rate` is `3`, above the maximum `1`");
    expect(codeOf(() => set("inputs.kind=c"))).toContain("input `kind` must be one of `a`, `b`, not `c`");
    expect(set("inputs.rat=3").warnings).toMatchObject([{ field: "inputs.rat", hint: "did you mean `rate`?" }]);
    expect(set("inputs.other=3").warnings).toEqual([]);
  });

  it("says which --set is wrong", () => {
    expect(codeOf(() => loadJob(memoryReader(FILES), "jobs/job.yml", { set: ["limits.timeout=soon"] }))).toContain(
      "InvalidSpec: --set limits.timeout=soon:1:1: `timeout` must be a whole number",
    );
  });

  it("reads an environment file beside its own files", () => {
    const files = {
      ...FILES,
      "envs/env.yml": "name: e\nversion: 1\nimage: python:3.12\nconda_file: ./c.yml\n",
      "envs/c.yml": "dependencies: [numpy]\n",
    };
    const reader = memoryReader({ ...files, "job.yml": "command: ls\nenvironment: file:./envs/env.yml\n" });

    expect(loadJob(reader, "job.yml").spec).toMatchObject({
      environment: { image: "python:3.12", conda_file: { dependencies: ["numpy"] } },
    });
  });

  it("carries every error, and refuses what cannot run", () => {
    const reader = memoryReader({
      "a.yml": "comand: ls\n",
      "b.yml": "type: spark\nentry: {file: x.py}\n",
      "c.yml": "command: ls\nenvironment: {image: a}\ncode: <YOUR-CODE>\n",
    });

    expect(codeOf(() => loadJob(reader, "a.yml"))).toContain("InvalidSpec: a.yml:1:1: unknown field `comand`");
    expect(codeOf(() => loadJob(reader, "b.yml"))).toContain("NotSupported: `b.yml` is a spark job");
    expect(codeOf(() => loadJob(reader, "c.yml"))).toContain("`<YOUR-CODE>` holds a placeholder");
  });
});

describe("loadSpec", () => {
  const files = {
    "src/score.py": "",
    "model/m.pkl": "",
    "c.yml": "dependencies: [numpy]\n",
  };
  const load = (kind: string, text: string, more: Record<string, string> = {}) =>
    loadSpec(memoryReader({ ...files, ...more, "x.yml": text }), "x.yml", kind);

  it.each([
    ["environment", EnvironmentAssetSpec, "name: e\nversion: 2\nimage: a\nconda_file: c.yml\nos_type: linux\n", {}],
    ["data", DataSpec, "name: d\ntype: uri_folder\npath: ./model\n", { path: "model" }],
    ["model", ModelSpec, "name: m\npath: runs:/r/m\ntype: mlflow_model\n", { path: "runs:/r/m" }],
    [
      "datastore",
      DatastoreSpec,
      "name: d\ntype: s3\nbucket: bbb\ncredentials: {access_key_id: a, secret_access_key: b}\n",
      { bucket: "bbb" },
    ],
    [
      "datastore",
      DatastoreSpec,
      "name: d\ntype: azure_blob\naccount_name: a\ncontainer_name: c\ncredentials: {sas_token: s}\n",
      { settings: { account_name: "a", container_name: "c" } },
    ],
    [
      "datastore",
      DatastoreSpec,
      "name: d\ntype: sftp\nhost: h\npath: /p\nusername: u\nhost_key: SHA256:x\ncredentials: {password: p}\n",
      { host: "h" },
    ],
    [
      "compute",
      ComputeSpec,
      "name: c\ntype: amlcompute\nsize: STANDARD_DS3_V2\nmin_instances: 0\nmax_instances: 4\nidle_time_before_scale_down: 120\n",
      { type: "cluster", max_instances: 4 },
    ],
    [
      "compute",
      ComputeSpec,
      "name: c\ntype: attached\nhost: h\nusername: u\nhost_key: SHA256:x\n",
      { type: "attached" },
    ],
    [
      "online-endpoint",
      OnlineEndpointSpec,
      "name: e-1\nauth_mode: key\ntraffic: {blue: 100}\n",
      { traffic: { blue: 100 } },
    ],
    [
      "online-deployment",
      OnlineDeploymentSpec,
      "name: blue\nendpoint_name: e-1\nmodel: {path: ./model}\ncode_configuration: {code: src, scoring_script: score.py}\nenvironment: {image: a, conda_file: c.yml}\ninstance_type: x\nrequest_settings: {request_timeout_ms: 3000}\n",
      { model: { path: "model" }, environment: { conda_file: { dependencies: ["numpy"] } } },
    ],
    [
      "component",
      ComponentSpec,
      "name: c\ncommand: ls\nenvironment: azureml:e:1\ncode: src\n",
      { type: "command", spec: { code: "src" } },
    ],
  ])("%s answers the contract's body", (kind, schema, text, expected) => {
    const loaded = load(kind, text);

    expect(schema.parse(loaded.spec)).toEqual(loaded.spec);
    expect(loaded.spec).toMatchObject(expected);
  });

  it("keeps name, version and endpoint beside the body", () => {
    expect(load("environment", "name: e\nversion: 01\nimage: a\n")).toMatchObject({ name: "e", version: "01" });
    expect(load("online-deployment", "name: b\nendpoint_name: e-1\ninstance_type: x\n")).toMatchObject({
      name: "b",
      endpoint: "e-1",
    });
  });

  it("puts component files into a pipeline component, each with its uploads", () => {
    const loaded = load("component", "name: p\ntype: pipeline\njobs:\n  one: {component: parts/c.yml}\n", {
      "parts/c.yml": "name: c\ncommand: ls\nenvironment: {image: a}\ncode: ./code\nadditional_includes: [../shared]\n",
      "parts/code/x.py": "",
      "shared/y.py": "",
    });

    expect(loaded.uploads).toMatchObject([
      { field: "jobs.one.component.code", path: "parts/code", includes: ["shared"] },
    ]);
    expect(loaded.spec).toMatchObject({
      type: "pipeline",
      spec: { jobs: { one: { component: { type: "command", command: "ls" } } } },
    });
    expect(withUploads(loaded.spec, loaded.uploads, ["azureml://trees/a"])).toMatchObject({
      spec: { jobs: { one: { component: { code: "azureml://trees/a" } } } },
    });
  });

  it.each([
    ["component", "name: c\ncommand: ls\nenvironment: {image: a}\ncode: src\n"],
    ["data", "name: d\ntype: uri_folder\npath: src\n"],
    ["environment", "name: e\nbuild: {path: src}\n"],
    [
      "online-deployment",
      "name: b\nendpoint_name: e-1\ncode_configuration: {code: src, scoring_script: score.py}\ninstance_type: x\n",
    ],
  ])("%s: has the address of what was stored where the body wants it", (kind, text) => {
    const { spec, uploads } = load(kind, text);
    const schemas: Record<string, { parse(value: unknown): unknown }> = {
      component: ComponentSpec,
      data: DataSpec,
      environment: EnvironmentAssetSpec,
      "online-deployment": OnlineDeploymentSpec,
    };
    const body = withUploads(spec, uploads, ["azureml://trees/a"]);

    expect(schemas[kind]?.parse(body)).toEqual(body);
    expect(JSON.stringify(body)).toContain('"azureml://trees/a"');
    expect(JSON.stringify(body)).not.toContain('"src"');
  });

  it("refuses data that is not there, and kinds Azure alone has", () => {
    expect(codeOf(() => load("data", "name: d\npath: ./nope\n"))).toContain(
      "InvalidSpec: x.yml:2:7: file or directory not found: `nope`",
    );
    expect(codeOf(() => load("model", "name: m\n"))).toContain("InvalidSpec: x.yml:1:1: missing required field `path`");
    expect(codeOf(() => load("registry", "name: r\nlocation: eastus\n"))).toContain(
      "NotSupported: `x.yml` is a registry",
    );
  });
});
