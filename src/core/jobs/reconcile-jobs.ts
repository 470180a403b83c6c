import { ERRORS, isAppError } from "../../contract/errors.ts";
import { mapLimited } from "../files/streams.ts";
import type { LaunchState } from "../ports/launcher.ts";
import { GRACE_SEC } from "./assign-run.ts";
import { changeJob } from "./change-job.ts";
import { type DispatchDeps, launchAttempt, launchAttempts, launcherFor } from "./dispatch-jobs.ts";
import { endJob } from "./end-job.ts";
import { interruptJob } from "./interrupt-job.ts";
import type { Leftover } from "./ports.ts";
import { currentAttempt, type JobRecord } from "./record.ts";
import { reportRun } from "./report-run.ts";
import { isFinal, step } from "./state.ts";

/** How long a runner may take to obey before its machine is asked to end it. */
const OBEY_MS = (GRACE_SEC + 10) * 1000;

/**
 * Compares what is on record with what the machines know, for one compute: lost launches are repeated, dead runners' jobs end, what ended is tidied.
 * Answers how many jobs had a slot, and how many of them no machine yet.
 */
export async function reconcileJobs(
  deps: DispatchDeps,
  workspace: string,
  compute: string,
): Promise<{ readonly held: number; readonly unlaunched: number }> {
  const holders = (await deps.jobs.queue(workspace, compute)).filter((entry) => entry.holds);
  const unlaunched: JobRecord[] = [];
  for (const { job } of holders) {
    const left = await reconcileLaunched(deps, workspace, job);
    if (left !== undefined) unlaunched.push(left);
  }
  const record = unlaunched.length === 0 ? undefined : await deps.computes.get(workspace, compute);
  if (record !== undefined) await launchAttempts(deps, record, unlaunched);
  return { held: holders.length, unlaunched: unlaunched.length };
}

/** The same for one job. */
export async function reconcileJob(deps: DispatchDeps, workspace: string, name: string): Promise<void> {
  const left = await reconcileLaunched(deps, workspace, name);
  const record = left === undefined ? undefined : await deps.computes.get(workspace, left.compute);
  if (left !== undefined && record !== undefined) await launchAttempts(deps, record, [left]);
}

/** Answers the job where no machine has its attempt yet. */
async function reconcileLaunched(deps: DispatchDeps, workspace: string, name: string): Promise<JobRecord | undefined> {
  const job = await deps.jobs.get(workspace, name);
  const attempt = job === undefined ? undefined : currentAttempt(job);
  if (job === undefined || attempt === undefined || isFinal(job.status)) return undefined;
  const record = await deps.computes.get(workspace, job.compute);
  if (record === undefined) return undefined;
  const { handle } = attempt;
  if (handle === undefined) return job;
  const launcher = launcherFor(deps, record);
  const state = await reachable(() => launcher.inspect(handle));
  if (state === undefined) return undefined;
  await settle(deps, job, attempt.id, state);
  if (isDisobeying(deps, job, state)) await reachable(() => launcher.cancel(handle, GRACE_SEC));
  return undefined;
}

/** A runner that was told to stop and doesn't is ended from outside; one that does not run yet can't be told. */
function isDisobeying({ clock }: DispatchDeps, { cancel }: JobRecord, { state }: LaunchState): boolean {
  if (cancel === undefined) return false;
  return state === "starting" || (state === "running" && clock.now() - cancel.atMs >= OBEY_MS);
}

async function settle(deps: DispatchDeps, job: JobRecord, attemptId: string, state: LaunchState): Promise<void> {
  const { workspace, name } = job;
  if (state.state === "exited" || state.state === "gone") return endGone(deps, job, attemptId, state);
  if (state.reason === undefined) return;
  const event = { kind: "launch-delayed", attemptId, reason: state.reason } as const;
  await changeJob(
    deps,
    workspace,
    name,
    (before) => step(before, event),
    () => undefined,
  );
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
  const atMs = deps.clock.now();
  if (state.interrupted !== true) {
    await endJob(deps, workspace, name, { kind: "gone", attemptId, reason, atMs });
    return;
  }
  const next = await interruptJob(deps, { workspace, name, attemptId, reason, atMs });
  const record = await deps.computes.get(workspace, next.compute);
  if (!isFinal(next.status) && record !== undefined) await launchAttempt(deps, record, next);
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
  const leftovers = await deps.jobs.leftovers(workspace);
  await mapLimited(leftovers, TIDY_AT_ONCE, (leftover) => tidy(deps, leftover));
}

const TIDY_AT_ONCE = 8;

async function tidy(deps: DispatchDeps, leftover: Leftover): Promise<void> {
  const record = await deps.computes.get(leftover.workspace, leftover.compute);
  if (record !== undefined) {
    const launcher = launcherFor(deps, record);
    const state = await reachable(() => launcher.inspect(leftover.handle));
    if (state === undefined || state.state === "starting" || state.state === "running") return;
    await reachable(() => launcher.cleanup(leftover.handle));
  }
  await deps.jobs.cleaned(leftover);
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
