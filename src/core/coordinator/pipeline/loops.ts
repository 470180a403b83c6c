import type { ChildOrder, EndStatus } from "../machine.ts";
import type { Draft } from "./draft.ts";
import type { DoWhileNode, ParallelForNode } from "./plan.ts";
import {
  type DoWhileState,
  isDone,
  type Mark,
  markAt,
  type ParallelForState,
  type PipelineState,
  withMark,
} from "./state.ts";

/** Children of a parallel-for at once, unless it says less. */
const CONCURRENCY = 1000;
const ITEMS_LIMIT = 100_000;

/** How a child ended, as the machine was told. */
export interface ChildEnd {
  readonly status: EndStatus;
  readonly reason?: string;
  readonly values?: Readonly<Record<string, string>>;
  readonly reused?: true;
}

const ENDED: Readonly<Record<EndStatus, Mark>> = { Completed: "c", Failed: "f", Canceled: "x" };

export function markOf(end: ChildEnd): Mark {
  return end.status === "Completed" && end.reused === true ? "r" : ENDED[end.status];
}

/** Azure's literal outputs are text: how each language prints a boolean. */
export function truth(text: string | undefined): boolean | undefined {
  const word = text?.trim().toLowerCase();
  if (word === "true" || word === "1") return true;
  return word === "false" || word === "0" ? false : undefined;
}

export function wordNoTruth(node: string, output: string, text: string | undefined): string {
  const said = text === undefined ? "was not written" : `is \`${text.slice(0, 100)}\``;
  return `output \`${output}\` of \`${node}\` ${said}; it must be true or false`;
}

const keyOf = (name: string, index: number): string => `${name}#${index}`;

export function iterationOrder({ name, body }: DoWhileNode, iteration: number): ChildOrder {
  return { child: keyOf(name, iteration), node: body, iteration };
}

export function beginDoWhile(draft: Draft, index: number, node: DoWhileNode): void {
  draft.setLoop(node.name, { kind: "do_while", iteration: 0, reused: true });
  draft.setMark(index, "o");
  draft.order(iterationOrder(node, 0));
}

export function iterationEnded(
  draft: Draft,
  { index, node, loop, iteration }: { index: number; node: DoWhileNode; loop: DoWhileState; iteration: number },
  end: ChildEnd,
): void {
  if (iteration !== loop.iteration || draft.mark(index) !== "o") return;
  if (end.status !== "Completed") {
    draft.setMark(index, markOf(end), `iteration ${iteration}${end.reason === undefined ? "" : `: ${end.reason}`}`);
    return;
  }
  draft.keepValues(node.body, end.values);
  const reused = loop.reused && end.reused === true;
  const text = end.values?.[node.condition];
  const goesOn = truth(text);
  if (goesOn === undefined) {
    draft.setMark(index, "f", `iteration ${iteration}: ${wordNoTruth(node.body, node.condition, text)}`);
  } else if (!goesOn || iteration + 1 >= node.maxIterations) {
    draft.setMark(index, reused ? "r" : "c");
  } else if (draft.state.phase === "stopping") {
    draft.setMark(index, "x", `iteration ${iteration} was the last: ${draft.state.stop?.reason ?? ""}`);
  } else {
    draft.setLoop(node.name, { ...loop, iteration: iteration + 1, reused });
    draft.order(iterationOrder(node, iteration + 1));
  }
}

export function itemOrder(state: PipelineState, node: ParallelForNode, index: number): ChildOrder {
  const item = itemsOf(state, node)?.[index];
  return {
    child: keyOf(node.name, index),
    node: node.body,
    iteration: index,
    ...(item === undefined ? {} : { item }),
  };
}

export function beginParallelFor(draft: Draft, index: number, node: ParallelForNode): void {
  const items = itemsOf(draft.state, node);
  if (items === undefined) {
    draft.setMark(index, "f", wordNoItems(draft.state, node));
  } else if (items.length > ITEMS_LIMIT) {
    draft.setMark(index, "f", `${items.length} items are more than the ${ITEMS_LIMIT} of one loop`);
  } else {
    draft.setMark(index, "o");
    goOn(draft, index, node, { kind: "parallel_for", marks: ".".repeat(items.length), open: 0, next: 0 });
  }
}

