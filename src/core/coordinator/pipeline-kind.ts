import { AppError, ERRORS, isAppError } from "../../contract/errors.ts";
import { DataType, type JobInput, type JobOutput, type JobSpec } from "../../contract/jobs.ts";
import { GROUP_TAG, isLiteral, PARTITION_TAG } from "../../contract/names.ts";
import type { PipelineJobSpec } from "../../contract/pipelines.ts";
import { DEFAULT_DATASTORE } from "../jobs/plan-ports.ts";
import type { PlannedOutput } from "../jobs/record.ts";
import type { BoundInput, CompositeDocument, LoopTemplate, PipelineDocument, StepTemplate } from "./document.ts";
import type { ChildJob, CompositeKind, OpenJob, PartSketch } from "./kinds.ts";
import type { ChildOrder, CompositeEvent, Machine } from "./machine.ts";
import { pipelineMachine } from "./pipeline/pipeline.ts";
import { type Mark, markAt, type PipelineState } from "./pipeline/state.ts";
import { labelOf, listPartitions } from "./planning/partitions.ts";
import { planPipeline } from "./planning/plan-pipeline.ts";
import { literalText } from "./planning/ports.ts";
import type { StepDeps } from "./planning/step.ts";
import type { ReuseWish } from "./reuse/look-up.ts";

/** Pipelines: what their steps are given, and what they leave. */
export function makePipelineKind(deps: StepDeps): CompositeKind {
  return {
    type: "pipeline",
    machine: pipelineMachine as Machine<unknown, unknown>,
    plan: (workspace, job, spec) => planPipeline(deps, workspace, job, spec as PipelineJobSpec),
    child: makeChild,
    enrich: (workspace, document, childJob, event) => tellParts(deps, workspace, document, childJob, event),
    outputs: finalOutputs,
    sketch: (document, state) => sketchPipeline(document as PipelineDocument, state as PipelineState | undefined),
  };
}

const STATUSES: Readonly<Record<Mark, string>> = {
  ".": "Waiting",
  o: "Running",
  c: "Completed",
  r: "Completed",
  f: "Failed",
  x: "Canceled",
  b: "Skipped",
  u: "Skipped",
  n: "Skipped",
};
const SKIPPED: Readonly<Partial<Record<Mark, string>>> = {
  b: "another branch was taken",
  u: "a step that it needs did not complete",
  n: "the pipeline ended before",
};

function sketchPipeline({ plan, steps }: PipelineDocument, state: PipelineState | undefined): readonly PartSketch[] {
  const { nodes } = plan;
  const gates = new Map(
    nodes.flatMap((node) =>
      node.kind === "if_else" ? [...node.trueBlock, ...node.falseBlock].map((name) => [name, node.name] as const) : [],
    ),
  );
  const bodies = new Map(
    nodes.flatMap((node) =>
      node.kind === "do_while" || node.kind === "parallel_for" ? [[node.body, node.name] as const] : [],
    ),
  );
  return nodes.flatMap((node, i): PartSketch[] => {
    if (bodies.has(node.name)) return [];
    const mark = markAt(state?.marks ?? "", i);
    const body =
      node.kind === "do_while" || node.kind === "parallel_for"
        ? nodes.find(({ name }) => name === node.body)
        : undefined;
    const decides =
      node.kind === "if_else" && typeof node.condition !== "boolean"
        ? [node.condition.node]
        : node.kind === "parallel_for" && "node" in node.items
          ? [node.items.node]
          : [];
    const gate = gates.get(node.name);
    const after = [...node.after, ...(body?.after ?? []), ...decides, ...(gate === undefined ? [] : [gate])];
    const reason = SKIPPED[mark] ?? state?.reasons[node.name];
    return [
      {
        key: node.name,
        type: node.kind === "job" ? (steps[node.name]?.spec.type ?? "command") : node.kind,
        after: [...new Set(after.map((name) => bodies.get(name) ?? name))],
        status: STATUSES[mark],
        ...(reason === undefined ? {} : { reason }),
      },
    ];
  });
}

