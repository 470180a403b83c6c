import { AppError } from "../../contract/errors.ts";
import type { CommandJobSpec, JobSpec } from "../../contract/jobs.ts";
import type { ComputeStore } from "../computes/ports.ts";
import type { Files } from "../files/ports.ts";
import { checkExpressions } from "./plan-command.ts";
import { planCompute } from "./plan-compute.ts";
import { warnOfFields } from "./plan-fields.ts";
import { planInputs, planOutputs } from "./plan-ports.ts";
import type { Environments } from "./ports.ts";
import { check, type Findings, makeFindings } from "./problems.ts";
import type { Plan } from "./record.ts";

export interface PlanDeps {
  readonly files: Files;
  readonly environments: Environments;
  readonly computes: ComputeStore;
  readonly launches: readonly string[];
}

/** Checks a job against the workspace and resolves all it refers to. The plan is absent where something is wrong. */
export async function planJob(
  deps: PlanDeps,
  workspace: string,
  job: string,
  spec: JobSpec,
): Promise<Findings & { readonly plan?: Plan }> {
  if (spec.type === "command") return planCommandJob(deps, workspace, job, spec);
  const message = `this home does not run jobs of type \`${spec.type}\``;
  return { problems: [{ field: "type", message, code: "NotSupported" }], warnings: [] };
}

async function planCommandJob(
  deps: PlanDeps,
  workspace: string,
  job: string,
  spec: CommandJobSpec,
): Promise<Findings & { readonly plan?: Plan }> {
  const findings = makeFindings();
  checkExpressions(spec, findings);
  warnOfFields(spec, findings, deps.launches.includes("cluster"));
  const [environment, compute, inputs, outputs, snapshot] = await Promise.all([
    check(findings, "environment", () => deps.environments.resolve(workspace, spec.environment)),
    planCompute(deps, workspace, spec, findings),
    planInputs(deps, workspace, spec, findings),
    planOutputs(deps, workspace, job, spec, findings),
    spec.code === undefined ? undefined : check(findings, "code", () => planCode(deps, workspace, spec.code ?? "")),
  ]);
  if (findings.problems.length > 0 || environment === undefined) return findings;
  const warnings = [...environment.warnings, ...findings.warnings];
  const plan: Plan = {
    spec,
    ...compute,
    environment: environment.spec,
    inputs,
    outputs,
    ...(snapshot === undefined ? {} : { snapshot }),
    warnings,
  };
  return { problems: [], warnings, plan };
}

async function planCode(deps: PlanDeps, workspace: string, code: string): Promise<string> {
  if (/^azureml:\/\/trees\/[0-9a-f]{64}(?:\/|$)/.test(code)) return (await deps.files.resolve(workspace, code)).uri;
  throw new AppError("NotSupported", `\`${code}\` is not a snapshot of this workspace`, {
    hint: "submit a folder, whose files are uploaded first; a git address is cloned before by hand",
  });
}
