import { CommandJobSpec, type JobInput, type JobOutput } from "../../contract/jobs.ts";
import type { SweepJobSpec } from "../../contract/sweeps.ts";
import type { AssetStore } from "../assets/ports.ts";
import type { CompositeDocument } from "../coordinator/document.ts";
import { type ComponentBody, findComponent } from "../coordinator/planning/components.ts";
import { planStepInputs, planStepOutputs } from "../coordinator/planning/ports.ts";
import { digestOf } from "../jobs/digest.ts";
import { type CommandDeps, type PreparedCommand, prepareCommand } from "../jobs/plan-command-job.ts";
import { planInputs, planOutputs } from "../jobs/plan-ports.ts";
import { check, type Findings, makeFindings, type Problem } from "../jobs/problems.ts";
import type { Plan } from "../jobs/record.ts";
import { searchOf } from "./check-search.ts";
import type { SweepPlan } from "./plan.ts";
import { parameterNames } from "./space.ts";

export interface SweepDeps extends CommandDeps {
  readonly assets: AssetStore;
}

/** What of a sweep never changes. */
export interface SweepDocument extends CompositeDocument {
  readonly plan: SweepPlan;
  /** What trials are made from; their parameters become inputs. */
  readonly trial: CommandJobSpec;
  readonly prepared: PreparedCommand;
  /** All that trials may have. */
  readonly parameters: readonly string[];
}

type Planned = Findings & { readonly plan?: Plan; readonly document?: SweepDocument };

const TRIAL_FIELDS = ["code", "environment", "environment_variables", "distribution"] as const;

/** Checks a sweep against the workspace, and resolves what all its trials share. */
export async function planSweep(deps: SweepDeps, workspace: string, job: string, spec: SweepJobSpec): Promise<Planned> {
  const findings = makeFindings();
  // The same job has the same trials, also when it is planned again.
  const seed = Number.parseInt((await digestOf(`${workspace}\n${job}`)).slice(0, 12), 16);
  const body = await check(findings, "trial", () => findComponent(deps, workspace, spec.trial));
  if (body === undefined) return findings;
  const parameters = parameterNames(spec.search_space);
  const ports = declaredPorts(spec, body, parameters, (problem) => findings.problems.push(problem));
  const full = { ...spec, inputs: ports.inputs, outputs: ports.outputs };
  const [inputs, outputs, prepared] = await Promise.all([
    planInputs(deps, workspace, full, findings),
    planOutputs(deps, workspace, job, full, findings),
    prepareSweep(deps, workspace, full, body, seed, findings),
  ]);
  if (findings.problems.length > 0 || prepared === undefined) return findings;
  const document: SweepDocument = { v: 1, spec: full, ...prepared };
  const { warnings } = findings;
  return { problems: [], warnings, document, plan: { spec: full, compute: "", inputs, outputs, warnings } };
}

/** What does not depend on the sweep's own inputs: the search, and what all trials share. */
export async function prepareSweep(
  deps: SweepDeps,
  workspace: string,
  spec: SweepJobSpec,
  body: ComponentBody,
  seed: number,
  findings: Findings,
): Promise<Omit<SweepDocument, "v" | "spec"> | undefined> {
  const own = makeFindings();
  const plan = searchOf(spec, seed, own);
  const parameters = parameterNames(spec.search_space);
  const trial = trialOf(spec, body, own);
  const ofTrial = makeFindings();
  const prepared =
    trial &&
    (await prepareCommand(
      deps,
      workspace,
      withParameters(trial, parameters, () => "-"),
      ofTrial,
    ));
  const inTrial = ofTrial.problems.map((problem) => ({ ...problem, field: `trial.${problem.field}` }));
  findings.problems.push(...own.problems, ...inTrial);
  findings.warnings.push(...own.warnings, ...(prepared?.warnings ?? []));
  if (own.problems.length > 0 || trial === undefined || prepared === undefined) return undefined;
  // The sweep says them once.
  return { plan, trial, prepared: { ...prepared, warnings: [] }, parameters };
}

