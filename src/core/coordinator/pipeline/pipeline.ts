import type { ChildOrder, CompositeEvent, Machine } from "../machine.ts";
import { Draft } from "./draft.ts";
import { type Graph, graphOf } from "./graph.ts";
import {
  beginDoWhile,
  beginParallelFor,
  type ChildEnd,
  goOn,
  itemEnded,
  iterationEnded,
  iterationOrder,
  markOf,
  openItems,
  truth,
  wordNoTruth,
} from "./loops.ts";
import type { PipelineNode, PipelinePlan } from "./plan.ts";
import { isDone, isOpenOrWaiting, type Mark, type PipelineState } from "./state.ts";

/** Steps by what they depend on, with branches and loops. */
export const pipelineMachine: Machine<PipelinePlan, PipelineState> = {
  start(plan) {
    graphOf(plan);
    return { phase: "new", marks: ".".repeat(plan.nodes.length), reasons: {}, values: {}, loops: {} };
  },
  step(plan, state, event) {
    if (state.phase === "over") return { state, effects: [] };
    const draft = new Draft(plan, state);
    take(draft, event);
    settle(draft);
    return draft.result();
  },
  open: (plan, state) => openChildren(graphOf(plan), state),
  isOver: (state) => state.phase === "over",
};

function take(draft: Draft, event: CompositeEvent): void {
  switch (event.kind) {
    case "begin":
      begin(draft);
      break;
    case "ended":
      childEnded(draft, event.child, event);
      break;
    case "refused":
      childEnded(draft, event.child, { status: "Failed", reason: event.reason });
      break;
    case "cancel":
      stop(draft, { kind: "canceled", reason: event.reason });
      break;
    case "looked":
      break;
  }
}

function begin(draft: Draft): void {
  if (draft.state.phase !== "new") return;
  draft.begin();
  for (let index = 0; index < draft.graph.nodes.length; index++) consider(draft, index);
}

/** Until nothing more follows from what happened; then the end, if nothing is left to wait for. */
function settle(draft: Draft): void {
  for (let index = draft.nextStirred(); index !== undefined; index = draft.nextStirred()) consider(draft, index);
  const { phase, marks } = draft.state;
  if (phase === "new" || phase === "over" || marks.includes("o")) return;
  if (marks.includes(".")) throw new Error("nothing of the pipeline is open, and something waits");
  finish(draft);
}

/** Begins a node that waits for nothing any more, or says why it is not run: the same in whatever order things ended. */
function consider(draft: Draft, index: number): void {
  const { graph, state } = draft;
  if (state.phase !== "running" || graph.loopOf.has(index) || draft.mark(index) !== ".") return;
  const gate = graph.gates[index];
  const needs = graph.needs[index] ?? [];
  if (gate !== undefined && isOpenOrWaiting(draft.mark(gate.node))) return;
  if (needs.some((need) => isOpenOrWaiting(draft.mark(need)))) return;
  const marks = needs.map((need) => draft.mark(need));
  if (gate !== undefined) marks.push(gateMark(draft, gate));
  if (marks.every(isDone)) beginNode(draft, index, draft.node(index));
  else draft.setMark(index, marks.every((mark) => isDone(mark) || mark === "b") ? "b" : "u");
}

function gateMark(draft: Draft, gate: { readonly node: number; readonly side: boolean }): Mark {
  const mark = draft.mark(gate.node);
  return isDone(mark) && decide(draft, draft.node(gate.node)) !== gate.side ? "b" : mark;
}

function decide(draft: Draft, node: PipelineNode): boolean | undefined {
  if (node.kind !== "if_else") return undefined;
  const { condition } = node;
  return typeof condition === "boolean" ? condition : truth(draft.state.values[condition.node]?.[condition.output]);
}

function beginNode(draft: Draft, index: number, node: PipelineNode): void {
  switch (node.kind) {
    case "job":
      draft.setMark(index, "o");
      draft.order({ child: node.name, node: node.name });
      break;
    case "if_else":
      branch(draft, index, node);
      break;
    case "do_while":
      beginDoWhile(draft, index, node);
      break;
    case "parallel_for":
      beginParallelFor(draft, index, node);
      break;
  }
  stopOnFailure(draft, index);
}

function branch(draft: Draft, index: number, node: PipelineNode & { readonly kind: "if_else" }): void {
  const { condition } = node;
  if (typeof condition === "boolean" || decide(draft, node) !== undefined) {
    draft.setMark(index, "c");
    return;
  }
  const text = draft.state.values[condition.node]?.[condition.output];
  draft.setMark(index, "f", wordNoTruth(condition.node, condition.output, text));
}

