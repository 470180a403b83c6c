import type { RunnerOrders, RunnerReport } from "../../contract/runner.ts";
import type { Clock } from "../ports/clock.ts";
import { changeJob, statusDeed } from "./change-job.ts";
import { type EndDeps, endJob } from "./end-job.ts";
import { requireJob } from "./get-job.ts";
import { type JobStore, jobTopic, type Watch } from "./ports.ts";
import { currentAttempt, type JobRecord } from "./record.ts";
import { isFinal, step } from "./state.ts";

export interface ReportDeps extends EndDeps {
  readonly clock: Clock;
}

export interface ReportInput {
  readonly workspace: string;
  readonly run: string;
  readonly report: RunnerReport;
}

/** Takes a runner's word for its attempt. Repeats, late and foreign reports change nothing; the answer tells the runner what to do now. */
export async function reportRun(deps: ReportDeps, input: ReportInput): Promise<RunnerOrders> {
  const { workspace, run } = input;
  const { before: earlier = [], ...report } = input.report;
  const by = `run:${run}`;
  const atMs = deps.clock.now();
  const eventOf = (told: RunnerReport) => ({ kind: "report", report: withEnvironment(told), by, atMs }) as const;
  const event = eventOf(report);
  const attemptId = report.attempt;
  const handle = deps.handOvers?.take(workspace, attemptId);
  const launched = (job: JobRecord) =>
    handle === undefined ? job : step(job, { kind: "launched", attemptId, handle });
  const catchUp = (job: JobRecord) =>
    earlier.reduce((at, told) => step(at, eventOf({ ...told, attempt: attemptId })), launched(job));
  const job = isFinal(report.status)
    ? await endJob(deps, workspace, run, event, catchUp)
    : (await changeJob(deps, workspace, run, (before) => step(catchUp(before), event), statusDeed(by))).job;
  return ordersFor(job, report);
}

/** Tells a runner that waits whether to go on; answers as soon as there is an order, or after `waitMs`. */
export async function heartbeat(
  deps: { readonly jobs: JobStore; readonly watch: Watch },
  input: {
    readonly workspace: string;
    readonly run: string;
    readonly attempt: string;
    readonly waitMs?: number;
    readonly signal?: AbortSignal;
  },
): Promise<RunnerOrders> {
  const { workspace, run, attempt, waitMs = 0, signal } = input;
  const listening = deps.watch.listen(jobTopic(workspace, run), waitMs, signal);
  try {
    for (;;) {
      const orders = ordersFor(await requireJob(deps.jobs, workspace, run), { attempt });
      if (orders.superseded || orders.cancel !== undefined || !(await listening.next())) return orders;
    }
  } finally {
    listening.done();
  }
}

function ordersFor(
  job: JobRecord,
  from: { readonly attempt: string; readonly status?: RunnerReport["status"] },
): RunnerOrders {
  const isLast = from.status !== undefined && isFinal(from.status);
  const superseded = currentAttempt(job)?.id !== from.attempt || (isFinal(job.status) && !isLast);
  if (superseded || isLast || job.cancel === undefined) return { superseded };
  return { superseded, cancel: { reason: job.cancel.reason, by: job.cancel.by } };
}

/** What was built, and where it ran, are properties of the run. */
function withEnvironment(report: RunnerReport): RunnerReport {
  const { environment: used, ...rest } = report;
  if (used === undefined) return report;
  const facts = { "environment.hash": used.hash, "environment.cached": String(used.cached) };
  return { ...rest, machine: { ...rest.machine, ...facts } };
}
