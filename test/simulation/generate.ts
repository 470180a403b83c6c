import type { PipelineNode } from "../../src/core/coordinator/pipeline/plan.ts";
import { makeRandom, type Random } from "./random.ts";
import type { CompositeSpec, Course, Faults, Leaf, PipelineSpec, Scenario } from "./scenario.ts";
import { makeSweep } from "./sweeps.ts";

/** The scenario of a seed: always the same. */
export function generate(seed: number): Scenario {
  const random = makeRandom(seed);
  const size = random.chance(0.45) ? random.int(1, 12) : random.chance(0.75) ? random.int(12, 60) : random.int(60, 200);
  const troubles: Troubles = {
    fail: random.pick([0, 0, 0.03, 0.1, 0.3]),
    lost: random.pick([0, 0.05, 0.2]),
    refused: random.pick([0, 0, 0.02]),
    reused: random.pick([0, 0, 0.3, 1]),
    stops: random.pick([0, 0, 0.5]),
  };
  const root = random.chance(0.15)
    ? makeSweep(random, Math.min(size, SWEEP_LIMIT), () => course(random, troubles))
    : pipeline(random, troubles, { left: size }, 0);
  return {
    seed,
    servers: random.int(1, 3),
    slots: random.int(1, 8),
    faults: faultsOf(random),
    ...(random.chance(0.3) ? { cancelAtMs: random.chance(0.5) ? random.int(0, 2000) : random.int(0, 30_000) } : {}),
    root,
  };
}

interface Troubles {
  readonly fail: number;
  readonly lost: number;
  readonly refused: number;
  readonly reused: number;
  readonly stops: number;
}

/** Nodes that may still be made. */
interface Budget {
  left: number;
}

function faultsOf(random: Random): Faults {
  const calm = random.chance(0.15);
  return {
    crash: calm ? 0 : random.pick([0, 0.002, 0.01, 0.04]),
    lost: calm ? 0 : random.pick([0, 0.05, 0.3]),
    doubled: calm ? 0 : random.pick([0, 0.1, 0.5]),
    late: calm ? 0 : random.pick([0, 0.1, 0.3]),
    strayCancels: random.chance(0.1) ? random.int(1, 3) : 0,
  };
}

const ENDLESS = 1000;
/** By Bayes each takes some milliseconds. */
const SWEEP_LIMIT = 30;

function pipeline(random: Random, troubles: Troubles, budget: Budget, depth: number): PipelineSpec {
  const nodes: PipelineNode[] = [];
  const children: Record<string, Leaf | CompositeSpec> = {};
  /** Nodes that others may depend on; the last ones rather, so that chains come about. */
  const afters = (): string[] => {
    const count = Math.min(nodes.length, random.pick([0, 1, 1, 1, 2, 3]));
    const near = random.chance(0.7) ? 4 : ENDLESS;
    const from = Math.max(0, nodes.length - near);
    return [...new Set([...Array(count)].map(() => nodes[random.int(from, nodes.length - 1)]?.name ?? ""))];
  };
  const child = (name: string, says?: Leaf["says"], loops = 1): void => {
    children[name] = makeChild(random, troubles, budget, depth, says, loops);
  };
  const size = depth === 0 ? budget.left : random.int(1, Math.max(1, Math.min(12, budget.left)));
  while (nodes.length < size && budget.left > 0) {
    const name = `n${nodes.length}`;
    const after = afters();
    budget.left -= 1;
    const kind = random.next();
    if (kind < 0.8 || size < 4) {
      nodes.push({ kind: "job", name, after });
      child(name);
    } else if (kind < 0.87) {
      branch(random, nodes, name, after, child);
    } else {
      loop(random, nodes, name, after, child);
    }
  }
  return { kind: "pipeline", plan: { continueOnStepFailure: !random.chance(troubles.stops), nodes }, children };
}

type MakeChild = (name: string, says?: Leaf["says"], loops?: number) => void;