function childEnded(draft: Draft, child: string, end: ChildEnd): void {
  const [name = "", place] = child.split("#");
  const index = draft.graph.at.get(name);
  if (index === undefined || draft.mark(index) !== "o") return;
  const node = draft.node(index);
  const loop = draft.state.loops[name];
  if (node.kind === "do_while" && loop?.kind === "do_while") {
    iterationEnded(draft, { index, node, loop, iteration: Number(place) }, end);
  } else if (node.kind === "parallel_for" && loop?.kind === "parallel_for") {
    itemEnded(draft, { index, node, loop, item: Number(place) }, end);
  } else if (node.kind === "job" && place === undefined && !draft.graph.loopOf.has(index)) {
    if (end.status === "Completed") draft.keepValues(name, end.values);
    draft.setMark(index, markOf(end), end.status === "Completed" ? undefined : end.reason);
  } else return;
  stopOnFailure(draft, index);
}

/** Where the first failure is the end of the rest. A loop is at fault as soon as one of its items is. */
function stopOnFailure(draft: Draft, index: number): void {
  if (draft.plan.continueOnStepFailure || draft.state.phase !== "running") return;
  const { name } = draft.node(index);
  const mark = draft.mark(index);
  const loop = draft.state.loops[name];
  const ofItem = loop?.kind === "parallel_for" ? loop.reason : undefined;
  if (mark !== "f" && mark !== "x" && ofItem === undefined) return;
  const word = mark === "x" ? "was canceled" : "failed";
  const why = ofItem ?? draft.state.reasons[name];
  stop(draft, { kind: "failed", reason: `\`${name}\` ${word}${why === undefined ? "" : `: ${why}`}` });
}

function stop(draft: Draft, why: NonNullable<PipelineState["stop"]>): void {
  if (draft.state.phase === "stopping") return;
  for (const { child } of openChildren(draft.graph, draft.state)) draft.cancel(child, why.reason);
  draft.stop(why);
  for (const [index, node] of draft.graph.nodes.entries()) {
    const loop = draft.state.loops[node.name];
    if (node.kind !== "parallel_for" || loop?.kind !== "parallel_for" || draft.mark(index) !== "o") continue;
    goOn(draft, index, node, loop);
  }
}

function openChildren({ nodes, loopOf }: Graph, state: PipelineState): readonly ChildOrder[] {
  const open: ChildOrder[] = [];
  for (let index = state.marks.indexOf("o"); index >= 0; index = state.marks.indexOf("o", index + 1)) {
    const node = nodes[index];
    if (node === undefined || loopOf.has(index)) continue;
    const loop = state.loops[node.name];
    if (node.kind === "job") open.push({ child: node.name, node: node.name });
    if (node.kind === "do_while" && loop?.kind === "do_while") open.push(iterationOrder(node, loop.iteration));
    if (node.kind === "parallel_for" && loop?.kind === "parallel_for") open.push(...openItems(state, node, loop));
  }
  return open;
}

function finish(draft: Draft): void {
  const { stop: why, marks } = draft.state;
  if (why?.kind === "canceled") draft.end("Canceled", why.reason);
  else if (why === undefined && !/[fx]/.test(marks)) draft.end("Completed", undefined);
  else draft.end("Failed", wordFailure(draft));
}

const NAMED = 3;

function wordFailure({ graph, state }: Draft): string {
  const steps = [...graph.nodes.entries()].filter(([index]) => !graph.loopOf.has(index));
  const count = (wanted: string) => steps.filter(([index]) => wanted.includes(state.marks[index] ?? "")).length;
  const at = (wanted: string) =>
    steps
      .filter(([index]) => wanted.includes(state.marks[index] ?? ""))
      .slice(0, NAMED)
      .map(([, { name }]) =>
        state.reasons[name] === undefined ? `\`${name}\`` : `\`${name}\`: ${state.reasons[name]}`,
      )
      .join("; ");
  const [failed, canceled, notRun] = [count("f"), count("x"), count("un")];
  const parts: string[] = [];
  if (failed > 0) parts.push(`${failed} of ${steps.length} steps failed (${at("f")})`);
  if (canceled > 0) parts.push(`${canceled} ${canceled === 1 ? "was" : "were"} canceled (${at("x")})`);
  if (notRun > 0) parts.push(`${notRun} ${notRun === 1 ? "was" : "were"} not run`);
  return parts.join("; ");
}