async function makeChild(open: OpenJob, order: ChildOrder): Promise<ChildJob> {
  const document = open.document as PipelineDocument;
  const template = document.steps[order.node];
  if (template === undefined) throw new AppError("Internal", `the plan has no step \`${order.node}\``);
  const loopName = order.child === order.node ? undefined : order.child.slice(0, order.child.lastIndexOf("#"));
  const loop = loopName === undefined ? undefined : document.loops[loopName];
  const bound = await bindAll(open, template.bound);
  const fromLoop =
    loop === undefined || loopName === undefined ? {} : await loopInputs(open, { loop, loopName, order, template });
  const spec = {
    ...template.spec,
    inputs: { ...inputsOf(template.spec), ...bound, ...fromLoop },
    outputs: placedOutputs(open, { loop, loopName, order }, template.spec),
    ...(loop === undefined
      ? {}
      : {
          display_name: `${template.spec.display_name ?? order.node} ${labelOf(order.item) ?? order.child.slice(order.child.lastIndexOf("#") + 1)}`,
        }),
    experiment_name: open.job.experimentName,
    parent_job_name: open.job.name,
  } as JobSpec;
  return {
    request: { spec },
    ...(template.prepared === undefined ? {} : { prepared: template.prepared }),
    ...(spec.type === "command" ? { reuse: wishOf(document, template) } : {}),
  };
}

function wishOf({ forceRerun }: PipelineDocument, { deterministic }: StepTemplate): ReuseWish {
  if (!deterministic) return { off: "its component says that it is not deterministic" };
  return forceRerun ? "rerun" : "look";
}

function inputsOf(spec: JobSpec): Readonly<Record<string, JobInput>> {
  return ("inputs" in spec ? spec.inputs : undefined) ?? {};
}

function specOutputs(spec: JobSpec): Readonly<Record<string, JobOutput>> {
  return ("outputs" in spec ? spec.outputs : undefined) ?? {};
}

async function bindAll(
  open: OpenJob,
  bound: Readonly<Record<string, BoundInput>>,
): Promise<Readonly<Record<string, JobInput>>> {
  const inputs = await Promise.all(
    Object.entries(bound).map(async ([name, binding]) => [name, await bind(open, binding)] as const),
  );
  return Object.fromEntries(inputs);
}

/** What an iteration is given by the one before, or by its item. */
async function loopInputs(
  open: OpenJob,
  of: {
    readonly loop: LoopTemplate;
    readonly loopName: string;
    readonly order: ChildOrder;
    readonly template: StepTemplate;
  },
): Promise<Readonly<Record<string, JobInput>>> {
  const { loop, loopName, order, template } = of;
  if (order.item !== undefined) return itemInputs(order.item, template, loop);
  if (order.iteration === undefined || order.iteration === 0) return {};
  const before = `${loopName}#${order.iteration - 1}`;
  const inputs = await Promise.all(
    Object.entries(loop.carried).map(async ([input, output]) => {
      const found = await outputOf(open, before, output);
      const type = template.bound[input]?.type ?? inputsOf(template.spec)[input]?.type;
      return [input, asInput(found, { ...(type === undefined ? {} : { type }) })] as const;
    }),
  );
  return Object.fromEntries(inputs);
}

function itemInputs(item: string, template: StepTemplate, loop: LoopTemplate): Readonly<Record<string, JobInput>> {
  const value: unknown = JSON.parse(item);
  const fields = typeof value === "object" && value !== null && !Array.isArray(value) ? value : { item: value };
  return Object.fromEntries(
    Object.entries(fields).map(([name, given]) => {
      const type = loop.types[name] ?? inputsOf(template.spec)[name]?.type;
      return [name, itemInput(given, type)];
    }),
  );
}

