import type { ChildOrder } from "../../src/core/coordinator/machine.ts";
import type { PipelinePlan } from "../../src/core/coordinator/pipeline/plan.ts";
import { TRIAL_NODE } from "../../src/core/sweeps/machine.ts";
import type { SweepPlan } from "../../src/core/sweeps/plan.ts";

/** What happens to one attempt, and to the job after the last. */
export interface Course {
  /** Attempts that end without the runner's word: its machine goes away, or it dies. */
  readonly lost: number;
  /** Attempts after those that fail, whatever comes in the end; and how many may follow a failed one. */
  readonly fails?: number;
  readonly retries?: number;
  readonly end: "ok" | "fail" | "dies" | "refused" | "reused";
  readonly ms: number;
  /** Does not listen when it is told to end. */
  readonly deaf?: true;
}

/** A job that runs a command. Of a loop's body: one course an iteration or item, the last for all that follow. */
export interface Leaf {
  readonly kind: "leaf";
  readonly courses: readonly Course[];
  readonly says?: Says;
}

/** Literal outputs of a completed job, by iteration. */
export type Says = Readonly<Record<string, readonly string[]>>;

/** `kind` is a key of `KINDS`. */
export type CompositeSpec = PipelineSpec | SweepSpec;

/** Its trials are one leaf, whose courses are theirs, by index. */
export interface SweepSpec {
  readonly kind: "sweep";
  readonly plan: SweepPlan;
  readonly children: Readonly<Record<string, Leaf | CompositeSpec>>;
  readonly says?: Says;
}

export interface PipelineSpec {
  readonly kind: "pipeline";
  readonly plan: PipelinePlan;
  readonly children: Readonly<Record<string, Leaf | CompositeSpec>>;
  readonly says?: Says;
}

/** Probabilities, unless the name says otherwise. */
export interface Faults {
  /** Of a server, at each step it takes. */
  readonly crash: number;
  /** Of a message or a request. */
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
  /** Jobs that somebody cancels, by count. */
  readonly strayCancels: number;
}

export interface Scenario {
  readonly seed: number;
  readonly servers: number;
  readonly slots: number;
  readonly faults: Faults;
  readonly cancelAtMs?: number;
  readonly root: CompositeSpec;
}

export const specOf = (composite: CompositeSpec, { node }: ChildOrder): Leaf | CompositeSpec => {
  const spec = composite.children[node];
  if (spec === undefined) throw new Error(`the scenario has no child \`${node}\``);
  return spec;
};

/** Which of its kind a child is: iterations, items and trials count from 0. */
const placeOf = ({ node, child, iteration = 0 }: ChildOrder): number =>
  node === TRIAL_NODE ? Number(child) : iteration;

export const courseOf = ({ courses }: Leaf, order: ChildOrder): Course => {
  const course = courses[Math.min(placeOf(order), courses.length - 1)];
  if (course === undefined) throw new Error("a leaf without a course");
  return course;
};

export function valuesOf({ says = {} }: Leaf | CompositeSpec, order: ChildOrder): Record<string, string> {
  return Object.fromEntries(
    Object.entries(says).map(([output, texts]) => [output, texts[Math.min(placeOf(order), texts.length - 1)] ?? ""]),
  );
}
