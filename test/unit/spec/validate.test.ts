import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryReader } from "../../../src/spec/paths.ts";
import { validateFile } from "../../../src/spec/validate.ts";
import { COMMAND_JOB, ENVIRONMENT, errorsOf, validate } from "./support.ts";

describe("one cause, at its place", () => {
  it.each([
    ["a missing field", `description: none\n${ENVIRONMENT}`, "1:1 command: missing required field `command`"],
    [
      "a misspelt field",
      `${COMMAND_JOB}enviroment_variables:\n  A: b\n`,
      "4:1 enviroment_variables: unknown field `enviroment_variables` in a command job, did you mean `environment_variables`?",
    ],
    [
      "an undefined input",
      `command: python x.py --lr \${{inputs.learning_rate}}\n${ENVIRONMENT}inputs:\n  lr: 0.1\n`,
      "1:27 command: input `learning_rate` is not defined (defined: `lr`)",
    ],
    [
      "an undefined output",
      `command: touch \${{outputs.o}}\n${ENVIRONMENT}`,
      "1:16 command: output `o` is not defined (defined: none)",
    ],
    [
      "an open expression",
      `command: echo \${{inputs.x\n${ENVIRONMENT}inputs: {x: 1}\n`,
      "1:15 command: expression `${{inputs.x` is not closed with `}}`",
    ],
    ["a missing folder", `code: nope\n${COMMAND_JOB}`, "1:7 code: directory not found: `nope`"],
    ["a list for a text", `command: [ls, -l]\n${ENVIRONMENT}`, "1:10 command: `command` must be text, not a list"],
    ["a number for a text", `command: 5\n${ENVIRONMENT}`, "1:10 command: `command` must be text, not the number `5`"],
    [
      "a word for a number",
      `${COMMAND_JOB}resources:\n  instance_count: two\n`,
      "5:19 resources.instance_count: `instance_count` must be a whole number, not `two`",
    ],
    [
      "a number out of range",
      `${COMMAND_JOB}limits: {timeout: 0}\n`,
      "4:19 limits.timeout: `timeout` must be at least 1, not the number `0`",
    ],
    [
      "a bare environment",
      "command: ls\nenvironment: env@latest\n",
      "2:14 environment: `env@latest` is no reference to an environment",
    ],
    [
      "an environment without version",
      "command: ls\nenvironment: azureml:env\n",
      "2:14 environment: `azureml:env` has no version",
    ],
    [
      "an image and a build",
      "command: ls\nenvironment:\n  image: a\n  build: {path: .}\n",
      "4:10 environment.build: `image` and `build` exclude each other",
    ],
    [
      "a conda file that is not there",
      "command: ls\nenvironment:\n  image: a\n  conda_file: c.yml\n",
      "4:15 environment.conda_file: file not found: `c.yml`",
    ],
    [
      "an input type",
      `${COMMAND_JOB}inputs:\n  d: {type: uri_foder, path: .}\n`,
      "5:13 inputs.d.type: unknown input type `uri_foder`",
    ],
    [
      "an input without path",
      `${COMMAND_JOB}inputs:\n  d: {type: uri_file}\n`,
      "5:6 inputs.d.path: missing required field `path`",
    ],
    [
      "data that is not there",
      `${COMMAND_JOB}inputs:\n  d: {type: uri_file, path: x.csv}\n`,
      "5:29 inputs.d.path: file not found: `x.csv`",
    ],
    [
      "a literal of another type",
      `${COMMAND_JOB}inputs:\n  n: {type: integer, value: many}\n`,
      "5:29 inputs.n.value: input `n` must be a whole number, not `many`",
    ],
    ["an input name", `${COMMAND_JOB}inputs:\n  a-b: 1\n`, "5:3 inputs.a-b: input name `a-b` must match"],
    ["a job name", `${COMMAND_JOB}name: a/../b\n`, "4:7 name: `name` is `a/../b` but must match"],
    ["an emoji in a job name", `${COMMAND_JOB}name: run💥\n`, "4:7 name: `name` is `run💥` but must match"],
    [
      "a distribution",
      `${COMMAND_JOB}distribution: {type: pytorh}\n`,
      "4:22 distribution.type: a distribution has the unknown `type` `pytorh`",
    ],
    ["a job type", `type: comand\n${COMMAND_JOB}`, "1:7 type: unknown job type `comand`"],
  ])("%s", (_, text, expected) => {
    const report = validate(text, "job");

    expect(report.valid).toBe(false);
    expect(report.errors).toHaveLength(1);
    expect(errorsOf(report)[0]).toContain(expected);
  });

  it("hints at the nearest word", () => {
    const report = validate(`${COMMAND_JOB}distribution: {type: pytorh}\n`, "job");

    expect(report.errors[0]?.hint).toBe("did you mean `pytorch`?");
  });

  it("names every wrong field, from top to bottom", () => {
    const report = validate("comand: ls\nenvironment: {imag: x}\n", "job");

    expect(report.errors.map((error) => [error.line, error.field])).toEqual([
      [1, "comand"],
      [2, "environment.imag"],
    ]);
  });
});

