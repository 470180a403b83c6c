import type { EndStatus } from "../coordinator/machine.ts";
import type { StopperMemory } from "./stoppers.ts";

/**
 * One letter for each trial that was ordered, by its index.
 * `o` open, `s` open and told to stop early, `c` completed with a metric, `m` completed without, `f` failed, `p` stopped early, `x` canceled.
 */
export type Mark = "o" | "s" | "c" | "m" | "f" | "p" | "x";

/** State of a sweep. 10,000 trials are some 100 KB when compressed. */
export interface SweepState {
  readonly phase: "new" | "running" | "stopping" | "over";
  readonly beganMs?: number;
  readonly marks: string;
  /** By index; null: none. */
  readonly metrics: readonly (number | null)[];
  /** By index, where the index alone does not give it; null: a slot that does not exist. */
  readonly points?: readonly (readonly (number | null)[])[];
  readonly best?: number;
  /** Where a policy stops trials. */
  readonly memory?: StopperMemory;
  /** When trials are looked at next; an answer from before is an old one. */
  readonly lookMs?: number;
  /** Why the first trial that failed did. */
  readonly failure?: string;
  /** Why no more trials begin. */
  readonly stop?: { readonly kind: "canceled" | "timeout" | "failing"; readonly reason: string };
  readonly end?: { readonly status: EndStatus; readonly reason?: string };
}

export function isOpen(mark: string | undefined): boolean {
  return mark === "o" || mark === "s";
}

export function withMark(marks: string, index: number, mark: Mark): string {
  return marks.slice(0, index) + mark + marks.slice(index + 1);
}

export function countOf(marks: string, mark: Mark): number {
  let count = 0;
  for (const one of marks) if (one === mark) count++;
  return count;
}

export function openCount(marks: string): number {
  return countOf(marks, "o") + countOf(marks, "s");
}

export function openTrials(marks: string): number[] {
  return [...marks].flatMap((mark, index) => (isOpen(mark) ? [index] : []));
}
