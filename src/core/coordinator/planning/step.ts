import type * as z from "zod";
import { CommandJobSpec, type JobInput, type JobOutput, type JobSpec } from "../../../contract/jobs.ts";
import {
  type CommandStep,
  type ParallelStep,
  PipelineJobSpec,
  type PipelineStep,
  type Step,
  type SweepStep,
} from "../../../contract/pipelines.ts";
import { pick } from "../../../spec/data.ts";
import type { AssetStore } from "../../assets/ports.ts";
import { type CommandDeps, type PreparedCommand, prepareCommand } from "../../jobs/plan-command-job.ts";
import { planInputs } from "../../jobs/plan-ports.ts";
import { check, type Findings, makeFindings, type Problem } from "../../jobs/problems.ts";
import type { BoundInput, StepTemplate } from "../document.ts";
import { type ComponentBody, findComponent, stepsIn } from "./components.ts";
import { parallelBody } from "./parallel.ts";
import { type FromItems, type Planned, type PlannedStepOutput, planStepInputs, planStepOutputs } from "./ports.ts";
import { fillAll, hasBinding, type Scope } from "./scope.ts";
import { planSearch, sweepPorts } from "./sweep.ts";

export interface StepDeps extends CommandDeps {
  readonly assets: AssetStore;
}

/** What steps of a pipeline share. */
export interface Around {
  readonly workspace: string;
  readonly scope: Scope;
  /** The pipeline's own, with explicit paths as they were resolved. */
  readonly outputs: Readonly<Record<string, JobOutput>>;
  readonly compute?: string | undefined;
  readonly settings: NonNullable<PipelineJobSpec["settings"]>;
  /** Plans what is in a nested pipeline, to find what is wrong with it; answers it with its components put in. */
  nested(spec: PipelineJobSpec, inputs: Scope): Promise<Findings & { readonly spec?: PipelineJobSpec }>;
}

export interface PlannedStep {
  /** With its component put in. */
  readonly pinned: Step;
  readonly template: StepTemplate;
  /** Of the pipeline -> of the step. */
  readonly results: Readonly<Record<string, string>>;
}

type ComponentStep = CommandStep | ParallelStep | PipelineStep;
export type RunStep = ComponentStep | SweepStep;

const RUN_TYPES: readonly string[] = ["command", "parallel", "pipeline", "sweep"] satisfies RunStep["type"][];

export function isRun(step: Step): step is RunStep {
  return RUN_TYPES.includes(step.type);
}

/** A step that runs a job: what the job is made from. */
export async function planStep(
  deps: StepDeps,
  name: string,
  step: RunStep,
  around: Around,
  findings: Findings,
  fromItems?: FromItems,
): Promise<PlannedStep | undefined> {
  const own = makeFindings();
  const [field, component] = step.type === "sweep" ? ["trial", step.trial] : ["component", step.component];
  const body =
    component === undefined
      ? undefined
      : await check(own, field, () => findComponent(deps, around.workspace, component));
  const planned = own.problems.length > 0 ? undefined : await planBody(deps, name, step, body, around, own, fromItems);
  findings.problems.push(...own.problems);
  findings.warnings.push(...own.warnings);
  return planned;
}

