import { stepNamed } from "../../../contract/expressions.ts";
import type { JobOutput } from "../../../contract/jobs.ts";
import { isLiteral } from "../../../contract/names.ts";
import type { ParallelForStep, PipelineJobSpec, Step } from "../../../contract/pipelines.ts";
import { nearest } from "../../../spec/suggest.ts";
import { type Findings, makeFindings, type Problem } from "../../jobs/problems.ts";
import type { LoopTemplate, OutputOf, PipelineDocument, StepTemplate } from "../document.ts";
import { planProblems } from "../pipeline/graph.ts";
import type { PipelineNode, PipelinePlan } from "../pipeline/plan.ts";
import { isControl, loopsByBody, loopTemplate, namesInItems, planControl } from "./flow.ts";
import { withItems } from "./partitions.ts";
import { boundPath } from "./scope.ts";
import { type Around, foreign, isRun, type PlannedStep, planStep, type StepDeps } from "./step.ts";

export interface StepsOf extends Pick<Around, "workspace" | "scope" | "outputs" | "nested"> {
  readonly spec: PipelineJobSpec;
}

type Steps = Pick<PipelineDocument, "plan" | "steps" | "loops" | "results" | "forceRerun"> & {
  readonly pinned: Record<string, Step>;
};

/** Plans each step, and what they say about each other. Undefined where something is wrong. */
export async function planSteps(deps: StepDeps, of: StepsOf, findings: Findings): Promise<Steps | undefined> {
  const written = of.spec.jobs ?? {};
  const steps = await withItems(deps, { ...of, steps: written }, findings);
  const { default_compute, ...settings } = of.spec.settings ?? {};
  const around: Around = { ...of, compute: default_compute ?? of.spec.compute, settings };
  const loops = loopsByBody(steps);
  const before = findings.problems.length;
  const said = (name: string) => (problem: Problem) =>
    void findings.problems.push({ ...problem, field: `jobs.${name}.${problem.field}` });
  const planned = new Map<string, PlannedStep>();
  const nodes: PipelineNode[] = [];
  const warnings = new Map<string, string[]>();
  await Promise.all(
    Object.entries(steps).map(async ([name, step]) => {
      if (isControl(step)) return;
      const own = makeFindings();
      if (!isRun(step)) {
        own.problems.push({ field: "type", ...foreign(step.type) });
      } else {
        const loop = steps[loops.get(name) ?? ""];
        const fromItems = loop?.type === "parallel_for" ? namesInItems(loop) : undefined;
        const made = await planStep(deps, name, step, around, own, fromItems);
        if (made !== undefined) planned.set(name, made);
      }
      own.problems.forEach(said(name));
      for (const warning of own.warnings) warnings.set(warning, [...(warnings.get(warning) ?? []), name]);
    }),
  );
  findings.warnings.push(...[...warnings].map(([text, names]) => `${wordSteps(names)}: ${text}`));
  for (const [name, step] of Object.entries(steps)) {
    if (isControl(step)) {
      const node = planControl(name, step, of.scope, said(name));
      if (node !== undefined) nodes.push(withBodies(node, loops));
    } else nodes.push({ name, kind: "job", after: [] });
  }
  if (findings.problems.length > before) return undefined;
  const plan: PipelinePlan = {
    continueOnStepFailure: settings.continue_on_step_failure ?? true,
    nodes: nodes.map((node) => ({ ...node, after: waitsFor(node.name, planned.get(node.name), loops) })),
  };
  checkBound(steps, planned, loops, said);
  checkModels(steps, planned, said);
  for (const { node, message } of planProblems(plan)) said(node)({ field: "", message });
  if (findings.problems.length > before) return undefined;
  return {
    plan,
    steps: Object.fromEntries([...planned].map(([name, { template }]) => [name, template])),
    loops: loopsOf(steps, planned, loops),
    results: gatherResults(planned),
    forceRerun: settings.force_rerun === true,
    pinned: Object.fromEntries(
      Object.entries(written).map(([name, step]) => [name, planned.get(name)?.pinned ?? step]),
    ),
  };
}

