import { suggestPoint, type Tried } from "./bayesian/suggest.ts";
import { drawPoint } from "./draw.ts";
import { gridPoint, gridSize } from "./grid.ts";
import type { SweepPlan } from "./plan.ts";
import { type Point, parametersOf, type Slot, slotsOf } from "./space.ts";

const known = new WeakMap<SweepPlan, readonly Slot[]>();

function slots(plan: SweepPlan): readonly Slot[] {
  const made = known.get(plan) ?? slotsOf(plan.space);
  known.set(plan, made);
  return made;
}

/** How many trials there are going to be, at most. */
export function trialCount(plan: SweepPlan): number {
  return plan.sampling.type === "grid" ? Math.min(plan.trials, gridSize(plan.space)) : plan.trials;
}

/** Whether a trial's point depends on its index alone, so that it need not be kept. */
export function isGivenByIndex({ sampling }: SweepPlan): boolean {
  return sampling.type !== "bayesian";
}

/** Point of a trial. @param tried all trials before it; Bayesian sampling learns from them, others take no notice. */
export function pointOf(plan: SweepPlan, index: number, tried: () => readonly Tried[]): Point {
  const { sampling, space } = plan;
  switch (sampling.type) {
    case "grid":
      return gridPoint(space, index);
    case "random":
      return drawPoint(slots(plan), sampling, index);
    case "bayesian":
      return suggestPoint(slots(plan), sampling.seed, index, tried());
  }
}

export function textOf(plan: SweepPlan, point: Point): Record<string, string> {
  return parametersOf(plan.space, point);
}