async function planBody(
  deps: StepDeps,
  name: string,
  step: RunStep,
  body: ComponentBody | undefined,
  around: Around,
  findings: Findings,
  fromItems: FromItems | undefined,
): Promise<PlannedStep | undefined> {
  const say = (problem: Problem): void => void findings.problems.push(problem);
  // A step that names a component by reference can't say of which kind it is.
  const type = step.type === "sweep" ? "sweep" : (body?.type ?? step.type);
  if (!RUN_TYPES.includes(type)) {
    say({ field: "type", ...foreign(type) });
    return undefined;
  }
  const runs = type === "parallel" ? parallelBody({ ...step, type } as ParallelStep, body, say) : body;
  if (type === "parallel" && runs === undefined) return undefined;
  const ports = portsOf(step, body);
  const inputs = planStepInputs(
    { given: step.inputs ?? {}, ports: ports.inputs, fromItems, lenient: type === "pipeline" },
    around.scope,
    say,
  );
  const outputs = planStepOutputs(step.outputs ?? {}, ports.outputs, around, say);
  const base = {
    inputs: await pinned(deps, around.workspace, knownOf(inputs), findings),
    outputs: Object.fromEntries(Object.entries(outputs).map(([key, { output }]) => [key, output])),
    display_name: step.display_name ?? name,
    ...pick(step, ["description", "tags", "properties", "services", "identity"]),
  };
  const more = await planRun(
    deps,
    { type, step, ...(body === undefined ? {} : { body }), ...(runs === undefined ? {} : { runs }) },
    { base, inputs },
    around,
    findings,
  );
  if (more === undefined) return undefined;
  return {
    pinned: more.pinned,
    template: {
      spec: more.spec,
      bound: boundOf(inputs),
      types: laterTypes(inputs),
      ...(more.prepared === undefined ? {} : { prepared: more.prepared }),
      deterministic: body?.is_deterministic !== false,
    },
    results: resultsOf(outputs),
  };
}

interface Made {
  readonly pinned: Step;
  readonly spec: JobSpec;
  readonly prepared?: PreparedCommand;
}

interface Ports {
  readonly base: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, Planned>>;
}

/** Absent: a step without a component, whose ports are what it says. */
function portsOf(step: RunStep, body: ComponentBody | undefined): ReturnType<typeof sweepPorts> {
  if (body === undefined) return { inputs: undefined, outputs: undefined };
  return step.type === "sweep" ? sweepPorts(step, body) : { inputs: body.inputs ?? {}, outputs: body.outputs ?? {} };
}

/** The job that a step of this type runs. */
function planRun(
  deps: StepDeps,
  of: { readonly type: string; readonly step: RunStep; readonly body?: ComponentBody; readonly runs?: ComponentBody },
  ports: Ports,
  around: Around,
  findings: Findings,
): Promise<Made | undefined> {
  const { type, step, body, runs } = of;
  if (step.type === "sweep") return planSweepStep(deps, step, body, ports, around, findings);
  if (type === "pipeline") return planNested(step, body, ports, around, findings);
  return planCommand(deps, step, runs, ports, around, findings);
}

async function planSweepStep(
  deps: StepDeps,
  step: SweepStep,
  body: ComponentBody | undefined,
  { base, inputs }: Ports,
  around: Around,
  findings: Findings,
): Promise<Made | undefined> {
  if (body === undefined) return undefined;
  const { workspace, scope } = around;
  const given = { base, compute: step.compute ?? around.compute, scope, inputs: standIns(inputs) };
  const spec = await planSearch(deps, workspace, step, body, given, findings);
  return spec === undefined ? undefined : { pinned: { ...step, trial: { ...body } }, spec };
}

const COMMAND_FIELDS = [
  "command",
  "code",
  "environment",
  "resources",
  "distribution",
  "limits",
  "queue_settings",
  "parallel",
];

async function planCommand(
  deps: StepDeps,
  step: ComponentStep,
  body: ComponentBody | undefined,
  { base, inputs }: Ports,
  around: Around,
  findings: Findings,
): Promise<Made | undefined> {
  const compute = step.compute ?? around.compute;
  const variables = { ...body?.environment_variables, ...step.environment_variables };
  const filled = fillAll(
    {
      ...pick(body ?? {}, COMMAND_FIELDS),
      ...pick(step, COMMAND_FIELDS),
      ...(Object.keys(variables).length === 0 ? {} : { environment_variables: variables }),
      ...(compute === undefined ? {} : { compute }),
    },
    around.scope,
  ) as Record<string, unknown>;
  const isOpen = hasBinding({ ...filled, command: "" });
  const checked = CommandJobSpec.safeParse({
    type: "command",
    ...base,
    ...(isOpen ? withoutOpen(filled) : filled),
    inputs: standIns(inputs),
  });
  if (!checked.success) {
    sayIssues(checked.error, findings);
    return undefined;
  }
  const prepared = await prepareCommand(deps, around.workspace, checked.data, findings);
  if (prepared === undefined) return undefined;
  findings.warnings.push(...prepared.warnings);
  const spec = { ...checked.data, inputs: base.inputs } as CommandJobSpec;
  const pinned = { ...step, ...(body === undefined ? {} : { component: { ...body } }) } as Step;
  // Warnings are the pipeline's; its steps don't repeat them.
  return { pinned, spec, prepared: { ...prepared, warnings: [] } };
}

