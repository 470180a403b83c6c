import type { JobStatus } from "../../contract/jobs.ts";

/** How a child ended. */
export type EndStatus = Extract<JobStatus, "Completed" | "Failed" | "Canceled">;

/**
 * What a composite job is told. Told at least once, late, and in any order; a machine that has seen it already answers the same state.
 * A child is named by its key within its composite: `train`, `loop#3` (an iteration or an item of node `loop`), `17` (a sweep's trial).
 */
export type CompositeEvent =
  | { readonly kind: "begin"; readonly atMs: number }
  | {
      readonly kind: "ended";
      readonly child: string;
      readonly status: EndStatus;
      readonly reason?: string;
      /** Literal outputs, as text: what conditions are about. */
      readonly values?: Readonly<Record<string, string>>;
      /** The best value of the primary metric, where the composite has one and the child logged it. */
      readonly metric?: number;
      /** All its values in the order they were logged, where the composite compares children while they run. */
      readonly metrics?: readonly number[];
      /** Nothing ran: an earlier job had the same key. */
      readonly reused?: true;
      readonly atMs: number;
    }
  /** The child can't be submitted, and never will be. */
  | { readonly kind: "refused"; readonly child: string; readonly reason: string; readonly atMs: number }
  /** Answer to `look`: of each open child, the primary metric's values in the order it logged them. */
  | {
      readonly kind: "looked";
      readonly metrics: Readonly<Record<string, readonly number[]>>;
      readonly atMs: number;
    }
  | { readonly kind: "cancel"; readonly by: string; readonly reason: string; readonly atMs: number };

/** What is to be done. Each can be repeated: whoever carries them out may die in between and begin again. */
export type Effect =
  /** The id of a child's job follows from its composite's and its key, so submitting twice is submitting once. */
  | { readonly kind: "submit"; readonly children: readonly ChildOrder[] }
  | { readonly kind: "cancel"; readonly child: string; readonly reason: string }
  /** Asks for a `looked` at `atMs`. */
  | { readonly kind: "look"; readonly atMs: number }
  | { readonly kind: "finish"; readonly status: EndStatus; readonly reason?: string };

export interface ChildOrder {
  /** Key of the child. */
  readonly child: string;
  /** What of the plan it is made from. */
  readonly node: string;
  /** Of a loop, counted from 0. */
  readonly iteration?: number;
  /** Of a parallel-for. */
  readonly item?: string;
  /** Parameters of a trial, as text. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/**
 * One kind of composite job as a pure function. State and plan are JSON; the plan never changes, the state is at most 400 KB when compressed.
 * `step` answers the very same state, and no effects, for what it knows already or what came too late.
 */
export interface Machine<Plan, State> {
  start(plan: Plan): State;
  step(plan: Plan, state: State, event: CompositeEvent): { readonly state: State; readonly effects: readonly Effect[] };
  /** Children that were ordered and have not ended: what a reconciler asks about. */
  open(plan: Plan, state: State): readonly ChildOrder[];
  /** Of an open child that is known by its key: the whole order, as `step` gave it. Orders of such a machine are kept without their parameters. */
  readonly complete?: (plan: Plan, state: State, order: ChildOrder) => ChildOrder;
  /** The time of the `look` that it waits for. Who has lost it asks again. @default it waits for none */
  readonly nextLook?: (state: State) => number | undefined;
  readonly isOver: (state: State) => boolean;
}