function wordSteps(names: readonly string[]): string {
  const shown = [...names].sort().slice(0, 5);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
  return `${names.length === 1 ? "step" : "steps"} ${shown.map((name) => `\`${name}\``).join(", ")}${more}`;
}

/** Values are kept by the step that wrote them: a loop's are its body's. */
function withBodies(node: PipelineNode, loops: ReadonlyMap<string, string>): PipelineNode {
  const bodyOf = (name: string): string => [...loops].find(([, loop]) => loop === name)?.[0] ?? name;
  if (node.kind === "if_else" && typeof node.condition !== "boolean") {
    return { ...node, condition: { ...node.condition, node: bodyOf(node.condition.node) } };
  }
  if (node.kind === "parallel_for" && "node" in node.items) {
    return { ...node, items: { ...node.items, node: bodyOf(node.items.node) } };
  }
  return node;
}

function waitsFor(name: string, step: PlannedStep | undefined, loops: ReadonlyMap<string, string>): readonly string[] {
  const named = Object.values(step?.template.bound ?? {}).map(({ step: other }) => other);
  return [...new Set(named)].filter((other) => other !== name && other !== loops.get(name));
}

/** Every binding to a step must name a step, and an output that it has, of a type that fits. */
function checkBound(
  steps: Readonly<Record<string, Step>>,
  planned: ReadonlyMap<string, PlannedStep>,
  loops: ReadonlyMap<string, string>,
  said: (name: string) => (problem: Problem) => void,
): void {
  const bodies = new Map([...loops].map(([body, loop]) => [loop, body]));
  for (const [name, { template }] of planned) {
    for (const [input, bound] of Object.entries(template.bound)) {
      const field = `inputs.${input}`;
      if (!Object.hasOwn(steps, bound.step)) {
        const near = nearest(bound.step, Object.keys(steps));
        const hint = near === undefined ? {} : { hint: `did you mean \`${near}\`?` };
        said(name)({ field, message: `the pipeline has no step \`${bound.step}\``, ...hint });
        continue;
      }
      const source = planned.get(bodies.get(bound.step) ?? bound.step);
      if (source === undefined || bound.output === "artifacts") continue;
      const outputs: Readonly<Record<string, JobOutput>> = outputsOf(source.template);
      const output = outputs[bound.output];
      if (output === undefined) {
        const known = Object.keys(outputs).map((word) => `\`${word}\``);
        const hint = `it has ${known.join(", ") || "none"}`;
        said(name)({ field, message: `step \`${bound.step}\` has no output \`${bound.output}\``, hint });
        continue;
      }
      const isGathered = steps[loops.get(bound.step) ?? bound.step]?.type === "parallel_for";
      const [made = "uri_folder", wanted] = [output.type, bound.type];
      if (isGathered || wanted === undefined || isLiteral(made) === isLiteral(wanted)) continue;
      const message = `it is of type \`${wanted}\`, but output \`${bound.output}\` of step \`${bound.step}\` is \`${made}\``;
      said(name)({ field, message });
    }
  }
}

/** What a loop registers as models must be an output of its body, of a type of models. */
function checkModels(
  steps: Readonly<Record<string, Step>>,
  planned: ReadonlyMap<string, PlannedStep>,
  said: (name: string) => (problem: Problem) => void,
): void {
  for (const [name, step] of Object.entries(steps)) {
    const body = step.type === "parallel_for" ? planned.get(stepNamed(step.body)) : undefined;
    if (step.type !== "parallel_for" || step.models === undefined || body === undefined) continue;
    const { output } = step.models;
    const type = outputsOf(body.template)[output]?.type;
    if (type?.endsWith("_model") === true) continue;
    const message =
      type === undefined
        ? `the body has no output \`${output}\``
        : `output \`${output}\` of the body is of type \`${type}\``;
    said(name)({ field: "models.output", message, hint: "it is of type `mlflow_model` or `custom_model`" });
  }
}

function outputsOf({ spec }: StepTemplate): Readonly<Record<string, JobOutput>> {
  return ("outputs" in spec ? spec.outputs : undefined) ?? {};
}

function loopsOf(
  steps: Readonly<Record<string, Step>>,
  planned: ReadonlyMap<string, PlannedStep>,
  byBody: ReadonlyMap<string, string>,
): Record<string, LoopTemplate> {
  const loops: Record<string, LoopTemplate> = {};
  for (const [name, step] of Object.entries(steps)) {
    if (step.type !== "do_while" && step.type !== "parallel_for") continue;
    const body = stepNamed(step.body);
    const read = [...planned.values()].flatMap(({ template }) =>
      Object.values(template.bound).flatMap(({ step: from, output }) =>
        from === name || from === body ? [output] : [],
      ),
    );
    const results = Object.values(planned.get(body)?.results ?? {});
    const isParallel = byBody.get(body) === name && step.type === "parallel_for";
    loops[name] = {
      ...loopTemplate(step),
      gathered: isParallel ? [...new Set([...read, ...results])] : [],
      types: planned.get(body)?.template.types ?? {},
      ...(step.type === "parallel_for" ? ofParts(step) : {}),
    };
  }
  return loops;
}

function ofParts({ models, partitions }: ParallelForStep): Pick<LoopTemplate, "models" | "partitions"> {
  const path = boundPath(partitions?.of);
  const isLater = path?.[0] === "jobs";
  return {
    ...(models === undefined ? {} : { models }),
    ...(partitions === undefined || !isLater
      ? {}
      : { partitions: { ...partitions, step: path[1] ?? "", output: path.slice(3).join(".") } }),
  };
}

function gatherResults(planned: ReadonlyMap<string, PlannedStep>): Record<string, OutputOf[]> {
  const results: Record<string, OutputOf[]> = {};
  for (const [step, { results: own }] of planned) {
    for (const [result, output] of Object.entries(own)) {
      const known = results[result] ?? [];
      known.push({ step, output });
      results[result] = known;
    }
  }
  return results;
}