async function planNested(
  step: ComponentStep,
  body: ComponentBody | undefined,
  { base, inputs }: Ports,
  around: Around,
  findings: Findings,
): Promise<Made | undefined> {
  const { default_compute: _compute, ...settings } = around.settings;
  const own = "settings" in step ? step.settings : undefined;
  const compute = fillAll(step.compute ?? around.compute, around.scope);
  const parsed = PipelineJobSpec.safeParse({
    type: "pipeline",
    ...base,
    settings: { ...settings, ...body?.settings, ...own },
    ...(typeof compute === "string" ? { compute } : {}),
    jobs: body === undefined ? undefined : stepsIn(body),
  });
  if (!parsed.success) {
    sayIssues(parsed.error, findings, "component.");
    return undefined;
  }
  const { problems, warnings, spec } = await around.nested(parsed.data, scopeOf(inputs));
  findings.problems.push(...problems.map((problem) => ({ ...problem, field: `component.${problem.field}` })));
  findings.warnings.push(...warnings);
  if (spec === undefined) return undefined;
  const pinned = { ...step, type: "pipeline", component: { ...body, jobs: spec.jobs } } as Step;
  return { pinned, spec };
}

/** A sentence about a kind of step that can't run here. */
export function foreign(type: string): Omit<Problem, "field"> {
  return {
    message: `this home does not run steps of type \`${type}\``,
    hint: "run it as a command, which may start what it likes",
    code: "NotSupported",
  };
}

function sayIssues(error: z.ZodError, findings: Findings, prefix = ""): void {
  for (const { path, message } of error.issues.slice(0, 20)) {
    findings.problems.push({ field: `${prefix}${path.join(".")}`, message });
  }
}

/** References of a step to what is there already: they are looked up, and pinned, before anything runs. */
async function pinned(
  deps: StepDeps,
  workspace: string,
  inputs: Readonly<Record<string, JobInput>>,
  findings: Findings,
): Promise<Record<string, JobInput>> {
  const found = await planInputs(deps, workspace, { inputs: { ...inputs } }, findings);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => {
      const { asset, uri } = found[name] ?? {};
      return [name, "path" in input ? { ...input, path: asset ?? uri ?? input.path } : input];
    }),
  );
}

function knownOf(inputs: Readonly<Record<string, Planned>>): Record<string, JobInput> {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, planned]) => ("known" in planned ? [[name, planned.known] as const] : [])),
  );
}

function boundOf(inputs: Readonly<Record<string, Planned>>): Record<string, BoundInput> {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, planned]) => ("bound" in planned ? [[name, planned.bound] as const] : [])),
  );
}

function laterTypes(inputs: Readonly<Record<string, Planned>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, planned]) =>
      "later" in planned && planned.type !== undefined ? [[name, planned.type] as const] : [],
    ),
  );
}

function scopeOf(inputs: Readonly<Record<string, Planned>>): Scope {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, planned]) => {
      if ("known" in planned) return [name, planned.known];
      const type = "bound" in planned ? planned.bound.type : planned.type;
      return [name, { later: true, ...(type === undefined ? {} : { type }) }];
    }),
  );
}

/** Values in place of those that are not known yet, for the checks of a command. */
function standIns(inputs: Readonly<Record<string, Planned>>): Record<string, JobInput> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, planned]) => [
      name,
      "known" in planned ? planned.known : { type: "string", value: "-" },
    ]),
  );
}

function withoutOpen(filled: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(filled).filter(([key, value]) => key === "command" || !hasBinding(value)));
}

function resultsOf(outputs: Readonly<Record<string, PlannedStepOutput>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, { result }]) => (result === undefined ? [] : [[result, name] as const])),
  );
}
