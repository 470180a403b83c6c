import type { ChildOrder, Effect, EndStatus } from "../machine.ts";
import { type Graph, graphOf } from "./graph.ts";
import type { PipelineNode, PipelinePlan } from "./plan.ts";
import { isOpenOrWaiting, type LoopState, type Mark, markAt, type PipelineState, withMark } from "./state.ts";

const REASONS_LIMIT = 1000;
const REASON_CHARS = 300;

/** A state being changed by one event, with what is to be done for it. */
export class Draft {
  readonly plan: PipelinePlan;
  readonly graph: Graph;
  private readonly before: PipelineState;
  private now: PipelineState;
  private readonly orders: ChildOrder[] = [];
  private readonly cancels: Effect[] = [];
  /** Nodes to look at again, since something they wait for has ended; those before `looked` were. */
  private readonly stirred: number[] = [];
  private looked = 0;

  constructor(plan: PipelinePlan, before: PipelineState) {
    this.plan = plan;
    this.graph = graphOf(plan);
    this.before = before;
    this.now = before;
  }

  get state(): PipelineState {
    return this.now;
  }

  node(index: number): PipelineNode {
    const node = this.graph.nodes[index];
    if (node === undefined) throw new Error(`the plan has no node ${index}`);
    return node;
  }

  mark(index: number): Mark {
    return markAt(this.now.marks, index);
  }

  /** A body bears its loop's mark. */
  setMark(index: number, mark: Mark, reason?: string): void {
    const body = this.graph.bodyOf.get(index);
    let marks = withMark(this.now.marks, index, mark);
    if (body !== undefined) marks = withMark(marks, body, mark);
    this.now = { ...this.now, marks };
    if (reason !== undefined) this.keepReason(this.node(index).name, reason);
    if (isOpenOrWaiting(mark)) return;
    for (const dependent of this.graph.dependents[index] ?? []) this.stirred.push(dependent);
  }

  nextStirred(): number | undefined {
    return this.stirred[this.looked++];
  }

  setLoop(name: string, loop: LoopState): void {
    this.now = { ...this.now, loops: { ...this.now.loops, [name]: loop } };
  }

  /** Keeps of a child's literal outputs those that decide something. */
  keepValues(node: string, values: Readonly<Record<string, string>> | undefined): void {
    const wanted = this.graph.reads.get(node);
    if (wanted === undefined) return;
    const kept = Object.fromEntries(Object.entries(values ?? {}).filter(([output]) => wanted.has(output)));
    this.now = { ...this.now, values: { ...this.now.values, [node]: kept } };
  }

  order(child: ChildOrder): void {
    this.orders.push(child);
  }

  cancel(child: string, reason: string): void {
    this.cancels.push({ kind: "cancel", child, reason });
  }

  begin(): void {
    this.now = { ...this.now, phase: "running" };
  }

  stop(stop: NonNullable<PipelineState["stop"]>): void {
    const marks = this.now.marks.replaceAll(".", "n");
    this.now = { ...this.now, phase: "stopping", marks, stop };
  }

  end(status: EndStatus, reason: string | undefined): void {
    this.now = { ...this.now, phase: "over", end: { status, ...(reason === undefined ? {} : { reason }) } };
  }

  result(): { readonly state: PipelineState; readonly effects: readonly Effect[] } {
    if (this.now === this.before) return { state: this.before, effects: [] };
    const effects: Effect[] = [...this.cancels];
    if (this.orders.length > 0) effects.unshift({ kind: "submit", children: this.orders });
    if (this.now.end !== undefined && this.before.end === undefined) {
      effects.push({ kind: "finish", ...this.now.end });
    }
    return { state: this.now, effects };
  }

  private keepReason(name: string, reason: string): void {
    if (Object.keys(this.now.reasons).length >= REASONS_LIMIT) return;
    this.now = { ...this.now, reasons: { ...this.now.reasons, [name]: reason.slice(0, REASON_CHARS) } };
  }
}
