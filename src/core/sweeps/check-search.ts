import type { SearchParameter, SweepJobSpec } from "../../contract/sweeps.ts";
import type { Findings } from "../jobs/problems.ts";
import type { Sampling, SweepPlan } from "./plan.ts";
import { slotsOf } from "./space.ts";

/** Bayesian search keeps what it tried; this many values fit into the sweep's state. */
const KEPT_VALUES = 20_000;

/** The search that a sweep asks for. What is wrong with it is said. @param seed where none is given */
export function searchOf(spec: SweepJobSpec, seed: number, findings: Findings): SweepPlan {
  const { search_space: space, objective, limits, early_termination: stopper } = spec;
  for (const [name, parameter] of Object.entries(space)) checkParameter(`search_space.${name}`, parameter, findings);
  const sampling = samplingOf(spec, seed);
  checkSampling(spec, sampling, findings);
  if (stopper?.type === "bandit" && (stopper.slack_factor === undefined) === (stopper.slack_amount === undefined)) {
    const message = "a bandit policy needs one of `slack_factor` and `slack_amount`";
    findings.problems.push({ field: "early_termination", message });
  }
  const { max_total_trials: trials, max_concurrent_trials: together = trials, timeout } = limits;
  return {
    space,
    sampling,
    goal: objective.goal,
    metric: objective.primary_metric,
    trials,
    together: Math.min(together, trials),
    ...(timeout === undefined ? {} : { timeoutSec: timeout }),
    ...(stopper === undefined ? {} : { stopper }),
  };
}

function samplingOf({ sampling_algorithm: given }: SweepJobSpec, seed: number): Sampling {
  if (given?.type === "grid") return { type: "grid" };
  if (given?.type === "bayesian") return { type: "bayesian", seed: given.seed ?? seed };
  const { rule = "random", logbase } = given ?? {};
  return { type: "random", rule, seed: given?.seed ?? seed, ...(logbase === undefined ? {} : { logBase: logbase }) };
}

function checkParameter(field: string, parameter: SearchParameter, findings: Findings): void {
  if ("min_value" in parameter && parameter.min_value > parameter.max_value) {
    const message = `\`max_value\` is ${parameter.max_value}, below \`min_value\` ${parameter.min_value}`;
    findings.problems.push({ field: `${field}.max_value`, message });
  }
  if (parameter.type !== "choice") return;
  for (const [i, value] of parameter.values.entries()) {
    if (typeof value === "string") continue;
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner !== "string") checkParameter(`${field}.values.${i}.${name}`, inner, findings);
    }
  }
}

function checkSampling({ search_space: space, limits }: SweepJobSpec, { type }: Sampling, findings: Findings): void {
  const slots = slotsOf(space);
  if (type === "grid") {
    for (const { name, draw } of slots) {
      if (draw.type === "choice") continue;
      const message = `grid sampling goes through choices, and \`${draw.type}\` is none`;
      findings.problems.push({
        field: `search_space.${name}.type`,
        message,
        hint: "sample with `random` or `bayesian`",
      });
    }
  }
  if (type !== "bayesian") return;
  const { max_total_trials: trials, max_concurrent_trials: together = trials } = limits;
  if (trials * slots.length > KEPT_VALUES) {
    const most = Math.floor(KEPT_VALUES / Math.max(1, slots.length));
    const message = `Bayesian sampling of ${slots.length} parameters has at most ${most} trials`;
    findings.problems.push({ field: "limits.max_total_trials", message, hint: "sample with `random`" });
  }
  if (trials > 8 && together >= trials) {
    findings.warnings.push(
      "all trials begin at once, so that Bayesian sampling learns from none: give `limits.max_concurrent_trials`",
    );
  }
}
