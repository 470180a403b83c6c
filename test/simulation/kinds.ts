import type { ChildOrder, EndStatus, Machine } from "../../src/core/coordinator/machine.ts";
import { pipelineMachine } from "../../src/core/coordinator/pipeline/pipeline.ts";
import { sweepMachine } from "../../src/core/sweeps/machine.ts";
import { expectPipeline, pipelineMayRun } from "./reference.ts";
import type { CompositeSpec, PipelineSpec, SweepSpec } from "./scenario.ts";
import { expectSweep, trialMayRun } from "./sweeps.ts";

/** What a child comes to. `isThere` is false where it was refused, and is no job. */
export interface Outcome {
  readonly status: EndStatus;
  readonly isThere: boolean;
  readonly values: Readonly<Record<string, string>>;
}

/** What a composite comes to, and which children it has by then. */
export interface Expected {
  readonly status: EndStatus;
  readonly children: ReadonlyMap<string, { readonly order: ChildOrder; readonly outcome: Outcome }>;
}

/** A kind of composite job in the simulation: its machine, and how it is judged without it. */
interface Kind {
  readonly machine: Machine<unknown, unknown>;
  /** If nobody cancels it, and its children come to what `outcomeOf` says. */
  expect(spec: CompositeSpec, outcomeOf: (order: ChildOrder) => Outcome): Expected;
  /** Whether a child may run now, given how others have ended. */
  mayRun(spec: CompositeSpec, child: string, ended: (child: string) => Outcome | undefined): boolean;
}

export const KINDS: Readonly<Record<CompositeSpec["kind"], Kind>> = {
  pipeline: {
    machine: pipelineMachine as Machine<unknown, unknown>,
    expect: (spec, outcomeOf) => expectPipeline(spec as PipelineSpec, outcomeOf),
    mayRun: (spec, child, ended) => pipelineMayRun(spec as PipelineSpec, child, ended),
  },
  sweep: {
    machine: sweepMachine as Machine<unknown, unknown>,
    expect: (spec, outcomeOf) => expectSweep(spec as SweepSpec, outcomeOf),
    mayRun: (spec, child, ended) => trialMayRun(spec as SweepSpec, child, ended),
  },
};