describe("sweeps", () => {
  const sweep = (more: string) => `type: sweep
trial:
  command: echo \${{search_space.x}}
  environment: {image: a}
objective: {goal: minimize, primary_metric: loss}
limits: {max_total_trials: 4}
${more}`;

  it.each([
    [
      "sampling_algorithm: hyperband\nsearch_space: {x: {type: choice, values: [1]}}\n",
      "sampling_algorithm",
      "`random`, `grid`, `bayesian`",
    ],
    [
      "search_space: {y: {type: choice, values: [1]}}\n",
      "trial.command",
      "search space parameter `x` is not defined (defined: `y`)",
    ],
    [
      "search_space: {x: {type: uniform, min_value: 2, max_value: 1}}\n",
      "search_space.x.max_value",
      "below `min_value`",
    ],
    [
      "search_space: {x: {type: unifrom, min_value: 0, max_value: 1}}\n",
      "search_space.x.type",
      "unknown `type` `unifrom`",
    ],
    [
      "search_space: {x: {type: uniform, min_value: 0}}\n",
      "search_space.x.max_value",
      "missing required field `max_value`",
    ],
    [
      "sampling_algorithm: grid\nsearch_space: {x: {type: uniform, min_value: 0, max_value: 1}}\n",
      "search_space.x.type",
      "draws from `choice` only",
    ],
    ["search_space: {x: {type: choice, values: []}}\n", "search_space.x.values", "at least 1"],
  ])("refuses %s", (more, field, message) => {
    const report = validate(sweep(more), "job");

    expect(report.errors[0]).toMatchObject({ field });
    expect(report.errors[0]?.message).toContain(message);
  });

  it("accepts nested choices, and lists the parameters", () => {
    const report = validate(
      sweep(
        "search_space:\n  x:\n    type: choice\n    values: [1, {lr: {type: uniform, min_value: 0, max_value: 1}}]\n",
      ),
      "job",
    );

    expect(report).toMatchObject({ valid: true, kind: "job.sweep", search_space: ["x"] });
  });
});

describe("data that is not of its type's form", () => {
  const input = (fields: string) => `${COMMAND_JOB}inputs:\n  d: {${fields}}\n`;

  it.each([
    [
      "a folder as a file",
      "job",
      input("type: uri_file, path: ./folder"),
      "inputs.d.path",
      "is a directory, not a file",
    ],
    [
      "a file as a folder",
      "job",
      input("type: uri_folder, path: f.csv"),
      "inputs.d.path",
      "is a file, not a directory",
    ],
    ["a folder as a file", "data", "name: d\ntype: uri_file\npath: folder\n", "path", "is a folder; data of type"],
    ["a file as a folder", "data", "name: d\npath: f.csv\n", "path", "is a file; data of type"],
  ])("%s is refused in %s files", (_, kind, text, field, message) => {
    const report = validate(text, kind, { "folder/x": "", "f.csv": "" });

    expect(report.errors).toMatchObject([{ field, message: expect.stringContaining(message) }]);
  });

  it.each([
    ["job", input("path: f.csv")],
    ["job", input("type: uri_folder, path: ./folder")],
    ["job", input("type: mltable, path: folder")],
    ["data", "name: d\ntype: uri_file\npath: azureml://datastores/a/paths/b\n"],
  ])("what may be is taken in %s files: %j", (kind, text) => {
    expect(validate(text, kind, { "folder/x": "", "f.csv": "" }).errors).toEqual([]);
  });
});

describe("a misspelt field that tells the kind", () => {
  it.each([
    ["comand: ls\nenvironment: azureml:e:1\n", "job.command", "comand", "`command`"],
    ["name: e\nimgae: python\n", "environment", "imgae", "`image`"],
    ["Command: ls\nenvironment: azureml:e:1\n", "job.command", "Command", "`command`"],
  ])("%j is named with its nearest word", (text, kind, field, word) => {
    const report = validate(text);

    expect(report.kind).toBe(kind);
    expect(report.errors).toMatchObject([{ field, message: expect.stringContaining(word) }]);
  });
});