/** A trial's job with its parameters as inputs; those that it does not have are inputs that are not given. */
export function withParameters(
  trial: CommandJobSpec,
  names: readonly string[],
  textOf: (name: string) => string | undefined,
): CommandJobSpec {
  const inputs = names.map((name): [string, JobInput] => {
    const value = textOf(name);
    return [name, { type: "string", ...(value === undefined ? {} : { value }) }];
  });
  return { ...trial, inputs: { ...trial.inputs, ...Object.fromEntries(inputs) } };
}

/** Inputs and outputs: of a component as it declares them, parameters left out; of a command those that the sweep has. */
function declaredPorts(
  spec: SweepJobSpec,
  body: ComponentBody,
  parameters: readonly string[],
  say: (problem: Problem) => void,
): { readonly inputs: Record<string, JobInput>; readonly outputs: Record<string, JobOutput> } {
  const isParameter = (name: string) => parameters.includes(name);
  const given = Object.fromEntries(Object.entries(spec.inputs ?? {}).filter(([name]) => !isParameter(name)));
  const { inputs: ports } = body;
  if (ports === undefined || ports === null) return { inputs: given, outputs: spec.outputs ?? {} };
  for (const name of Object.keys(spec.search_space)) {
    if (!Object.hasOwn(ports, name))
      say({ field: `search_space.${name}`, message: `the trial has no input \`${name}\`` });
  }
  const planned = planStepInputs({ given, ports, fromItems: { names: parameters } }, {}, say);
  const inputs = Object.entries(planned).flatMap(([name, one]): [string, JobInput][] =>
    "known" in one && !isParameter(name) ? [[name, one.known]] : [],
  );
  const outputs = planStepOutputs(spec.outputs ?? {}, body.outputs ?? {}, { outputs: {}, scope: {} }, say);
  return {
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, { output }]) => [name, output])),
  };
}

/** The command job that each trial is, but for its parameters. */
function trialOf(spec: SweepJobSpec, body: ComponentBody, findings: Findings): CommandJobSpec | undefined {
  if (body.type !== "command") {
    findings.problems.push({
      field: "trial.type",
      message: `a trial runs a command, and this is of type \`${body.type}\``,
    });
    return undefined;
  }
  const { limits, resources, queue_settings: queue, compute, identity, experiment_name: experiment } = spec;
  const made = CommandJobSpec.safeParse({
    type: "command",
    // A parameter is an input like others, so that both ways of naming it mean the same.
    command: body.command?.replaceAll(/\$\{\{\s*search_space\./g, "${{inputs."),
    ...Object.fromEntries(TRIAL_FIELDS.flatMap((key) => (body[key] == null ? [] : [[key, body[key]]]))),
    ...given(
      "resources",
      body.resources == null && resources === undefined ? undefined : { ...body.resources, ...resources },
    ),
    ...given("queue_settings", queue ?? body.queue_settings),
    ...given("limits", limits.trial_timeout === undefined ? body.limits : { timeout: limits.trial_timeout }),
    ...given("compute", compute),
    ...given("identity", identity),
    ...given("experiment_name", experiment),
    inputs: spec.inputs ?? {},
    outputs: Object.fromEntries(Object.entries(spec.outputs ?? {}).map(([name, output]) => [name, placed(output)])),
  });
  if (made.success) return made.data;
  for (const { path, message } of made.error.issues.slice(0, 20)) {
    findings.problems.push({ field: `trial.${path.join(".")}`, message });
  }
  return undefined;
}

function given(key: string, value: unknown): Record<string, unknown> {
  return value === undefined || value === null ? {} : { [key]: value };
}

/** Each trial has a place of its own below the sweep's; only the best one's is registered, by the sweep. */
function placed({ type, mode, path }: JobOutput): JobOutput {
  return {
    ...(type === undefined ? {} : { type }),
    ...(mode === undefined ? {} : { mode }),
    ...(path === undefined ? {} : { path: path.includes("${{name}}") ? path : ownPlace(path, type === "uri_file") }),
  };
}

function ownPlace(path: string, isFile: boolean): string {
  const cut = path.lastIndexOf("/") + 1;
  if (isFile) return `${path.slice(0, cut)}\${{name}}/${path.slice(cut)}`;
  return `${path.replace(/\/$/, "")}/\${{name}}/`;
}