function itemInput(given: unknown, type: string | undefined): JobInput {
  if (typeof given === "object" && given !== null && "path" in given) {
    const { path, type: own = type } = given as { readonly path: unknown; readonly type?: string };
    return { type: dataType(own), path: String(path) };
  }
  const value = isScalar(given) ? literalText(given) : JSON.stringify(given);
  if (type !== undefined && !isLiteral(type)) return { type: dataType(type), path: value };
  return { type: isLiteral(type) ? type : literalType(given), value };
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

function literalType(value: unknown): "boolean" | "integer" | "number" | "string" {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return "string";
}

function dataType(type: string | undefined): DataType {
  const known = DataType.safeParse(type);
  return known.success ? known.data : "uri_folder";
}

interface Found {
  readonly type: string;
  readonly uri: string;
  readonly value?: string;
}

/** The output of another step, as it is now that the step has ended. */
async function bind(open: OpenJob, binding: BoundInput): Promise<JobInput> {
  const { step, output } = binding;
  const { loops } = open.document as PipelineDocument;
  const [loopName, loop] = Object.entries(loops).find(([name, { body }]) => name === step || body === step) ?? [];
  if (loop?.kind === "parallel_for" && loopName !== undefined) {
    return asInput(await gathered(open, loopName, loop, output), binding);
  }
  const key = loop === undefined ? step : `${loopName}#${await lastIteration(open, loopName ?? "")}`;
  return asInput(await outputOf(open, key, output), binding);
}

async function lastIteration(open: OpenJob, loop: string): Promise<number> {
  const { loops } = (await open.state()) as PipelineState;
  const state = loops[loop];
  return state?.kind === "do_while" ? state.iteration : 0;
}

async function outputOf(open: OpenJob, key: string, output: string): Promise<Found> {
  const child = await open.child(key);
  if (child?.status !== "Completed") {
    throw new AppError("Conflict", `step \`${key}\`, whose output \`${output}\` is an input, has not completed`);
  }
  const uri = `azureml://jobs/${child.reusedFrom ?? child.name}/outputs/artifacts`;
  if (output === "artifacts") return { type: "uri_folder", uri };
  const planned = child.outputs[output];
  if (planned === undefined) throw new AppError("InvalidSpec", `step \`${key}\` has no output \`${output}\``);
  const value = planned.contents?.value;
  return { type: planned.type, uri: planned.uri, ...(value === undefined ? {} : { value }) };
}

/** A literal where both are literals, else the files, or their address. */
function asInput(found: Found, to: Pick<BoundInput, "type" | "mode">): JobInput {
  if (to.type !== undefined && !isLiteral(to.type) && isLiteral(found.type))
    return { type: "uri_file", path: found.uri };
  if (!isLiteral(found.type) && !isLiteral(to.type)) {
    const mode = to.mode as Extract<JobInput, { readonly path: string }>["mode"];
    return { type: dataType(found.type), path: found.uri, ...(mode === undefined ? {} : { mode }) };
  }
  const type = isLiteral(to.type) ? to.type : isLiteral(found.type) ? found.type : "string";
  if (!isLiteral(found.type)) return { type, value: found.uri };
  if (found.value === undefined) throw new AppError("InvalidSpec", `nothing was written to \`${found.uri}\``);
  return { type, value: found.value };
}

/** The folder that holds an output of all of a loop's items, each in a folder of its own; literal ones as a list of JSON. */
async function gathered(open: OpenJob, loopName: string, loop: LoopTemplate, output: string): Promise<Found> {
  const { steps } = open.document as PipelineDocument;
  const declared = specOutputs(steps[loop.body]?.spec ?? open.document.spec)[output];
  if (!isLiteral(declared?.type)) return { type: "uri_folder", uri: gatherPlace(open, loopName, output) };
  const values: (string | undefined)[] = [];
  for (let i = 0; ; i++) {
    const child = await open.child(`${loopName}#${i}`);
    if (child === undefined) break;
    values.push(child.outputs[output]?.contents?.value);
  }
  return { type: "string", uri: gatherPlace(open, loopName, output), value: JSON.stringify(values) };
}

function asModel(group: string, partition: string): Partial<JobOutput> {
  return {
    name: `${group}-${partition}`,
    tags: { [GROUP_TAG]: group, [PARTITION_TAG]: partition },
  };
}

/** Adds what a loop over the parts of an output needs to know of a step's end: those parts, as items. */
async function tellParts(
  { files }: StepDeps,
  workspace: string,
  document: CompositeDocument,
  childJob: string,
  event: CompositeEvent & { readonly kind: "ended" },
): Promise<CompositeEvent> {
  const wanted = Object.values((document as PipelineDocument).loops).flatMap(({ partitions }) =>
    partitions?.step === event.child ? [partitions] : [],
  );
  if (wanted.length === 0 || event.status !== "Completed") return event;
  const values: Record<string, string> = { ...event.values };
  for (const partitions of wanted) {
    const uri = `azureml://jobs/${childJob}/outputs/${partitions.output}`;
    try {
      values[partitions.output] = JSON.stringify(await listPartitions(files, workspace, uri, partitions));
    } catch (error) {
      if (!isAppError(error) || ERRORS[error.code].retry) throw error;
    }
  }
  return { ...event, values };
}

function gatherPlace({ job, document }: OpenJob, loopName: string, output: string): string {
  const { results, loops } = document as PipelineDocument;
  const body = loops[loopName]?.body;
  const [result] =
    Object.entries(results).find(([, of]) => of.some((it) => it.step === body && it.output === output)) ?? [];
  const planned = result === undefined ? undefined : job.outputs[result]?.uri;
  const place = planned ?? `azureml://datastores/${DEFAULT_DATASTORE}/paths/azureml/${job.name}/${loopName}/${output}`;
  return place.endsWith("/") ? place : `${place}/`;
}

function placedOutputs(
  open: OpenJob,
  of: { readonly loop: LoopTemplate | undefined; readonly loopName: string | undefined; readonly order: ChildOrder },
  spec: JobSpec,
): Readonly<Record<string, JobOutput>> {
  const outputs = specOutputs(spec);
  const { loop, loopName, order } = of;
  if (loop?.kind !== "parallel_for" || loopName === undefined) return outputs;
  const item = order.child.slice(order.child.lastIndexOf("#") + 1);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => {
      const registered = name === loop.models?.output ? asModel(loop.models.group, labelOf(order.item) ?? item) : {};
      if (!loop.gathered.includes(name) || isLiteral(output.type)) return [name, { ...output, ...registered }];
      const isFile = output.type === "uri_file";
      return [
        name,
        { ...output, ...registered, path: `${gatherPlace(open, loopName, name)}${item}${isFile ? "" : "/"}` },
      ];
    }),
  );
}

/** The pipeline's outputs are those of its steps. One that no step wrote stays where it was to be. */
async function finalOutputs(open: OpenJob): Promise<Readonly<Record<string, PlannedOutput>>> {
  const { results, loops } = open.document as PipelineDocument;
  const outputs = await Promise.all(
    Object.entries(open.job.outputs).map(async ([name, planned]) => {
      for (const { step, output } of results[name] ?? []) {
        const [loopName, loop] = Object.entries(loops).find(([, { body }]) => body === step) ?? [];
        if (loop?.kind === "parallel_for" && loopName !== undefined) {
          return [name, { ...planned, uri: gatherPlace(open, loopName, output), is_file: false }] as const;
        }
        const key = loop === undefined ? step : `${loopName}#${await lastIteration(open, loopName ?? "")}`;
        const made = (await open.child(key))?.outputs[output];
        if (made === undefined) continue;
        const { type, uri, is_file, contents } = made;
        return [name, { ...planned, type, uri, is_file, ...(contents === undefined ? {} : { contents }) }] as const;
      }
      return [name, planned] as const;
    }),
  );
  return Object.fromEntries(outputs);
}
