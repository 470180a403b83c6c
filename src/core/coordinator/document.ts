import type { JobSpec } from "../../contract/jobs.ts";
import type { Partitions } from "../../contract/pipelines.ts";
import type { PreparedCommand } from "../jobs/plan-command-job.ts";
import type { PipelinePlan } from "./pipeline/plan.ts";

/** What of a composite job never changes, resolved when it was submitted; kept as one JSON object. */
export interface CompositeDocument {
  readonly v: 1;
  /** As submitted, with its steps: the job's own record is too small for them. */
  readonly spec: JobSpec;
  /** The machine's. */
  readonly plan: unknown;
}

export interface PipelineDocument extends CompositeDocument {
  readonly plan: PipelinePlan;
  /** By name of a job node. */
  readonly steps: Readonly<Record<string, StepTemplate>>;
  readonly loops: Readonly<Record<string, LoopTemplate>>;
  /** Which step's output an output of the pipeline is: of several, as of two branches, the first that ran. */
  readonly results: Readonly<Record<string, readonly OutputOf[]>>;
  readonly forceRerun: boolean;
}

export interface OutputOf {
  readonly step: string;
  readonly output: string;
}

/** An input that is another step's output. */
export interface BoundInput extends OutputOf {
  /** Of the port it goes to; absent: that of the output. */
  readonly type?: string;
  readonly mode?: string;
}

/** What a step's jobs are made from. */
export interface StepTemplate {
  /** The job, but for inputs that are not known before others have ended. */
  readonly spec: JobSpec;
  readonly bound: Readonly<Record<string, BoundInput>>;
  /** Types of inputs that nobody but a loop's items gives, where the component says. */
  readonly types: Readonly<Record<string, string>>;
  /** References resolved and pinned, of a command. */
  readonly prepared?: PreparedCommand;
  /** False: its results are never another one's. */
  readonly deterministic: boolean;
}

export interface LoopTemplate {
  readonly kind: "do_while" | "parallel_for";
  readonly body: string;
  /** Inputs of an iteration that are outputs of the one before. */
  readonly carried: Readonly<Record<string, string>>;
  /** Outputs of the body that others read as one folder, or one list. */
  readonly gathered: readonly string[];
  /** Types of inputs that items give, where the component says. */
  readonly types: Readonly<Record<string, string>>;
  /** Each item's model is registered. */
  readonly models?: { readonly group: string; readonly output: string };
  /** Items are the parts of a step's output. */
  readonly partitions?: OutputOf & Partitions;
}