describe("components", () => {
  const component = (inputs: string, command = "ls") =>
    `name: c\ncommand: ${command}\n${ENVIRONMENT}inputs:\n${inputs}`;

  it.each([
    [
      "a hyphen in the name",
      "name: my-c\ncommand: ls\nenvironment: {image: a}\n",
      "name",
      "must match `^[a-z][a-z\\d_]*$`",
    ],
    [
      "a default of another type",
      component("  n: {type: integer, default: x}\n"),
      "inputs.n.default",
      "must be a whole number",
    ],
    [
      "a default out of range",
      component("  n: {type: integer, default: 9, max: 5}\n"),
      "inputs.n.default",
      "above the maximum `5`",
    ],
    [
      "a default that is no choice",
      component("  n: {type: string, default: z, enum: [a, b]}\n"),
      "inputs.n.default",
      "must be one of `a`, `b`",
    ],
    ["a port type", component("  n: {type: int}\n"), "inputs.n.type", "unknown `type` `int`"],
    [
      "an optional input outside a group",
      component("  n: {type: string, optional: true}\n", "echo ${{inputs.n}}"),
      "command",
      "optional input `n` is used outside `$[[ ]]`",
    ],
  ])("refuses %s", (_, text, field, message) => {
    const report = validate(text, "component");

    expect(report.errors[0]).toMatchObject({ field });
    expect(report.errors[0]?.message).toContain(message);
  });

  it("accepts optional inputs in groups and with a default", () => {
    const text = component(
      "  a: {type: string, optional: true}\n  b: {type: number, optional: true, default: 1e-3}\n",
      "'t $[[--a ${{inputs.a}}]] --b ${{inputs.b}}'",
    );

    expect(errorsOf(validate(text, "component"))).toEqual([]);
  });
});

describe("endpoints, deployments and schedules", () => {
  it.each([
    [
      "online-endpoint",
      "name: my_endpoint\nauth_mode: key\n",
      "name",
      "must match `^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$`",
    ],
    ["online-endpoint", "name: e-1\ntraffic: {blue: 60, green: 30}\n", "traffic", "adds up to 90, not to 0 or 100"],
    ["online-endpoint", "name: e-1\nmirror_traffic: {blue: 60}\n", "mirror_traffic", "above 50"],
    ["online-deployment", "name: b\nendpoint_name: e\n", "instance_type", "missing required field `instance_type`"],
    ["online-deployment", "name: b\ninstance_type: x\nmodel: model-1\n", "model", "no reference to a model"],
    ["online-deployment", "name: b\ninstance_type: x\nmodel: azureml:m\n", "model", "has no version"],
    [
      "online-deployment",
      "name: b\ninstance_type: x\nmodel: azureml://registries/r/data/m/versions/1\n",
      "model",
      "names `data`, where a model is expected",
    ],
    [
      "batch-deployment",
      "type: model\nname: b\nsettings: {mini_batch_size: 5}\n",
      "compute",
      "missing required field `compute`",
    ],
    [
      "schedule",
      "name: s\ntrigger: {type: cron, expression: '0 25 * * *'}\ncreate_job: azureml:j\n",
      "trigger.expression",
      "the hour is `25`",
    ],
    [
      "schedule",
      "name: s\ntrigger: {type: cron, expression: '* * * *'}\ncreate_job: azureml:j\n",
      "trigger.expression",
      "has 4 fields, not 5",
    ],
    [
      "schedule",
      "name: s\ntrigger: {type: recurrence, frequency: dayly, interval: 1}\ncreate_job: azureml:j\n",
      "trigger.frequency",
      "must be one of",
    ],
    [
      "schedule",
      "name: s\ntrigger: {type: recurrence, frequency: day, interval: 1}\n",
      "create_job",
      "needs `create_job` or",
    ],
    [
      "datastore",
      "name: d\ntype: azure_blob\naccount_name: a\n",
      "container_name",
      "missing required field `container_name`",
    ],
    ["datastore", "name: d\ntype: s3\nbuket: b\n", "buket", "did you mean `bucket`?"],
    ["compute", "name: c\ntype: amlcomput\n", "type", "unknown `type` `amlcomput`"],
    ["data", "name: d\ntype: uri_fil\npath: .\n", "type", "must be one of `uri_file`"],
    ["model", "name: a/b\npath: .\n", "name", "must match"],
    ["environment", "name: e\n", "image", "needs `image` or `build`"],
  ])("%s: refuses %j", (kind, text, field, message) => {
    const report = validate(text, kind);

    expect(report.errors[0]).toMatchObject({ field });
    expect(report.errors.map((error) => error.message).join("\n")).toContain(message);
  });

  it("follows a schedule to its job file", () => {
    const schedule = "name: s\ntrigger: {type: cron, expression: '0 8 * * MON-FRI'}\ncreate_job: job.yml\n";

    const report = validate(schedule, "schedule", { "job.yml": "command: ls\n" });

    expect(report.errors[0]).toMatchObject({ file: "job.yml", field: "environment" });
  });
});

