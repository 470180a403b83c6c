import type { PipelineNode, PipelinePlan } from "../../src/core/coordinator/pipeline/plan.ts";
import type { Plant } from "./plants.ts";
import type { CompositeSpec, PipelineSpec, Scenario } from "./scenario.ts";
import { World } from "./world.ts";

const RUNS = 400;
/** Another order of things may show the same on a smaller scenario. */
const ORDERS = 3;

/** A smaller scenario with something wrong in it, if a few hundred tries find one. */
export async function shrink(scenario: Scenario, plant: Plant | undefined): Promise<Scenario> {
  let best = scenario;
  let runs = 0;
  for (let smaller: Scenario | undefined = best; smaller !== undefined; ) {
    best = smaller;
    smaller = undefined;
    for (const candidate of candidates(best)) {
      for (let order = 0; order < ORDERS && smaller === undefined; order++) {
        if (runs++ > RUNS) return best;
        const tried = { ...candidate, seed: candidate.seed + order };
        if ((await new World(tried, plant).run()).length > 0) smaller = tried;
      }
      if (smaller !== undefined) break;
    }
  }
  return best;
}

function* candidates(scenario: Scenario): Generator<Scenario> {
  const { cancelAtMs, ...rest } = scenario;
  if (cancelAtMs !== undefined) yield rest;
  for (const fault of Object.keys(scenario.faults)) {
    const faults = { ...scenario.faults, [fault]: 0 };
    if (JSON.stringify(faults) !== JSON.stringify(scenario.faults)) yield { ...scenario, faults };
  }
  if (scenario.servers > 1) yield { ...scenario, servers: 1 };
  for (const root of smaller(scenario.root)) yield { ...scenario, root };
}

/** Half of the nodes first, then one by one, then within children. */
function* smaller(spec: CompositeSpec): Generator<CompositeSpec> {
  if (spec.kind === "pipeline") yield* smallerPipelines(spec);
  else {
    const { trials, together } = spec.plan;
    for (const fewer of [trials >> 1, trials - 1]) {
      if (fewer > 0) yield { ...spec, plan: { ...spec.plan, trials: fewer, together: Math.min(together, fewer) } };
    }
  }
}

function* smallerPipelines(spec: PipelineSpec): Generator<PipelineSpec> {
  const names = spec.plan.nodes.map(({ name }) => name);
  const half = names.length >> 1;
  if (half > 0) {
    yield without(spec, names.slice(0, half));
    yield without(spec, names.slice(half));
  }
  for (const name of names) if (names.length > 1) yield without(spec, [name]);
  for (const [name, child] of Object.entries(spec.children)) {
    if (child.kind === "leaf") continue;
    const says = child.says === undefined ? {} : { says: child.says };
    const leaf = { kind: "leaf" as const, courses: [{ lost: 0, end: "ok" as const, ms: 10 }], ...says };
    yield { ...spec, children: { ...spec.children, [name]: leaf } };
    for (const nested of smaller(child)) yield { ...spec, children: { ...spec.children, [name]: nested } };
  }
}

function without(spec: PipelineSpec, names: readonly string[]): PipelineSpec {
  const gone = new Set(names);
  // A loop and its body go together.
  for (const node of spec.plan.nodes) {
    if (!("body" in node)) continue;
    if (gone.has(node.body)) gone.add(node.name);
    if (gone.has(node.name)) gone.add(node.body);
  }
  const stay = (list: readonly string[]): string[] => list.filter((name) => !gone.has(name));
  const nodes = spec.plan.nodes
    .filter(({ name }) => !gone.has(name))
    .map((node): PipelineNode => {
      const after = stay(node.after);
      if (node.kind === "if_else") {
        const isLost = typeof node.condition !== "boolean" && gone.has(node.condition.node);
        const blocks = { trueBlock: stay(node.trueBlock), falseBlock: stay(node.falseBlock) };
        return { ...node, after, ...blocks, condition: isLost ? true : node.condition };
      }
      if (node.kind !== "parallel_for") return { ...node, after };
      return { ...node, after, items: "node" in node.items && gone.has(node.items.node) ? [] : node.items };
    });
  const plan: PipelinePlan = { ...spec.plan, nodes };
  return { ...spec, plan, children: Object.fromEntries(Object.entries(spec.children).filter(([n]) => !gone.has(n))) };
}