export function itemEnded(
  draft: Draft,
  { index, node, loop, item }: { index: number; node: ParallelForNode; loop: ParallelForState; item: number },
  end: ChildEnd,
): void {
  if (loop.marks[item] !== "o") return;
  const mark = markOf(end);
  const after = { ...loop, marks: withMark(loop.marks, item, mark), open: loop.open - 1 };
  const isFirst = (mark === "f" || mark === "x") && loop.reason === undefined;
  const word = mark === "f" ? "failed" : "was canceled";
  const reason = `\`${keyOf(node.name, item)}\` ${word}${end.reason === undefined ? "" : `: ${end.reason}`}`;
  goOn(draft, index, node, isFirst ? { ...after, reason: reason.slice(0, 300) } : after);
}

/** Orders items while there is room; ends the loop where nothing is open and nothing will be. */
export function goOn(draft: Draft, index: number, node: ParallelForNode, loop: ParallelForState): void {
  const { plan, state } = draft;
  const isHeld = state.phase === "stopping" || (!plan.continueOnStepFailure && loop.reason !== undefined);
  const room = isHeld ? 0 : (node.maxConcurrency ?? CONCURRENCY) - loop.open;
  const count = Math.max(0, Math.min(room, loop.marks.length - loop.next));
  const next = loop.next + count;
  for (let item = loop.next; item < next; item++) draft.order(itemOrder(state, node, item));
  const marks = loop.marks.slice(0, loop.next) + "o".repeat(count) + loop.marks.slice(next);
  const after = { ...loop, marks, next, open: loop.open + count };
  draft.setLoop(node.name, after);
  if (after.open > 0) return;
  const mark = markOfItems(marks);
  draft.setMark(index, mark, isDone(mark) ? undefined : wordItems(after));
}

function markOfItems(marks: string): Mark {
  if (marks.includes("f")) return "f";
  if (marks.includes("x") || marks.includes(".")) return "x";
  return marks.includes("c") || marks === "" ? "c" : "r";
}

export function openItems(state: PipelineState, node: ParallelForNode, loop: ParallelForState): ChildOrder[] {
  const open: ChildOrder[] = [];
  for (let item = 0; item < loop.next; item++) {
    if (markAt(loop.marks, item) === "o") open.push(itemOrder(state, node, item));
  }
  return open;
}

function wordItems({ marks, reason }: ParallelForState): string {
  const done = marks.replaceAll(/[^cr]/g, "").length;
  return `${done} of ${marks.length} items completed${reason === undefined ? "" : `; ${reason}`}`;
}

/** Parsed once for each time the outputs change; null: the output holds no items. */
const parsed = new WeakMap<object, Map<string, readonly string[] | null>>();

/** JSON texts; undefined where the output holds none. */
function itemsOf({ values }: PipelineState, { items }: ParallelForNode): readonly string[] | undefined {
  if (!("node" in items)) return items;
  const outputs = values[items.node];
  if (outputs === undefined) return undefined;
  const ofOutputs = parsed.get(outputs) ?? new Map<string, readonly string[] | null>();
  parsed.set(outputs, ofOutputs);
  const known = ofOutputs.get(items.output) ?? parseItems(outputs[items.output]);
  ofOutputs.set(items.output, known);
  return known ?? undefined;
}

function parseItems(text: string | undefined): readonly string[] | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? Object.values(value).map((item) => JSON.stringify(item))
      : null;
  } catch {
    return null;
  }
}

function wordNoItems({ values }: PipelineState, { items }: ParallelForNode): string {
  if (!("node" in items)) return "it has no items";
  const text = values[items.node]?.[items.output];
  const said = text === undefined ? "was not written" : `is \`${text.slice(0, 100)}\``;
  return `output \`${items.output}\` of \`${items.node}\` ${said}; it must be a JSON list of items`;
}