describe("what is understood", () => {
  it("reports names, references and addresses as written", () => {
    const text = `command: cp \${{inputs.d}} \${{outputs.o}}
environment: azureml:AzureML-sklearn-1.5@latest
compute: azureml:cpu-cluster
name: run-1
inputs:
  d: {type: uri_file, path: https://example.com/x.csv}
  n: 3
outputs:
  o:
`;

    expect(validate(text, "job")).toMatchObject({
      valid: true,
      kind: "job.command",
      name: "run-1",
      inputs: ["d", "n"],
      outputs: ["o"],
      steps: [],
      refs: ["azureml:AzureML-sklearn-1.5@latest", "azureml:cpu-cluster"],
      uris: ["https://example.com/x.csv"],
      errors: [],
    });
  });

  it("accepts kinds that only Azure runs, with a warning", () => {
    const report = validate("name: e-1\nmodel_id: azureml://registries/r/models/m/versions/1\n", "serverless_endpoint");

    expect(report.valid).toBe(true);
    expect(report.warnings[0]?.message).toContain("not supported on this platform");
  });

  it("fills expressions in environment variables, and warns of unknown ones", () => {
    const report = validate(`${COMMAND_JOB}environment_variables:\n  A: \${{inputs.nope}}\n`, "job");

    expect(report.valid).toBe(true);
    expect(report.warnings[0]).toMatchObject({ field: "environment_variables.A", line: 5 });
  });

  it("refuses an unknown kind with the nearest one", () => {
    expect(validate("a: 1\n", "enviroment").errors[0]?.hint).toBe("did you mean `environment`?");
  });

  it.each([
    ["job.command", COMMAND_JOB],
    ["job.pipeline", "type: pipeline\njobs: {a: {command: ls, environment: {image: a}}}\n"],
    ["component.command", `name: c\nversion: 1\n${COMMAND_JOB}`],
    ["conda_env", "channels: [conda-forge]\ndependencies: [python=3.12, {pip: [numpy]}]\n"],
    ["environment", "name: e\nimage: python:3.12\n"],
    ["data", "name: d\ntype: uri_file\npath: https://example.com/x\n"],
    ["model", "name: m\ntype: custom_model\npath: runs:/r/m\n"],
    ["compute", "name: c\ntype: amlcompute\n"],
    ["datastore", "name: d\ntype: azure_file\naccount_name: a\nfile_share_name: f\n"],
    ["endpoint.online", "name: e-1\nauth_mode: key\n"],
    ["endpoint.online.k8s", "name: e-1\nauth_mode: key\ncompute: azureml:k\n"],
    ["deployment.online", "name: b\nendpoint_name: e\ninstance_type: x\nmodel: azureml:m:1\n"],
    ["deployment.batch", "name: b\nendpoint_name: e\nmodel: azureml:m:1\ncompute: azureml:c\n"],
    ["deployment.batch.pipeline", "type: pipeline\nname: b\nendpoint_name: e\ncomponent: azureml:p@latest\n"],
    ["schedule", "name: s\ntrigger: {type: recurrence, frequency: day, interval: 1}\ncreate_job: azureml:j\n"],
    ["connection", "name: c\ntype: git\ntarget: https://example.com\ncredentials: {type: pat, pat: x}\n"],
    ["workspace", "name: w\nlocation: eastus\n"],
    ["registry", "name: r\nlocation: eastus\nreplication_locations: [{location: eastus}]\n"],
    ["batch_invoke_inputs", "inputs: {a: {type: string, default: b}}\n"],
  ])("knows %s by its fields", (kind, text) => {
    const report = validate(text);

    expect({ kind: report.kind, errors: errorsOf(report) }).toEqual({ kind, errors: [] });
  });
});

describe("any text at all", () => {
  it("is answered with places inside it, never with an exception", () => {
    const parts = fc.constantFrom(
      "command: ls\n",
      "environment: {image: a}\n",
      "inputs:\n",
      "  x: ${{inputs.y}}\n",
      "type: pipeline\n",
      "jobs:\n",
      "  a: {component: ./spec.yml}\n",
      "\t",
      "&a ",
      "*a",
      "{",
      "[",
      "]",
      "}",
      ": ",
      "- ",
      "<<: *a\n",
      "'",
      '"',
      "|\n",
      "💥",
      "\u0000",
      "__proto__: 1\n",
      "$[[",
      "${{",
      "!!int ",
      "---\n",
      "1e999\n",
    );
    fc.assert(
      fc.property(
        fc.array(parts, { maxLength: 20 }),
        fc.constantFrom(undefined, "job", "component", "schedule"),
        (pieces, kind) => {
          const text = pieces.join("");
          const report = validateFile(
            memoryReader({ "spec.yml": text }),
            "spec.yml",
            kind === undefined ? {} : { kind },
          );

          expect(report.valid).toBe(report.errors.length === 0);
          for (const error of report.errors) {
            expect(error.line).toBeGreaterThanOrEqual(1);
            expect(error.line).toBeLessThanOrEqual(text.split("\n").length + 1);
            expect(error.message).not.toBe("");
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
