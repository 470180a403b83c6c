import { expect, test } from "vitest";
import { SweepJobSpec } from "../../../src/contract/sweeps.ts";
import { loadJob } from "../../../src/spec/load.ts";
import { memoryReader } from "../../../src/spec/paths.ts";
import { validateFile } from "../../../src/spec/validate.ts";

const SWEEP = `type: sweep
trial:
  command: python t.py \${{search_space.lr}} \${{search_space.size}} '\${{search_space.model}}' \${{inputs.rate}}
  code: ./src
  environment: {image: python:3.12, conda_file: ../conda.yml}
inputs: {rate: 1e-3}
outputs: {model: }
sampling_algorithm: {type: random, rule: sobol, seed: 3, logbase: 10}
search_space:
  lr: {type: loguniform, min_value: -4, max_value: -1}
  size: {type: choice, values: [16, 1e-3, 0.10, yes, relu]}
  model:
    type: choice
    values: [{kind: svm, C: {type: uniform, min_value: 0.1, max_value: 5}}, {kind: tree, depth: 0.50}]
objective: {goal: Minimize, primary_metric: loss}
early_termination: {type: bandit, slack_factor: 0.1}
limits: {max_total_trials: 4, max_concurrent_trials: 2}
`;
const FILES = { "jobs/src/t.py": "", "conda.yml": "dependencies: [python=3.12]\n" };

test("a sweep is sent with its choices as written, its folder as an upload of the trial", () => {
  const loaded = loadJob(memoryReader({ ...FILES, "jobs/sweep.yml": SWEEP }), "jobs/sweep.yml");

  expect(SweepJobSpec.parse(loaded.spec)).toEqual(loaded.spec);
  expect(loaded.spec).toMatchObject({
    type: "sweep",
    trial: { environment: { conda_file: { dependencies: ["python=3.12"] } } },
    inputs: { rate: { type: "string", value: "1e-3" } },
    outputs: { model: {} },
    sampling_algorithm: { type: "random", rule: "sobol", seed: 3, logbase: 10 },
    search_space: {
      size: { values: ["16", "1e-3", "0.10", "True", "relu"] },
      model: {
        values: [
          { kind: "svm", C: { type: "uniform" } },
          { kind: "tree", depth: "0.50" },
        ],
      },
    },
    objective: { goal: "minimize" },
  });
  expect(loaded.uploads).toMatchObject([{ at: ["trial", "code"], use: "code", path: "jobs/src" }]);
});

test("an algorithm's name alone is enough, and `e` is no base to send", () => {
  const named = SWEEP.replace("{type: random, rule: sobol, seed: 3, logbase: 10}", "random");
  const based = SWEEP.replace("logbase: 10", "logbase: e");
  const sampling = (text: string) => {
    const { spec } = loadJob(memoryReader({ ...FILES, "jobs/sweep.yml": text }), "jobs/sweep.yml");
    return SweepJobSpec.parse(spec).sampling_algorithm;
  };

  expect(sampling(named)).toEqual({ type: "random" });
  expect(sampling(based)).toEqual({ type: "random", rule: "sobol", seed: 3 });
});

test("what Azure's Bayesian sampling does not take is warned of, and taken", () => {
  const text = SWEEP.replace("{type: random, rule: sobol, seed: 3, logbase: 10}", "bayesian");
  const report = validateFile(memoryReader({ ...FILES, "jobs/sweep.yml": text }), "jobs/sweep.yml", { kind: "job" });

  expect(report.valid).toBe(true);
  expect(report.warnings.map(({ field }) => field)).toEqual(
    expect.arrayContaining(["search_space.lr.type", "early_termination"]),
  );
});

test("a bandit policy without slack is refused", () => {
  const text = SWEEP.replace(", slack_factor: 0.1", "");
  const report = validateFile(memoryReader({ ...FILES, "jobs/sweep.yml": text }), "jobs/sweep.yml", { kind: "job" });

  expect(report.errors[0]?.field).toContain("early_termination");
});

test("a trial may be a component's file, or a registered one", () => {
  const component =
    "type: command\ncommand: echo ${{inputs.lr}}\ncode: ./src\nenvironment: azureml:python-3@latest\ninputs: {lr: {type: number}}\n";
  const withTrial = (trial: string) => SWEEP.replace(/trial:\n(?: {2}.*\n)+/, `trial: ${trial}\n`);
  const files = { ...FILES, "jobs/train.yml": component };
  const load = (trial: string) =>
    loadJob(memoryReader({ ...files, "jobs/sweep.yml": withTrial(trial) }), "jobs/sweep.yml");

  const local = load("./train.yml");
  expect(SweepJobSpec.parse(local.spec).trial).toMatchObject({ type: "command", inputs: { lr: { type: "number" } } });
  expect(local.uploads).toMatchObject([{ at: ["trial", "code"], path: "jobs/src" }]);
  expect(SweepJobSpec.parse(load("azureml:train@latest").spec).trial).toBe("azureml:train@latest");
});
