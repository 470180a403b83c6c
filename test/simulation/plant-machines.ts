import type { Machine } from "../../src/core/coordinator/machine.ts";
import type { PipelinePlan } from "../../src/core/coordinator/pipeline/plan.ts";
import type { Plant } from "./plants.ts";

/** A machine with the bug that was asked for, if it is one of machines. */
export function planted(machine: Machine<unknown, unknown>, plant: Plant | undefined): Machine<unknown, unknown> {
  if (plant !== "early-finish") return machine;
  return {
    ...machine,
    step(plan, state, event) {
      const after = machine.step(plan, state, event);
      if (event.kind !== "cancel" || after.effects.length === 0) return after;
      return { ...after, effects: [...after.effects, { kind: "finish", status: "Canceled", reason: event.reason }] };
    },
  };
}

const early = new WeakMap<PipelinePlan, PipelinePlan>();

/** The plan that the machine is given: the true one, but for the bug of waiting for one need only. */
export function plannedFor(plan: PipelinePlan, plant: Plant | undefined): PipelinePlan {
  if (plant !== "early-start") return plan;
  const known = early.get(plan);
  if (known !== undefined) return known;
  const wrong = { ...plan, nodes: plan.nodes.map((node) => ({ ...node, after: node.after.slice(0, 1) })) };
  early.set(plan, wrong);
  return wrong;
}
