/**
 * What of a pipeline decides the order of its steps; it never changes. What a step runs, and with what, is not in it.
 * Names are unique among the nodes, and every name that a node mentions is that of a node.
 */
export interface PipelinePlan {
  /** False: the first step that fails or is canceled ends the rest; else only what depends on it is not run. Azure's default is true. */
  readonly continueOnStepFailure: boolean;
  readonly nodes: readonly PipelineNode[];
}

export type PipelineNode = JobNode | IfElseNode | DoWhileNode | ParallelForNode;

interface BaseNode {
  /** A step's name; it is also the key of its child, or the part before the `#` of its children's keys. */
  readonly name: string;
  /** Runs once all of these completed; to wait for a loop's body is to wait for the loop. */
  readonly after: readonly string[];
}

/** A step: one child, of whatever kind. Where it is the body of a loop, it runs as often as the loop says, with the loop's key. */
export interface JobNode extends BaseNode {
  readonly kind: "job";
}

/** A literal output of a step, which is waited for without being in `after`. Of a loop's body: the value of the last iteration. */
export interface OutputRef {
  readonly node: string;
  readonly output: string;
}

/** Lets one of two blocks run. Who runs `after` it waits for the decision, not for the block. */
export interface IfElseNode extends BaseNode {
  readonly kind: "if_else";
  readonly condition: boolean | OutputRef;
  /** Nodes of the blocks; each is in one block at most. */
  readonly trueBlock: readonly string[];
  readonly falseBlock: readonly string[];
}

/** Runs its body, one iteration after the other, while the iteration's literal output `condition` is true. Children: `NAME#0`, `NAME#1`, … */
export interface DoWhileNode extends BaseNode {
  readonly kind: "do_while";
  /** A job node, body of this loop only. */
  readonly body: string;
  /** Name of an output of the body. */
  readonly condition: string;
  /** At least 1. The loop completes with the last iteration, whatever it says. */
  readonly maxIterations: number;
}

/** Runs its body once for each item. Children: `NAME#0`, `NAME#1`, … in the items' order. */
export interface ParallelForNode extends BaseNode {
  readonly kind: "parallel_for";
  /** A job node, body of this loop only. */
  readonly body: string;
  /** JSON texts, one an item; or an output whose text is a JSON list, or a JSON object whose values are the items. */
  readonly items: readonly string[] | OutputRef;
  /** Children at once. @default 1000 */
  readonly maxConcurrency?: number;
}
