import type { EarlyTermination, SearchSpace } from "../../contract/sweeps.ts";

/** How trials get their parameters. A seed is always given: without one, a sweep that was begun again would draw others. */
export type Sampling =
  | { readonly type: "grid" }
  | { readonly type: "random"; readonly rule: "random" | "sobol"; readonly seed: number; readonly logBase?: number }
  | { readonly type: "bayesian"; readonly seed: number };

/** What of a sweep decides which trials there are and when they end; JSON. */
export interface SweepPlan {
  readonly space: SearchSpace;
  readonly sampling: Sampling;
  readonly goal: "minimize" | "maximize";
  readonly metric: string;
  /** Most trials there may be; a grid may have fewer. */
  readonly trials: number;
  /** Open trials at once. */
  readonly together: number;
  /** Of the whole sweep. */
  readonly timeoutSec?: number;
  readonly stopper?: EarlyTermination;
}
