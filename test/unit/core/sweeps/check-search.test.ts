import { expect, test } from "vitest";
import type { SweepJobSpec } from "../../../../src/contract/sweeps.ts";
import { makeFindings } from "../../../../src/core/jobs/problems.ts";
import { searchOf } from "../../../../src/core/sweeps/check-search.ts";

const SWEEP: SweepJobSpec = {
  type: "sweep",
  trial: { command: "true", environment: "python-3" },
  search_space: { x: { type: "uniform", min_value: 0, max_value: 1 } },
  objective: { goal: "maximize", primary_metric: "accuracy" },
  limits: { max_total_trials: 30 },
};

function searched(change: Partial<SweepJobSpec>) {
  const findings = makeFindings();
  const plan = searchOf({ ...SWEEP, ...change }, 42, findings);
  return { plan, fields: findings.problems.map(({ field }) => field), warnings: findings.warnings };
}

test("without an algorithm a sweep draws at random, all at once, with the job's own seed", () => {
  expect(searched({}).plan).toMatchObject({
    sampling: { type: "random", rule: "random", seed: 42 },
    goal: "maximize",
    metric: "accuracy",
    trials: 30,
    together: 30,
  });
});

test("a seed and a base that are given are taken, and no more trials at once than there are", () => {
  const { plan } = searched({
    sampling_algorithm: { type: "random", rule: "sobol", seed: 7, logbase: 10 },
    limits: { max_total_trials: 5, max_concurrent_trials: 9, timeout: 60 },
  });

  expect(plan).toMatchObject({ sampling: { rule: "sobol", seed: 7, logBase: 10 }, together: 5, timeoutSec: 60 });
});

test.each<[string, Partial<SweepJobSpec>, string]>([
  [
    "bounds in the wrong order",
    { search_space: { x: { type: "uniform", min_value: 2, max_value: 1 } } },
    "search_space.x.max_value",
  ],
  [
    "such bounds within an option",
    { search_space: { m: { type: "choice", values: [{ x: { type: "uniform", min_value: 2, max_value: 1 } }] } } },
    "search_space.m.values.0.x.max_value",
  ],
  ["a grid of numbers", { sampling_algorithm: { type: "grid" } }, "search_space.x.type"],
  ["a bandit without slack", { early_termination: { type: "bandit" } }, "early_termination"],
  [
    "a bandit with both slacks",
    { early_termination: { type: "bandit", slack_factor: 1, slack_amount: 1 } },
    "early_termination",
  ],
  [
    "more Bayesian trials than are kept",
    { sampling_algorithm: { type: "bayesian" }, limits: { max_total_trials: 20_001 } },
    "limits.max_total_trials",
  ],
])("%s are refused, and where", (_name, change, field) => {
  expect(searched(change).fields).toEqual([field]);
});

test("Bayesian trials that begin all at once are warned of", () => {
  expect(searched({ sampling_algorithm: { type: "bayesian" } }).warnings).toHaveLength(1);
  expect(
    searched({ sampling_algorithm: { type: "bayesian" }, limits: { max_total_trials: 30, max_concurrent_trials: 3 } })
      .warnings,
  ).toEqual([]);
});
