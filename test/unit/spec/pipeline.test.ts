import { describe, expect, it } from "vitest";
import { ENVIRONMENT, errorsOf, validate } from "./support.ts";

const COMPONENT = `name: train
type: command
inputs:
  data: {type: uri_folder}
  epochs: {type: integer, default: 1, min: 1, max: 100}
  solver: {type: string, default: sgd, enum: [sgd, adam]}
  note: {type: string, optional: true}
outputs:
  model: {type: custom_model}
command: train \${{inputs.data}} \${{inputs.epochs}} \${{inputs.solver}} \${{outputs.model}} $[[\${{inputs.note}}]]
${ENVIRONMENT}`;

const pipeline = (inputs: string, more = "") => `type: pipeline
inputs:
  d: {type: uri_folder, path: azureml:d:1}
  n: 3
jobs:
  a:
    component: ./train.yml
    inputs:
${inputs.replace(/^/gm, "      ")}
${more}`;
const files = { "train.yml": COMPONENT };

function refusal(text: string, more: Record<string, string> = {}) {
  const report = validate(text, "job", { ...files, ...more });
  return report.errors.map((error) => `${error.field}: ${error.message}`);
}

describe("a step and its component", () => {
  it("accepts bindings, literals and defaults", () => {
    const text = pipeline("data: ${{parent.inputs.d}}\nepochs: ${{parent.inputs.n}}\nsolver: adam");

    expect(errorsOf(validate(text, "job", files))).toEqual([]);
  });

  it.each([
    ["epochs: 2", "jobs.a.inputs.data: missing required input `data` of step `a`"],
    ["data: ${{parent.inputs.d}}\nepoch: 2", "jobs.a.inputs.epoch: step `a` has no input `epoch`"],
    [
      "data: ${{parent.inputs.d}}\nepochs: many",
      "jobs.a.inputs.epochs: input `epochs` must be a whole number, not `many`",
    ],
    [
      "data: ${{parent.inputs.d}}\nepochs: 500",
      "jobs.a.inputs.epochs: input `epochs` is `500`, above the maximum `100`",
    ],
    [
      "data: ${{parent.inputs.d}}\nsolver: adm",
      "jobs.a.inputs.solver: input `solver` must be one of `sgd`, `adam`, not `adm`",
    ],
    ["data: 5", "jobs.a.inputs.data: input `data` takes `uri_folder`, not the number `5`"],
    [
      "data: ${{parent.inputs.d}}\nepochs: ${{parent.inputs.d}}",
      "jobs.a.inputs.epochs: input `epochs` is of type `integer`, but `d` is `uri_folder`",
    ],
    ["data: ${{parent.inputs.n}}", "jobs.a.inputs.data: input `data` takes `uri_folder`, but `n` is the number `3`"],
    ["data: ${{parent.inputs.dd}}", "jobs.a.inputs.data: pipeline input `dd` is not defined (defined: `d`, `n`)"],
    ["data: ${{inputs.d}}", "jobs.a.inputs.data: `${{inputs.d}}` has no meaning here"],
    [
      "data: ${{parent.job.a.outputs.o}}",
      "jobs.a.inputs.data: `${{parent.job.a.outputs.o}}`: `parent` has `inputs`, `outputs` and `jobs`, no `job`",
    ],
  ])("refuses %j", (inputs, expected) => {
    expect(refusal(pipeline(inputs))).toEqual([expected]);
  });

  it("refuses outputs the component does not have, and those of the pipeline that do not exist", () => {
    const good = "data: ${{parent.inputs.d}}";

    expect(refusal(pipeline(good, "    outputs:\n      modl:\n"))).toEqual([
      "jobs.a.outputs.modl: step `a` has no output `modl`",
    ]);
    expect(refusal(pipeline(good, "    outputs:\n      model: ${{parent.outputs.m}}\n"))).toEqual([
      "jobs.a.outputs.model: pipeline output `m` is not defined (defined: none)",
    ]);
  });

  it("reports what is wrong in a component file there, once for all steps that use it", () => {
    const text = `${pipeline("data: ${{parent.inputs.d}}")}  b:\n    component: ./train.yml\n    inputs: {data: x}\n`;

    const report = validate(text, "job", {
      "train.yml": COMPONENT.replace("epochs: {type: integer", "epochs: {type: intger"),
    });

    expect(report.errors).toHaveLength(1);
    expect(report.errors[0]).toMatchObject({ file: "train.yml", line: 5, field: "inputs.epochs.type" });
  });

  it("does not mind the name of a component that is part of a job", () => {
    const report = validate(pipeline("data: ${{parent.inputs.d}}"), "job", {
      "train.yml": COMPONENT.replace("name: train", "name: my-train"),
    });

    expect(report.valid).toBe(true);
    expect(report.warnings.some((warning) => warning.field === "name")).toBe(true);
  });

  it("reads paths of a component file relative to it", () => {
    const component = COMPONENT.replace("type: command", "type: command\ncode: ./src");
    const text = pipeline("data: ${{parent.inputs.d}}").replace("./train.yml", "parts/train.yml");

    expect(refusal(text, { "parts/train.yml": component, "parts/src/main.py": "" })).toEqual([]);
    expect(refusal(text, { "parts/train.yml": component, "src/main.py": "" })).toEqual([
      "code: directory not found: `parts/src`",
    ]);
  });

  it("refuses component files that use each other in a circle", () => {
    const nested = (file: string) =>
      `name: p\ntype: pipeline\njobs:\n  a:\n    type: pipeline\n    component: ./${file}\n`;

    const errors = refusal("type: pipeline\njobs:\n  s:\n    type: pipeline\n    component: ./p.yml\n", {
      "p.yml": nested("q.yml"),
      "q.yml": nested("p.yml"),
    });

    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain("files use each other in a circle: `p.yml` -> `q.yml` -> `p.yml`");
  });

  it("takes a component it cannot see on trust", () => {
    const text =
      'type: pipeline\njobs:\n  a:\n    component: azureml://registries/r/components/c/versions/1\n    inputs: {any: 1}\n  b:\n    component: azureml:c@latest\n    inputs: {x: "${{parent.jobs.a.outputs.whatever}}"}\n';

    expect(refusal(text)).toEqual([]);
  });
});