/** Someone who says which way, the fork, and its blocks. */
function branch(random: Random, nodes: PipelineNode[], name: string, after: readonly string[], child: MakeChild): void {
  const isSaid = random.chance(0.7);
  const [asked, yes, no] = [`${name}_ask`, `${name}_yes`, `${name}_no`];
  if (isSaid) {
    nodes.push({ kind: "job", name: asked, after });
    child(asked, { way: [random.pick(["true", "False", "1", "0\n", ...(random.chance(0.1) ? ["maybe"] : [])])] });
  }
  nodes.push({
    kind: "if_else",
    name,
    after: isSaid ? [] : after,
    condition: isSaid ? { node: asked, output: "way" } : random.chance(0.5),
    trueBlock: [yes],
    falseBlock: random.chance(0.8) ? [no] : [],
  });
  for (const block of [yes, no]) {
    nodes.push({ kind: "job", name: block, after: random.chance(0.3) ? after : [] });
    child(block);
  }
}

function loop(random: Random, nodes: PipelineNode[], name: string, after: readonly string[], child: MakeChild): void {
  const body = `${name}_body`;
  if (random.chance(0.5)) {
    const turns = random.int(0, 4);
    const more = [...Array(turns).fill("true"), random.chance(0.05) ? "what" : "false"];
    nodes.push({ kind: "do_while", name, after, body, condition: "more", maxIterations: random.int(1, 5) });
    child(body, { more }, 3);
  } else {
    const items = [...Array(random.int(0, 9)).keys()].map((item) => JSON.stringify({ item }));
    const isSaid = random.chance(0.4);
    const lister = `${name}_list`;
    if (isSaid) {
      nodes.push({ kind: "job", name: lister, after: [] });
      child(lister, { items: [random.chance(0.05) ? "none" : `[${items.join(",")}]`] });
    }
    nodes.push({
      kind: "parallel_for",
      name,
      after,
      body,
      items: isSaid ? { node: lister, output: "items" } : items,
      ...(random.chance(0.5) ? { maxConcurrency: random.int(1, 4) } : {}),
    });
    child(body, undefined, 9);
  }
  nodes.push({ kind: "job", name: body, after: [] });
}

function makeChild(
  random: Random,
  troubles: Troubles,
  budget: Budget,
  depth: number,
  says: Leaf["says"],
  loops: number,
): Leaf | CompositeSpec {
  const said = says === undefined ? {} : { says };
  // Loops of loops of loops would make thousands of jobs.
  if (depth < 3 && budget.left > 2 && random.chance(loops === 1 ? 0.08 : 0.1)) {
    const nested = loops === 1 ? budget : { left: Math.min(4, budget.left) };
    return { ...pipeline(random, troubles, nested, loops === 1 ? depth + 1 : 3), ...said };
  }
  if (loops === 1 && says === undefined && budget.left > 2 && random.chance(0.04)) {
    return makeSweep(random, random.int(1, Math.min(8, budget.left)), () => course(random, troubles));
  }
  return { kind: "leaf", courses: [...Array(loops)].map(() => course(random, troubles)), ...said };
}

function course(random: Random, troubles: Troubles): Course {
  if (random.chance(troubles.refused)) return { lost: 0, end: "refused", ms: 0 };
  if (random.chance(troubles.reused)) return { lost: 0, end: "reused", ms: 0 };
  const lost = random.chance(troubles.lost) ? random.int(1, 2) : 0;
  const end = random.chance(troubles.fail) ? random.pick(["fail", "fail", "dies"] as const) : "ok";
  const ms = random.chance(0.8) ? random.int(5, 2000) : random.int(2000, 60_000);
  const retries = random.chance(0.15) ? { fails: random.int(0, 3), retries: random.int(1, 3) } : {};
  return { lost, end, ms, ...retries, ...(random.chance(0.05) ? { deaf: true } : {}) };
}
