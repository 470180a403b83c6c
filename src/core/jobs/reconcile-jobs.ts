import { ERRORS, isAppError } from "../../contract/errors.ts";
import type { LaunchState } from "../ports/launcher.ts";
import { GRACE_SEC } from "./assign-run.ts";
import { type DispatchDeps, launchAttempt, launcherFor } from "./dispatch-jobs.ts";
import { endJob } from "./end-job.ts";
import { currentAttempt, type JobRecord } from "./record.ts";
import { reportRun } from "./report-run.ts";
import { isFinal } from "./state.ts";

/** How long a runner may take to obey before its machine is asked to end it. */
const OBEY_MS = (GRACE_SEC + 10) * 1000;

/** Compares what is on record with what the machines know, for one compute: lost launches are repeated, dead runners' jobs end, what ended is tidied. */
export async function reconcileJobs(deps: DispatchDeps, workspace: string, compute: string): Promise<void> {
  const record = await deps.computes.get(workspace, compute);
  if (record === undefined) return;
  const holders = (await deps.jobs.queue(workspace, compute)).filter((entry) => entry.holds);
  for (const { job: name } of holders) {
    const job = await deps.jobs.get(workspace, name);
    const attempt = job === undefined ? undefined : currentAttempt(job);
    if (job === undefined || attempt === undefined || isFinal(job.status)) continue;
    if (attempt.handle === undefined) {
      await launchAttempt(deps, record, job);
      continue;
    }
    const launcher = launcherFor(deps, record);
    const state = await reachable(() => launcher.inspect(attempt.handle ?? ""));
    if (state === undefined) continue;
    if (state.state === "exited" || state.state === "gone") await endGone(deps, job, attempt.id, state);
    else await pressCancel(deps, job, attempt.handle);
  }
}

/** A runner that was told to stop and doesn't is ended from outside. */
async function pressCancel(deps: DispatchDeps, job: JobRecord, handle: string): Promise<void> {
  const record = await deps.computes.get(job.workspace, job.compute);
  if (job.cancel === undefined || record === undefined || deps.clock.now() - job.cancel.atMs < OBEY_MS) return;
  await reachable(() => launcherFor(deps, record).cancel(handle, GRACE_SEC));
}

async function endGone(
  deps: DispatchDeps,
  job: JobRecord,
  attemptId: string,
  state: Extract<LaunchState, { readonly state: "exited" } | { readonly state: "gone" }>,
): Promise<void> {
  const { workspace, name } = job;
  if (state.state === "exited" && state.report?.attempt === attemptId) {
    await reportRun(deps, { workspace, run: name, report: state.report });
    return;
  }
  const reason = state.state === "gone" ? state.reason : wordExit(state);
  await endJob(deps, workspace, name, { kind: "gone", attemptId, reason, atMs: deps.clock.now() });
}

function wordExit(state: Extract<LaunchState, { readonly state: "exited" }>): string {
  const how =
    state.signal !== undefined
      ? ` by signal ${state.signal}`
      : state.exitCode === undefined
        ? ""
        : ` with exit code ${state.exitCode}`;
  return state.reason ?? `the runner ended${how} and left no report`;
}

/** Removes what ended attempts left, once nothing of them runs. */
export async function tidyJobs(deps: DispatchDeps, workspace: string): Promise<void> {
  for (const leftover of await deps.jobs.leftovers(workspace)) {
    const record = await deps.computes.get(workspace, leftover.compute);
    if (record !== undefined) {
      const launcher = launcherFor(deps, record);
      const state = await reachable(() => launcher.inspect(leftover.handle));
      if (state === undefined || state.state === "starting" || state.state === "running") continue;
      await reachable(() => launcher.cleanup(leftover.handle));
    }
    await deps.jobs.cleaned(leftover);
  }
}

/** Undefined where the machine can't be asked now; the next round asks again. */
async function reachable<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isAppError(error) && (ERRORS[error.code].retry || error.code === "Forbidden")) return undefined;
    throw error;
  }
}
