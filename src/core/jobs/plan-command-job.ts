import type { EnvironmentSpec } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import type { CommandJobSpec } from "../../contract/jobs.ts";
import type { ComputeStore } from "../computes/ports.ts";
import type { Files } from "../files/ports.ts";
import type { SecretStore } from "../secrets/ports.ts";
import { mustHaveSecrets } from "../secrets/secrets.ts";
import { checkExpressions } from "./plan-command.ts";
import { planCompute } from "./plan-compute.ts";
import { warnOfFields } from "./plan-fields.ts";
import { planInputs, planOutputs } from "./plan-ports.ts";
import type { Environments } from "./ports.ts";
import { check, type Findings, makeFindings } from "./problems.ts";
import type { Plan } from "./record.ts";

export interface CommandDeps {
  readonly files: Files;
  readonly environments: Environments;
  readonly computes: ComputeStore;
  readonly launches: readonly string[];
  readonly secrets: SecretStore;
}

/** What of a command is the same whatever its inputs are: references resolved and pinned. */
export interface PreparedCommand {
  readonly compute: string;
  readonly requestedCompute?: string;
  readonly environment: EnvironmentSpec;
  readonly snapshot?: string;
  readonly warnings: readonly string[];
}

/** Checks a command against the workspace; undefined where something is wrong. */
export async function prepareCommand(
  deps: CommandDeps,
  workspace: string,
  spec: CommandJobSpec,
  findings: Findings,
): Promise<PreparedCommand | undefined> {
  const own = makeFindings();
  checkExpressions(spec, own);
  warnOfFields(spec, own, deps.launches.includes("cluster"));
  const { code, environment_variables: variables = {} } = spec;
  const [environment, compute, snapshot] = await Promise.all([
    check(own, "environment", () => deps.environments.resolve(workspace, spec.environment)),
    planCompute(deps, workspace, spec, own),
    code === undefined ? undefined : check(own, "code", () => planCode(deps, workspace, code)),
    check(own, "environment_variables", () => mustHaveSecrets(deps, workspace, variables)),
  ]);
  findings.problems.push(...own.problems);
  if (own.problems.length > 0 || environment === undefined) return undefined;
  return {
    ...compute,
    environment: environment.spec,
    ...(snapshot === undefined ? {} : { snapshot }),
    warnings: [...environment.warnings, ...own.warnings],
  };
}

/** Checks a command job against the workspace and resolves all it refers to, but for what was `prepared` before. */
export async function planCommandJob(
  deps: CommandDeps,
  workspace: string,
  job: string,
  spec: CommandJobSpec,
  known?: PreparedCommand,
): Promise<Findings & { readonly plan?: Plan }> {
  const findings = makeFindings();
  const [prepared, inputs, outputs] = await Promise.all([
    known ?? prepareCommand(deps, workspace, spec, findings),
    planInputs(deps, workspace, spec, findings),
    planOutputs(deps, workspace, job, spec, findings),
  ]);
  if (findings.problems.length > 0 || prepared === undefined) return findings;
  const warnings = [...prepared.warnings, ...findings.warnings];
  return { problems: [], warnings, plan: { spec, ...prepared, inputs, outputs, warnings } };
}

async function planCode(deps: CommandDeps, workspace: string, code: string): Promise<string> {
  if (/^azureml:\/\/trees\/[0-9a-f]{64}(?:\/|$)/.test(code)) return (await deps.files.resolve(workspace, code)).uri;
  throw new AppError("NotSupported", `\`${code}\` is not a snapshot of this workspace`, {
    hint: "submit a folder, whose files are uploaded first; a git address is cloned before by hand",
  });
}
