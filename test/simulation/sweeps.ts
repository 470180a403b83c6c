import type { ChildOrder } from "../../src/core/coordinator/machine.ts";
import { TRIAL_NODE } from "../../src/core/sweeps/machine.ts";
import type { SweepPlan } from "../../src/core/sweeps/plan.ts";
import type { Expected, Outcome } from "./kinds.ts";
import type { Random } from "./random.ts";
import type { Course, Leaf, SweepSpec } from "./scenario.ts";

/** Three failures first would end it, whichever trials those are. */
const MOST_FAILURES = 2;
const METRIC = "loss";

/** A sweep of some trials, each with a value of its own to log, or none. */
export function makeSweep(random: Random, trials: number, makeCourse: () => Course): SweepSpec {
  let failures = 0;
  const courses = Array.from({ length: trials }, (): Course => {
    const course = makeCourse();
    const isGood = course.end === "reused" || (course.end === "ok" && (course.fails ?? 0) <= (course.retries ?? 0));
    if (isGood || ++failures <= MOST_FAILURES) return course;
    return { lost: 0, end: "ok", ms: course.ms };
  });
  const plan: SweepPlan = {
    space: { x: { type: "uniform", min_value: 0, max_value: 1 } },
    sampling: random.chance(0.2) ? { type: "bayesian", seed: 1 } : { type: "random", rule: "random", seed: 1 },
    goal: random.pick(["minimize", "maximize"]),
    metric: METRIC,
    trials,
    together: random.int(1, trials),
  };
  const values = courses.map(() => (random.chance(0.1) ? "none" : String(random.int(0, 9))));
  return { kind: "sweep", plan, children: { [TRIAL_NODE]: { kind: "leaf", courses, says: { [METRIC]: values } } } };
}

/** What a trial logged. */
export function metricOf(values: Readonly<Record<string, string>>): number | undefined {
  const value = Number(values[METRIC]);
  return Number.isNaN(value) ? undefined : value;
}

/** Every trial runs, and one that completed and logged something makes the sweep complete. */
export function expectSweep({ plan }: SweepSpec, outcomeOf: (order: ChildOrder) => Outcome): Expected {
  const trials = Array.from({ length: plan.trials }, (_, index) => {
    const order = { child: String(index), node: TRIAL_NODE };
    return { order, outcome: outcomeOf(order) };
  });
  const isBest = trials.some(({ outcome }) => outcome.status === "Completed" && metricOf(outcome.values) !== undefined);
  const isCanceled = trials.every(({ outcome }) => outcome.status === "Canceled");
  const status = isBest ? "Completed" : isCanceled ? "Canceled" : "Failed";
  return { status, children: new Map(trials.map((trial) => [trial.order.child, trial])) };
}

/** No more trials at once than the plan says, and none before those of a lower number were begun. */
export function trialMayRun(
  { plan, children }: SweepSpec,
  child: string,
  ended: (child: string) => Outcome | undefined,
): boolean {
  const index = Number(child);
  const courses = (children[TRIAL_NODE] as Leaf).courses;
  const isOver = (other: number) => courses[other]?.end === "refused" || ended(String(other)) !== undefined;
  const over = Array.from({ length: index }, (_, other) => other).filter(isOver).length;
  return index < plan.trials && index - over < plan.together;
}
