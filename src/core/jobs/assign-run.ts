import { AppError } from "../../contract/errors.ts";
import type { Assignment } from "../../contract/runner.ts";
import type { Principal } from "../auth/principal.ts";
import type { Vault } from "../ports/vault.ts";
import { readSecrets } from "../secrets/secrets.ts";
import { requireJob } from "./get-job.ts";
import type { JobStore } from "./ports.ts";
import { type CommandJob, commandJob, currentAttempt } from "./record.ts";
import { isFinal } from "./state.ts";

/** Between SIGTERM and SIGKILL. */
export const GRACE_SEC = 10;

/** A run's token speaks for that run only. */
export function mustBeRun(principal: Principal, run: string): void {
  if (principal.kind === "run" && principal.runId === run) return;
  throw new AppError("Forbidden", `\`${principal.name}\` may not speak for run \`${run}\``);
}

/** What a run's runner has to do. `origin` is the API's address as the runner sees it. */
export async function assignRun(
  deps: { readonly jobs: JobStore; readonly vault: Vault },
  input: { readonly workspace: string; readonly run: string; readonly origin: string },
): Promise<Assignment> {
  const job = await requireJob(deps.jobs, input.workspace, input.run);
  const attempt = currentAttempt(job);
  if (attempt === undefined || isFinal(job.status)) {
    throw new AppError("Conflict", `run \`${job.name}\` is ${job.status}; there is nothing to do for a runner`);
  }
  const command = commandJob(job);
  // As they are now: a run that starts late has the value of then.
  const secrets = await readSecrets(deps, input.workspace, command.spec.environment_variables ?? {});
  const assignment = assignmentOf(command, attempt.id, input.origin);
  return Object.keys(secrets).length === 0 ? assignment : { ...assignment, secrets };
}

export function assignmentOf(job: CommandJob, attempt: string, origin: string): Assignment {
  const { spec, workspace } = job;
  return {
    run_id: job.name,
    workspace,
    attempt,
    experiment_id: job.experimentId,
    experiment_name: job.experimentName,
    tracking_uri: `${origin}/w/${workspace}`,
    command: spec.command,
    ...(job.snapshot === undefined ? {} : { code: job.snapshot }),
    ...(spec.parallel === undefined ? {} : { parallel: { ...spec.parallel, key: job.meetingKey ?? "" } }),
    environment: job.environment,
    environment_variables: spec.environment_variables ?? {},
    inputs: Object.fromEntries(
      Object.entries(job.inputs).map(([name, { written: _written, asset: _asset, ...input }]) => [name, input]),
    ),
    outputs: Object.fromEntries(
      Object.entries(job.outputs).map(([name, { type, uri, mode, is_file }]) => [name, { type, uri, mode, is_file }]),
    ),
    ...(spec.distribution === undefined ? {} : { distribution: spec.distribution }),
    instance_count: spec.resources?.instance_count ?? 1,
    ...(spec.limits?.timeout === undefined ? {} : { timeout_sec: spec.limits.timeout }),
    grace_sec: GRACE_SEC,
    services: spec.services ?? {},
    notes: [...job.warnings],
  };
}
