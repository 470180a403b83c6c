import type { ChildOrder } from "../../src/core/coordinator/machine.ts";
import type { PipelineNode, PipelinePlan } from "../../src/core/coordinator/pipeline/plan.ts";
import type { Expected, Outcome } from "./kinds.ts";
import type { PipelineSpec } from "./scenario.ts";

type Verdict = "done" | "failed" | "canceled" | "not taken" | "not run";

/** Executes a pipeline by asking each node what it comes to, without time, order or state. */
export function expectPipeline(spec: PipelineSpec, outcomeOf: (order: ChildOrder) => Outcome): Expected {
  const children = new Map<string, { readonly order: ChildOrder; readonly outcome: Outcome }>();
  const values = new Map<string, Readonly<Record<string, string>>>();
  const known = new Map<string, Verdict>();
  const nodes = new Map(spec.plan.nodes.map((node) => [node.name, node]));
  const owner = ownersOf(spec.plan);

  function run(order: ChildOrder): Outcome {
    const outcome = outcomeOf(order);
    children.set(order.child, { order, outcome });
    if (outcome.status === "Completed") values.set(order.node, outcome.values);
    return outcome;
  }

  function verdict(name: string): Verdict {
    const real = owner.loop.get(name) ?? name;
    const before = known.get(real);
    if (before !== undefined) return before;
    const node = nodes.get(real);
    if (node === undefined) throw new Error(`no node ${real}`);
    const after = judge(node);
    known.set(real, after);
    return after;
  }

  function judge(node: PipelineNode): Verdict {
    const needs = needsOf(node, nodes).map(verdict);
    const block = owner.block.get(node.name) ?? ("body" in node ? owner.block.get(node.body) : undefined);
    if (block !== undefined) {
      const fork = verdict(block.fork.name);
      needs.push(fork === "done" && sayOf(block.fork) !== block.side ? "not taken" : fork);
    }
    if (needs.some((need) => need === "failed" || need === "canceled" || need === "not run")) return "not run";
    return needs.includes("not taken") ? "not taken" : execute(node);
  }

  function sayOf({ condition }: PipelineNode & { kind: "if_else" }): boolean | undefined {
    return typeof condition === "boolean" ? condition : truth(values.get(condition.node)?.[condition.output]);
  }

  function execute(node: PipelineNode): Verdict {
    if (node.kind === "job") return word(run({ child: node.name, node: node.name }));
    if (node.kind === "if_else") return sayOf(node) === undefined ? "failed" : "done";
    if (node.kind === "do_while") {
      for (let iteration = 0; iteration < node.maxIterations; iteration++) {
        const outcome = run({ child: `${node.name}#${iteration}`, node: node.body, iteration });
        if (outcome.status !== "Completed") return word(outcome);
        const more = truth(outcome.values[node.condition]);
        if (more === undefined) return "failed";
        if (!more) break;
      }
      return "done";
    }
    const items = itemsOf(node.items, values);
    if (items === undefined) return "failed";
    const ends = items.map((item, iteration) =>
      word(run({ child: `${node.name}#${iteration}`, node: node.body, iteration, item })),
    );
    if (ends.includes("failed")) return "failed";
    return ends.includes("canceled") ? "canceled" : "done";
  }

  const verdicts = spec.plan.nodes.map(({ name }) => verdict(name));
  const isBad = verdicts.some((end) => end === "failed" || end === "canceled");
  return { status: isBad ? "Failed" : "Completed", children };
}

/** A child's inputs exist: all that its node needs has completed, and so has the iteration before. */
export function pipelineMayRun(
  { plan }: PipelineSpec,
  child: string,
  ended: (child: string) => Outcome | undefined,
): boolean {
  const [name = "", place] = child.split("#");
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  const owner = ownersOf(plan);
  const isDone = (key: string): boolean => ended(key)?.status === "Completed";

  function hasCompleted(needed: string): boolean {
    const node = nodes.get(owner.loop.get(needed) ?? needed);
    if (node === undefined) return false;
    if (node.kind === "job") return isDone(node.name);
    if (node.kind === "if_else") return decisionOf(node) !== undefined;
    if (node.kind === "parallel_for") {
      const items = itemsOf(
        node.items,
        new Map([[refOf(node)?.node ?? "", ended(refOf(node)?.node ?? "")?.values ?? {}]]),
      );
      return items?.every((_, item) => isDone(`${node.name}#${item}`)) ?? false;
    }
    for (let iteration = 0; iteration < node.maxIterations; iteration++) {
      if (!isDone(`${node.name}#${iteration}`)) return false;
      if (truth(ended(`${node.name}#${iteration}`)?.values[node.condition]) !== true) break;
    }
    return true;
  }

  function decisionOf(node: PipelineNode & { kind: "if_else" }): boolean | undefined {
    if (!node.after.every(hasCompleted)) return undefined;
    if (typeof node.condition === "boolean") return node.condition;
    const { node: asked, output } = node.condition;
    return isDone(asked) ? truth(ended(asked)?.values[output]) : undefined;
  }

  const node = nodes.get(name);
  if (node === undefined || !needsOf(node, nodes).every(hasCompleted)) return false;
  const block = owner.block.get(name) ?? ("body" in node ? owner.block.get(node.body) : undefined);
  if (block !== undefined && decisionOf(block.fork) !== block.side) return false;
  if (node.kind !== "do_while" || place === "0") return true;
  const before = ended(`${name}#${Number(place) - 1}`);
  return before?.status === "Completed" && truth(before.values[node.condition]) === true;
}

function ownersOf({ nodes }: PipelinePlan) {
  const loop = new Map<string, string>();
  const block = new Map<string, { readonly fork: PipelineNode & { kind: "if_else" }; readonly side: boolean }>();
  for (const node of nodes) {
    if ("body" in node) loop.set(node.body, node.name);
    if (node.kind !== "if_else") continue;
    for (const name of node.trueBlock) block.set(name, { fork: node, side: true });
    for (const name of node.falseBlock) block.set(name, { fork: node, side: false });
  }
  return { loop, block };
}

function refOf(node: PipelineNode) {
  if (node.kind === "if_else" && typeof node.condition !== "boolean") return node.condition;
  return node.kind === "parallel_for" && "node" in node.items ? node.items : undefined;
}

function needsOf(node: PipelineNode, nodes: ReadonlyMap<string, PipelineNode>): string[] {
  const ref = refOf(node);
  const ofBody = "body" in node ? (nodes.get(node.body)?.after ?? []) : [];
  return [...node.after, ...ofBody, ...(ref === undefined ? [] : [ref.node])];
}

function itemsOf(
  items: readonly string[] | { readonly node: string; readonly output: string },
  values: ReadonlyMap<string, Readonly<Record<string, string>>>,
): readonly string[] | undefined {
  if (!("node" in items)) return items;
  try {
    const list: unknown = JSON.parse(values.get(items.node)?.[items.output] ?? "");
    return Array.isArray(list) ? list.map((item) => JSON.stringify(item)) : undefined;
  } catch {
    return undefined;
  }
}

function truth(text: string | undefined): boolean | undefined {
  const word = (text ?? "").trim().toLowerCase();
  return ["true", "1"].includes(word) ? true : ["false", "0"].includes(word) ? false : undefined;
}

function word({ status }: Outcome): Verdict {
  return status === "Completed" ? "done" : status === "Failed" ? "failed" : "canceled";
}
