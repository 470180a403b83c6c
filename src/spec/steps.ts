import { stepNamed } from "../contract/expressions.ts";
import { child, keysOf, type SpecNode, textOf } from "./nodes.ts";

/** What is known about the ports of a step: all of them, or nothing when the component is elsewhere. */
export interface StepPorts {
  readonly inputs: SpecNode | undefined;
  readonly outputs: SpecNode | undefined;
  /** Names that need no value: parameters of a sweep. */
  readonly filled: ReadonlySet<string>;
  /** The component is a pipeline itself. */
  readonly nested: boolean;
}

export interface Step {
  readonly name: string;
  readonly field: string;
  readonly node: SpecNode;
  readonly ports: StepPorts | undefined;
}

/** Fields of control steps that name steps. */
export const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  if_else: ["true_block", "false_block"],
  do_while: ["body"],
  parallel_for: ["body"],
};

export function kindOf(step: Step): string {
  return textOf(child(step.node, "type"))?.toLowerCase() ?? "command";
}

/** Inputs that a step is given by the items of a loop. Items that are a text are known when it runs, so they may give any. */
export function givenByItems(steps: ReadonlyMap<string, Step>): ReadonlyMap<string, (name: string) => boolean> {
  const given = new Map<string, (name: string) => boolean>();
  for (const step of steps.values()) {
    if (kindOf(step) !== "parallel_for") continue;
    const items = child(step.node, "items");
    const maps = items?.form === "list" ? items.items : items?.form === "map" ? valuesOf(items) : [];
    const part = textOf(child(child(step.node, "partitions"), "input"));
    const names = new Set([...maps.flatMap(keysOf), ...(part === undefined ? [] : [part])]);
    given.set(stepNamed(textOf(child(step.node, "body")) ?? ""), (name) => names.size === 0 || names.has(name));
  }
  return given;
}

const valuesOf = (node: SpecNode): SpecNode[] => keysOf(node).flatMap((key) => child(node, key) ?? []);