describe("steps and each other", () => {
  const step = (name: string, input: string) => `  ${name}:
    command: cp \${{inputs.i}} \${{outputs.o}}
    environment: {image: a}
    inputs: {i: "${input}"}
    outputs: {o: }
`;
  const steps = (...parts: string[]) => `type: pipeline\njobs:\n${parts.join("")}`;

  it("refuses a step that does not exist", () => {
    expect(refusal(steps(step("a", "x"), step("b", "${{parent.jobs.aa.outputs.o}}")))).toEqual([
      "jobs.b.inputs.i: no step named `aa` (steps: `a`, `b`)",
    ]);
  });

  it("refuses an output that does not exist, but knows the default artifacts", () => {
    expect(refusal(steps(step("a", "x"), step("b", "${{parent.jobs.a.outputs.oo}}")))).toEqual([
      "jobs.b.inputs.i: step `a` has no output `oo` (outputs: `o`)",
    ]);
    expect(refusal(steps(step("a", "x"), step("b", "${{parent.jobs.a.outputs.artifacts}}")))).toEqual([]);
  });

  it("refuses a cycle and shows it", () => {
    const text = steps(
      step("a", "${{parent.jobs.c.outputs.o}}"),
      step("b", "${{parent.jobs.a.outputs.o}}"),
      step("c", "${{parent.jobs.b.outputs.o}}"),
    );

    expect(refusal(text)).toEqual([
      "jobs.b.inputs.i: steps form a cycle: `a` waits for `c` waits for `b` waits for `a`",
    ]);
  });

  it("refuses a step that waits for itself", () => {
    expect(refusal(steps(step("a", "${{parent.jobs.a.outputs.o}}")))).toEqual([
      "jobs.a.inputs.i: steps form a cycle: `a` waits for `a`",
    ]);
  });

  it("checks the command of an inline step against the step's own ports", () => {
    expect(refusal(steps(step("a", "x").replace("inputs.i}", "inputs.j}")))).toEqual([
      "jobs.a.command: input `j` is not defined (defined: `i`)",
    ]);
  });

  it("takes bindings for any scalar of a step", () => {
    const text = `type: pipeline\ninputs: {c: cpu, n: 2}\njobs:\n  a:\n    command: ls\n    environment: {image: a}\n    compute: \${{parent.inputs.c}}\n    resources: {instance_count: "\${{parent.inputs.n}}"}\n`;

    expect(refusal(text)).toEqual([]);
    expect(refusal(text.replace("parent.inputs.c}", "parent.inputs.cc}"))).toEqual([
      "jobs.a.compute: pipeline input `cc` is not defined (defined: `c`, `n`)",
    ]);
  });

  it("refuses names of steps that bindings could not say", () => {
    expect(refusal(steps(step("a-b", "x")))[0]).toContain("step name `a-b` must match");
  });

  it("lets a sweep's parameters stand for inputs of its trial", () => {
    const text = `type: pipeline
jobs:
  tune:
    type: sweep
    trial: ./train.yml
    inputs: {data: {type: uri_folder, path: azureml:d:1}}
    search_space: {epochs: {type: choice, values: [1, 2]}}
    objective: {goal: maximize, primary_metric: accuracy}
    limits: {max_total_trials: 2}
`;

    expect(refusal(text)).toEqual([]);
    expect(refusal(text.replace("inputs: {data: {type: uri_folder, path: azureml:d:1}}", "inputs: {}"))).toEqual([
      "jobs.tune.inputs.data: missing required input `data` of step `tune`",
    ]);
  });
});
