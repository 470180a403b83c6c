import type { JobInput, JobOutput } from "../../../contract/jobs.ts";
import { PipelineJobSpec } from "../../../contract/pipelines.ts";
import { DEFAULT_DATASTORE, planInputs, planOutputs } from "../../jobs/plan-ports.ts";
import type { Environments } from "../../jobs/ports.ts";
import { check, type Findings, makeFindings } from "../../jobs/problems.ts";
import type { Plan, PlannedInput, PlannedOutput } from "../../jobs/record.ts";
import type { PipelineDocument } from "../document.ts";
import { type ComponentBody, findComponent, stepsIn } from "./components.ts";
import { planSteps } from "./plan-steps.ts";
import { planStepInputs } from "./ports.ts";
import type { Scope } from "./scope.ts";
import type { StepDeps } from "./step.ts";

/** Pipelines in pipelines, this deep. */
const DEPTH = 20;

type Planned = Findings & { readonly plan?: Plan; readonly document?: PipelineDocument };

/** Checks a pipeline with all that is in it, and resolves what never changes: components, environments, code, the order of steps. */
export async function planPipeline(
  deps: StepDeps,
  workspace: string,
  job: string,
  given: PipelineJobSpec,
): Promise<Planned> {
  const findings = makeFindings();
  const once = { ...deps, environments: asked(deps.environments) };
  const spec = await withComponent(once, workspace, given, findings);
  if (spec === undefined) return findings;
  warnOfSettings(spec, findings);
  const [inputs, outputs] = await Promise.all([
    planInputs(once, workspace, spec, findings),
    planOutputs(once, workspace, job, spec, findings),
  ]);
  const steps = await planSteps(
    once,
    {
      workspace,
      spec,
      scope: scopeOf(spec, inputs),
      outputs: placed(spec, outputs),
      nested: nestedIn(once, workspace, 1),
    },
    findings,
  );
  const warnings = [...new Set(findings.warnings)];
  if (findings.problems.length > 0 || steps === undefined) return { problems: findings.problems, warnings };
  const { jobs: _jobs, component: _component, ...light } = spec;
  const { pinned, ...rest } = steps;
  const document = { v: 1, spec: { ...spec, jobs: pinned }, ...rest } as const;
  return { problems: [], warnings, document, plan: { spec: light, compute: "", inputs, outputs, warnings } };
}

const IDLE_SETTINGS: Readonly<Record<string, string>> = {
  on_init: "no step runs before the others",
  on_finalize: "no step runs after the others",
};

/** Names every setting that is understood and can't be honoured. */
function warnOfSettings({ settings = {} }: PipelineJobSpec, { warnings }: Findings): void {
  for (const [name, why] of Object.entries(IDLE_SETTINGS)) {
    if (settings[name] !== undefined) warnings.push(`\`settings.${name}\` has no effect here: ${why}`);
  }
  const store = settings.default_datastore?.replace(/^azureml:/, "");
  if (store === undefined || store === DEFAULT_DATASTORE) return;
  warnings.push(
    `\`settings.default_datastore\` has no effect here: outputs without a path go to \`${DEFAULT_DATASTORE}\``,
  );
}

/** A pipeline that is a component, as one that has its steps itself. */
async function withComponent(
  deps: StepDeps,
  workspace: string,
  spec: PipelineJobSpec,
  findings: Findings,
): Promise<PipelineJobSpec | undefined> {
  const { component, ...rest } = spec;
  if (component === undefined) {
    if (spec.jobs !== undefined) return spec;
    findings.problems.push({ field: "jobs", message: "a pipeline needs `jobs` or `component`" });
    return undefined;
  }
  const body = await check(findings, "component", () => findComponent(deps, workspace, component));
  if (body === undefined) return undefined;
  const known = planStepInputs({ given: spec.inputs ?? {}, ports: body.inputs ?? {}, lenient: true }, {}, (problem) => {
    findings.problems.push(problem);
  });
  const inputs = Object.entries(known).flatMap(([name, planned]): [string, JobInput][] =>
    "known" in planned ? [[name, planned.known]] : [],
  );
  const made = PipelineJobSpec.safeParse({
    ...rest,
    inputs: Object.fromEntries(inputs),
    outputs: outputsOf(body, spec.outputs ?? {}),
    jobs: stepsIn(body),
    settings: { ...body.settings, ...spec.settings },
  });
  if (made.success) return made.data;
  for (const { path, message } of made.error.issues.slice(0, 20)) {
    findings.problems.push({ field: `component.${path.join(".")}`, message });
  }
  return undefined;
}

function outputsOf(body: ComponentBody, given: Readonly<Record<string, JobOutput>>): Record<string, unknown> {
  const ports = Object.entries(body.outputs ?? {}).map(([name, port]) => {
    const { type, mode } = port ?? {};
    return [name, { ...(type === undefined ? {} : { type }), ...(mode === undefined ? {} : { mode }), ...given[name] }];
  });
  return Object.fromEntries(ports);
}

/** Checks what is in a nested pipeline, whose own job is planned once its inputs are known. */
function nestedIn(deps: StepDeps, workspace: string, depth: number) {
  return async (spec: PipelineJobSpec, scope: Scope): Promise<Findings & { readonly spec?: PipelineJobSpec }> => {
    const findings = makeFindings();
    if (depth > DEPTH) {
      findings.problems.push({ field: "jobs", message: `pipelines are nested more than ${DEPTH} levels deep` });
      return findings;
    }
    const nested = nestedIn(deps, workspace, depth + 1);
    const around = { workspace, spec, scope, outputs: spec.outputs ?? {}, nested };
    const steps = await planSteps(deps, around, findings);
    return steps === undefined ? findings : { ...findings, spec: { ...spec, jobs: steps.pinned } };
  };
}

/** Inputs as steps get them: references as they were pinned. */
function scopeOf(spec: PipelineJobSpec, planned: Readonly<Record<string, PlannedInput>>): Scope {
  return Object.fromEntries(
    Object.entries(spec.inputs ?? {}).map(([name, input]) => {
      const { uri, asset } = planned[name] ?? {};
      return [name, "path" in input ? { ...input, path: asset ?? uri ?? input.path } : input];
    }),
  );
}

/** Outputs with a place of their own keep it; what registers them is the pipeline, not its step. */
function placed(
  spec: PipelineJobSpec,
  planned: Readonly<Record<string, PlannedOutput>>,
): Readonly<Record<string, JobOutput>> {
  return Object.fromEntries(
    Object.entries(spec.outputs ?? {}).map(([name, { type, mode, path }]) => [
      name,
      {
        ...(type === undefined ? {} : { type }),
        ...(mode === undefined ? {} : { mode }),
        ...(path === undefined ? {} : { path: planned[name]?.uri ?? path }),
      },
    ]),
  );
}

/** Asks for each environment once. */
function asked(environments: Environments): Environments {
  const known = new Map<string, ReturnType<Environments["resolve"]>>();
  return {
    resolve(workspace, value) {
      const key = JSON.stringify(value);
      const asking = known.get(key) ?? environments.resolve(workspace, value);
      known.set(key, asking);
      return asking;
    },
  };
}
