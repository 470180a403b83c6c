import { stepNamed } from "../../../contract/expressions.ts";
import type { DoWhileStep, IfElseStep, ParallelForStep, Step } from "../../../contract/pipelines.ts";
import type { Problem } from "../../jobs/problems.ts";
import type { LoopTemplate } from "../document.ts";
import type { OutputRef, PipelineNode } from "../pipeline/plan.ts";
import type { FromItems } from "./ports.ts";
import { boundPath, type Scope, textOf } from "./scope.ts";

type Say = (problem: Problem) => void;
export type ControlStep = IfElseStep | DoWhileStep | ParallelForStep;

export function isControl(step: Step): step is ControlStep {
  return step.type === "if_else" || step.type === "do_while" || step.type === "parallel_for";
}

/** A loop's name by its body's. */
export function loopsByBody(steps: Readonly<Record<string, Step>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(steps).flatMap(([name, step]) =>
      step.type === "do_while" || step.type === "parallel_for" ? [[stepNamed(step.body), name] as const] : [],
    ),
  );
}

/** The node of a control step; undefined where something is wrong with it. */
export function planControl(name: string, step: ControlStep, scope: Scope, say: Say): PipelineNode | undefined {
  const base = { name, after: [] };
  switch (step.type) {
    case "if_else": {
      const condition = conditionOf(step.condition, scope, say);
      const [trueBlock, falseBlock] = [step.true_block, step.false_block].map((block) =>
        block === undefined ? [] : [block].flat().map(stepNamed),
      );
      if (condition === undefined) return undefined;
      return { ...base, kind: "if_else", condition, trueBlock: trueBlock ?? [], falseBlock: falseBlock ?? [] };
    }
    case "do_while": {
      const { condition, limits } = step;
      if (condition === undefined) {
        const hint = "name a boolean output of the body: the loop goes on while it is true";
        say({ field: "condition", message: "`condition` is not given", hint });
        return undefined;
      }
      const output = boundPath(condition)?.slice(3).join(".") ?? condition;
      return {
        ...base,
        kind: "do_while",
        body: stepNamed(step.body),
        condition: output,
        maxIterations: limits?.max_iteration_count ?? 1000,
      };
    }
    case "parallel_for": {
      const items = itemsOf(step.items ?? [], scope, say);
      if (items === undefined) return undefined;
      const { max_concurrency: most } = step;
      const body = stepNamed(step.body);
      return { ...base, kind: "parallel_for", body, items, ...(most === undefined ? {} : { maxConcurrency: most }) };
    }
  }
}

/** What a loop gives its body. */
export function loopTemplate(step: DoWhileStep | ParallelForStep): Omit<LoopTemplate, "gathered" | "types"> {
  const body = stepNamed(step.body);
  if (step.type === "parallel_for") return { kind: "parallel_for", body, carried: {} };
  const carried = Object.entries(step.mapping ?? {}).flatMap(([output, inputs]) =>
    [inputs].flat().map((input) => [boundPath(input)?.slice(3).join(".") ?? input, output] as const),
  );
  return { kind: "do_while", body, carried: Object.fromEntries(carried) };
}

/** Inputs that items give their body. */
export function namesInItems({ items = [], partitions }: ParallelForStep): FromItems {
  if (partitions !== undefined) return { names: [partitions.input] };
  const maps = typeof items === "string" ? parsed(items) : items;
  if (maps === undefined) return { names: undefined };
  return { names: [...new Set(Object.values(maps).flatMap((item) => Object.keys(Object(item))))] };
}

function conditionOf(given: string | boolean, scope: Scope, say: Say): boolean | OutputRef | undefined {
  if (typeof given === "boolean") return given;
  const path = boundPath(given);
  if (path?.[0] === "jobs" && path[2] === "outputs") return { node: path[1] ?? "", output: path.slice(3).join(".") };
  const input = path?.[0] === "inputs" ? scope[path.slice(1).join(".")] : undefined;
  if (input !== undefined && "later" in input) return true;
  const text = (input === undefined ? given : textOf(input))?.trim().toLowerCase();
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  say({
    field: "condition",
    message: `\`${given}\` is neither true nor false`,
    hint: "bind it to a boolean input of the pipeline, or to a boolean output of a step",
  });
  return undefined;
}

function itemsOf(
  given: NonNullable<ParallelForStep["items"]>,
  scope: Scope,
  say: Say,
): readonly string[] | OutputRef | undefined {
  if (typeof given !== "string") return Object.values(given).map((item) => JSON.stringify(item));
  const path = boundPath(given);
  if (path?.[0] === "jobs" && path[2] === "outputs") return { node: path[1] ?? "", output: path.slice(3).join(".") };
  const input = path?.[0] === "inputs" ? scope[path.slice(1).join(".")] : undefined;
  if (input !== undefined && "later" in input) return [];
  const items = parsed((input === undefined ? given : textOf(input)) ?? "");
  if (items !== undefined) return Object.values(items).map((item) => JSON.stringify(item));
  say({
    field: "items",
    message: "`items` is no JSON text of a list or a map",
    hint: "write a list of maps, from names of the body's inputs to values",
  });
  return undefined;
}

function parsed(text: string): readonly unknown[] | Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
