import type { EndStatus } from "../machine.ts";

/**
 * How far a node or an item is, one letter each, so that thousands of them are a short text:
 * `.` waits, `o` open, `c` completed, `r` completed by an earlier job (reused), `f` failed, `x` canceled,
 * `b` not run: another branch was taken, `u` not run: something it needs did not complete, `n` not run: the pipeline ended before.
 */
export type Mark = "." | "o" | "c" | "r" | "f" | "x" | "b" | "u" | "n";

export interface PipelineState {
  readonly phase: "new" | "running" | "stopping" | "over";
  /** A mark for each of the plan's nodes, in the plan's order. */
  readonly marks: string;
  /** Of the first 1000 nodes that failed or were canceled, by name. */
  readonly reasons: Readonly<Record<string, string>>;
  /** Literal outputs that conditions and loops read, by node and output. */
  readonly values: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Loops that began, by name. */
  readonly loops: Readonly<Record<string, LoopState>>;
  /** Why it ends before its time. */
  readonly stop?: { readonly kind: "canceled" | "failed"; readonly reason: string };
  readonly end?: { readonly status: EndStatus; readonly reason?: string };
}

export type LoopState = DoWhileState | ParallelForState;

export interface DoWhileState {
  readonly kind: "do_while";
  /** The one that is open, or was the last. */
  readonly iteration: number;
  /** Nothing ran in any of them. */
  readonly reused: boolean;
}

export interface ParallelForState {
  readonly kind: "parallel_for";
  /** Of each item. */
  readonly marks: string;
  readonly open: number;
  /** Items before this one were ordered. */
  readonly next: number;
  /** Of the first item that did not complete. */
  readonly reason?: string;
}

export const markAt = (marks: string, index: number): Mark => (marks[index] ?? ".") as Mark;

export const withMark = (marks: string, index: number, mark: Mark): string =>
  marks.slice(0, index) + mark + marks.slice(index + 1);

export const isOpenOrWaiting = (mark: Mark): boolean => mark === "." || mark === "o";

export const isDone = (mark: Mark): boolean => mark === "c" || mark === "r";
