import type { DoWhileNode, OutputRef, ParallelForNode, PipelineNode, PipelinePlan } from "./plan.ts";

/** A plan with its names resolved to places in `nodes`. */
export interface Graph {
  readonly nodes: readonly PipelineNode[];
  readonly at: ReadonlyMap<string, number>;
  /** Nodes that must have ended before this one begins; a loop stands for its body. */
  readonly needs: readonly (readonly number[])[];
  /** Nodes to look at when this one has ended. */
  readonly dependents: readonly (readonly number[])[];
  /** The if/else whose block it is in. */
  readonly gates: readonly (Gate | undefined)[];
  /** Of a body, its loop; of a loop, its body. */
  readonly loopOf: ReadonlyMap<number, number>;
  readonly bodyOf: ReadonlyMap<number, number>;
  /** Outputs whose values decide something, by the name of their node. */
  readonly reads: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface Gate {
  readonly node: number;
  readonly side: boolean;
}

export interface PlanProblem {
  readonly node: string;
  readonly message: string;
}

const known = new WeakMap<PipelinePlan, Graph>();

/** The same object for the same plan. Throws where `planProblems` finds something. */
export function graphOf(plan: PipelinePlan): Graph {
  const before = known.get(plan);
  if (before !== undefined) return before;
  const [problem] = planProblems(plan);
  if (problem !== undefined) throw new Error(`pipeline node \`${problem.node}\`: ${problem.message}`);
  const graph = build(plan);
  known.set(plan, graph);
  return graph;
}

/** What is wrong with a plan: names, blocks and bodies first, then cycles. */
export function planProblems(plan: PipelinePlan): readonly PlanProblem[] {
  const problems = nameProblems(plan);
  if (problems.length > 0) return problems;
  const cycle = findCycle(build(plan));
  if (cycle === undefined) return [];
  const path = [...cycle, cycle[0]].map((name) => `\`${name}\``).join(" -> ");
  return [{ node: cycle[0] ?? "", message: `waits for itself: ${path}` }];
}

export function isLoop(node: PipelineNode): node is DoWhileNode | ParallelForNode {
  return node.kind === "do_while" || node.kind === "parallel_for";
}

/** The output that a node's condition or items are read from, if they are not in the plan. */
function refOf(node: PipelineNode): OutputRef | undefined {
  if (node.kind === "if_else" && typeof node.condition !== "boolean") return node.condition;
  return node.kind === "parallel_for" && "node" in node.items ? node.items : undefined;
}

function nameProblems({ nodes }: PipelinePlan): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const kinds = new Map<string, PipelineNode["kind"]>();
  for (const { name, kind } of nodes) {
    if (kinds.has(name)) problems.push({ node: name, message: "is there twice" });
    kinds.set(name, kind);
  }
  const bodies = new Map<string, string>();
  const blocks = new Map<string, string>();
  const claim = (owners: Map<string, string>, name: string, owner: string, what: string) => {
    const other = owners.get(name);
    if (other !== undefined) problems.push({ node: owner, message: `\`${name}\` is ${what} of \`${other}\` already` });
    owners.set(name, owner);
  };
  for (const node of nodes) {
    const members = node.kind === "if_else" ? [...node.trueBlock, ...node.falseBlock] : [];
    const ref = refOf(node);
    const mentioned = [...node.after, ...members, ...(ref === undefined ? [] : [ref.node])];
    for (const name of [...mentioned, ...(isLoop(node) ? [node.body] : [])]) {
      if (!kinds.has(name)) problems.push({ node: node.name, message: `there is no node \`${name}\`` });
    }
    for (const member of members) claim(blocks, member, node.name, "in a block");
    if (!isLoop(node)) continue;
    claim(bodies, node.body, node.name, "the body");
    const kind = kinds.get(node.body);
    if (kind !== undefined && kind !== "job") {
      problems.push({ node: node.name, message: `its body \`${node.body}\` is a ${kind} node and not a step` });
    }
  }
  return problems;
}

function build({ nodes }: PipelinePlan): Graph {
  const at = new Map(nodes.map(({ name }, index) => [name, index]));
  const place = (name: string): number => at.get(name) ?? -1;
  const loopOf = new Map<number, number>();
  const bodyOf = new Map<number, number>();
  for (const [index, node] of nodes.entries()) {
    if (!isLoop(node)) continue;
    loopOf.set(place(node.body), index);
    bodyOf.set(index, place(node.body));
  }
  /** A body is begun and ended by its loop. */
  const standIn = (index: number): number => loopOf.get(index) ?? index;
  const gates = new Array<Gate | undefined>(nodes.length).fill(undefined);
  const reads = new Map<string, Set<string>>();
  const read = (name: string, output: string) => reads.set(name, (reads.get(name) ?? new Set()).add(output));
  const sets = nodes.map(() => new Set<number>());
  for (const [index, node] of nodes.entries()) {
    const needs = sets[standIn(index)];
    for (const name of node.after) needs?.add(standIn(place(name)));
    const ref = refOf(node);
    if (ref !== undefined) {
      needs?.add(standIn(place(ref.node)));
      read(ref.node, ref.output);
    }
    if (node.kind === "do_while") read(node.body, node.condition);
    if (node.kind !== "if_else") continue;
    for (const name of node.trueBlock) gates[standIn(place(name))] = { node: index, side: true };
    for (const name of node.falseBlock) gates[standIn(place(name))] = { node: index, side: false };
  }
  const dependents: number[][] = nodes.map(() => []);
  for (const [index, needs] of sets.entries()) {
    const gate = gates[index];
    for (const need of gate === undefined ? needs : new Set([...needs, gate.node])) dependents[need]?.push(index);
  }
  return { nodes, at, needs: sets.map((needs) => [...needs]), dependents, gates, loopOf, bodyOf, reads };
}

/** Names along a cycle, if there is one. */
function findCycle({ nodes, dependents }: Graph): readonly string[] | undefined {
  const left = nodes.map(() => 0);
  for (const list of dependents) for (const index of list) left[index] = (left[index] ?? 0) + 1;
  const free = [...left.keys()].filter((index) => left[index] === 0);
  for (let index = free.pop(); index !== undefined; index = free.pop()) {
    for (const next of dependents[index] ?? []) {
      left[next] = (left[next] ?? 0) - 1;
      if (left[next] === 0) free.push(next);
    }
  }
  // What is left waits for something that is left: going back along it comes round.
  const before = new Map<number, number>();
  for (const [index, list] of dependents.entries()) {
    if ((left[index] ?? 0) > 0) for (const next of list) before.set(next, index);
  }
  const start = left.findIndex((count) => count > 0);
  if (start < 0) return undefined;
  const path: number[] = [];
  const places = new Map<number, number>();
  for (let index = start; !places.has(index); index = before.get(index) ?? start) {
    places.set(index, path.length);
    path.push(index);
  }
  const entry = places.get(before.get(path.at(-1) ?? start) ?? start) ?? 0;
  const cycle = path.slice(entry).reverse();
  const first = cycle.indexOf(Math.min(...cycle));
  return [...cycle.slice(first), ...cycle.slice(0, first)].map((index) => nodes[index]?.name ?? "");
}
