import { FINAL_STATUSES, type JobStatus } from "../../contract/jobs.ts";
import type { RunnerReport } from "../../contract/runner.ts";
import type { RunStatus } from "../tracking/ports.ts";
import { type AttemptRecord, type Change, currentAttempt, type Life } from "./record.ts";

/** What can happen to a job. `atMs` is the server's time unless said otherwise. */
export type JobEvent =
  /** A slot was taken; the attempt's runner is about to be launched. */
  | {
      readonly kind: "claim";
      readonly attemptId: string;
      readonly reason: string;
      /** Of children of composite jobs: what else got its slot at the same time. */
      readonly array?: string;
      readonly atMs: number;
    }
  /** The image it needs is being made. */
  | {
      readonly kind: "building";
      readonly attemptId: string;
      readonly reason: string;
      readonly build: NonNullable<AttemptRecord["build"]>;
      readonly atMs: number;
    }
  /** With the container image it runs in, if it does. */
  | { readonly kind: "launched"; readonly attemptId: string; readonly handle: string; readonly image?: string }
  /** The machine could not take it now; it will be tried again. */
  | { readonly kind: "launch-delayed"; readonly attemptId: string; readonly reason: string }
  | { readonly kind: "launch-failed"; readonly attemptId: string; readonly reason: string; readonly atMs: number }
  /** What the runner tells. `report.at` is its machine's time. */
  | { readonly kind: "report"; readonly report: RunnerReport; readonly by: string; readonly atMs: number }
  /** The runner is not there any more and its last word, if any, is told. */
  | { readonly kind: "gone"; readonly attemptId: string; readonly reason: string; readonly atMs: number }
  /** The attempt's machine went away, which is not the job's doing: `next` begins. */
  | {
      readonly kind: "interrupted";
      readonly attemptId: string;
      readonly next: string;
      readonly reason: string;
      readonly atMs: number;
    }
  /** The attempt failed, and another one is allowed for: `next` begins. */
  | {
      readonly kind: "retried";
      readonly attemptId: string;
      readonly next: string;
      readonly reason: string;
      readonly exit: Pick<AttemptRecord, "exit_code" | "signal">;
      readonly atMs: number;
    }
  | { readonly kind: "cancel"; readonly by: string; readonly reason: string; readonly atMs: number }
  /** The first children of a composite job were ordered. */
  | { readonly kind: "begun"; readonly atMs: number }
  /** Nothing of a composite job is left to do. */
  | {
      readonly kind: "finished";
      readonly status: "Completed" | "Failed" | "Canceled";
      readonly reason?: string;
      readonly atMs: number;
    };

/** A job whose machines keep going away fails in the end. */
const ATTEMPTS_LIMIT = 5;

const ORDER: readonly JobStatus[] = ["Queued", "Preparing", "Provisioning", "Running", "Finalizing"];

export function isFinal(status: JobStatus): boolean {
  return FINAL_STATUSES.includes(status);
}

/** DESIGN section 9: how MLflow words a status. */
export function mlflowStatus(status: JobStatus): RunStatus {
  switch (status) {
    case "Queued":
    case "Preparing":
    case "Provisioning":
      return "SCHEDULED";
    case "Running":
    case "Finalizing":
      return "RUNNING";
    case "Completed":
      return "FINISHED";
    case "Failed":
      return "FAILED";
    case "Canceled":
      return "KILLED";
  }
}

/**
 * The job after an event; the very same object when the event changes nothing: it repeats what is known, comes late, or is of another attempt.
 * A final status never changes, and until then a job only moves forward, unless a new attempt begins.
 */
export function step<J extends Life>(job: J, event: JobEvent): J {
  switch (event.kind) {
    case "claim":
      return claim(job, event);
    case "building":
      return building(job, event);
    case "launched":
      return launched(job, event);
    case "launch-delayed":
      return isWaiting(job, event.attemptId) && job.statusReason !== event.reason
        ? { ...job, statusReason: event.reason }
        : job;
    case "launch-failed":
    case "gone":
      return isCurrent(job, event.attemptId) ? end(job, event) : job;
    case "interrupted":
      return isCurrent(job, event.attemptId) ? interrupted(job, event) : job;
    case "retried":
      return isCurrent(job, event.attemptId) && mayRetry(job) ? retried(job, event) : job;
    case "report":
      return report(job, event);
    case "cancel":
      return cancel(job, event);
    case "begun":
      return job.status === "Queued" ? begun(job, event.atMs) : job;
    case "finished":
      return isFinal(job.status) ? job : finished(job, event);
  }
}

function begun<J extends Life>(job: J, atMs: number): J {
  return {
    ...job,
    status: "Running",
    startedMs: laterOf(job, atMs),
    history: [...job.history, change(job, "Running", atMs, "system", undefined)],
  };
}

function finished<J extends Life>(job: J, event: JobEvent & { kind: "finished" }): J {
  const wish = event.status === "Canceled" ? job.cancel : undefined;
  const reason = wish?.reason ?? event.reason;
  return finish(job, {
    status: event.status,
    at: event.atMs,
    by: wish?.by ?? "system",
    ...(reason === undefined ? {} : { reason }),
  });
}

function isCurrent(job: Life, attemptId: string): boolean {
  return !isFinal(job.status) && currentAttempt(job)?.id === attemptId;
}

/** The attempt's runner has not said a word yet. */
function isWaiting(job: Life, attemptId: string): boolean {
  if (!isCurrent(job, attemptId)) return false;
  return job.status === "Queued" || (job.status === "Preparing" && currentAttempt(job)?.started_at === undefined);
}

function building<J extends Life>(job: J, event: JobEvent & { kind: "building" }): J {
  const { reason, build } = event;
  if (!isWaiting(job, event.attemptId) || currentAttempt(job)?.handle !== undefined) return job;
  const noted = changeAttempt(job, event.attemptId, (attempt) =>
    attempt.build?.since === build.since && attempt.build.logBytes === build.logBytes ? attempt : { ...attempt, build },
  );
  if (job.status === "Preparing") return job.statusReason === reason ? noted : { ...noted, statusReason: reason };
  const begun = change(job, "Preparing", event.atMs, "system", reason);
  return { ...noted, status: "Preparing", statusReason: reason, history: [...job.history, begun] };
}

function launched<J extends Life>(job: J, event: JobEvent & { kind: "launched" }): J {
  if (currentAttempt(job)?.id !== event.attemptId) return job;
  const isWaited = isWaiting(job, event.attemptId);
  const after = changeAttempt(job, event.attemptId, (attempt) => {
    if (attempt.handle !== undefined) return attempt;
    const { build: _build, ...rest } = attempt;
    const launched = { ...rest, handle: event.handle };
    if (event.image === undefined) return launched;
    return { ...launched, machine: { ...attempt.machine, "environment.image": event.image } };
  });
  if (after === job || job.status !== "Preparing" || !isWaited) return after;
  const { statusReason: _built, ...rest } = after;
  return rest as J;
}

function claim<J extends Life>(job: J, event: JobEvent & { kind: "claim" }): J {
  if (job.status !== "Queued" || job.attempts.length > 0 || job.cancel !== undefined) return job;
  const { attemptId: id, array, atMs } = event;
  const attempt: AttemptRecord = { id, number: 1, claimedMs: atMs, ...(array === undefined ? {} : { array }) };
  return { ...job, attempts: [attempt], statusReason: event.reason };
}

/** A cancel of a job that nothing runs yet is the end; else it is a wish that the runner carries out, or the coordinator. */
function cancel<J extends Life>(job: J, event: JobEvent & { kind: "cancel" }): J {
  if (isFinal(job.status) || job.cancel !== undefined) return job;
  const { by, reason, atMs } = event;
  const wished = { ...job, cancel: { by, reason, atMs } };
  if (job.attempts.length > 0 || job.coordinated === true) return wished;
  return finish(wished, { status: "Canceled", at: atMs, by, reason });
}

function interrupted<J extends Life>(job: J, event: JobEvent & { kind: "interrupted" }): J {
  const { attemptId, reason, atMs } = event;
  const interruptions = job.attempts.length - (job.retries?.used ?? 0);
  if (job.cancel !== undefined) return end(job, { kind: "gone", attemptId, reason, atMs });
  if (interruptions >= ATTEMPTS_LIMIT) {
    const last = `${ATTEMPTS_LIMIT} attempts were interrupted; the last: ${reason}`;
    return end(job, { kind: "gone", attemptId, reason: last, atMs });
  }
  return beginNext(endAttempt(job, event), event, "");
}

/** Whether another attempt follows should the current one fail. */
export function mayRetry({ retries, cancel }: Life): boolean {
  return cancel === undefined && retries !== undefined && retries.used < retries.most;
}

function retried<J extends Life>(job: J, event: JobEvent & { kind: "retried" }): J {
  const { retries = { most: 0, used: 0 } } = job;
  const used = retries.used + 1;
  const failed = changeAttempt(endAttempt(job, event), event.attemptId, (attempt) => ({ ...attempt, ...event.exit }));
  return beginNext({ ...failed, retries: { ...retries, used } }, event, `retry ${used} of ${retries.most}`);
}

/** It keeps its slot, and waits like a job that was just given one. */
function beginNext<J extends Life>(
  job: J,
  { next, reason, atMs }: { readonly next: string; readonly reason: string; readonly atMs: number },
  what: string,
): J {
  const { attempts, ...rest } = job;
  const number = attempts.length + 1;
  const why = `attempt ${number} begins${what === "" ? "" : ` (${what})`}: ${reason}`;
  return {
    ...(rest as J),
    attempts: [...attempts, { id: next, number, claimedMs: atMs }],
    status: "Queued",
    statusReason: why,
    history: [...job.history, change(job, "Queued", atMs, "system", why)],
  };
}

function endAttempt<J extends Life>(
  job: J,
  { attemptId, reason, atMs }: { readonly attemptId: string; readonly reason: string; readonly atMs: number },
): J {
  return changeAttempt(job, attemptId, (attempt) => ({ ...attempt, ended_at: timeText(job, atMs), reason }));
}

function end<J extends Life>(job: J, event: JobEvent & { kind: "launch-failed" | "gone" }): J {
  const { reason, atMs } = event;
  const wish = job.cancel;
  const ended = endAttempt(job, event);
  if (wish !== undefined) return finish(ended, { status: "Canceled", at: atMs, by: wish.by, reason: wish.reason });
  return finish(ended, { status: "Failed", at: atMs, by: "system", reason });
}

function report<J extends Life>(job: J, event: JobEvent & { kind: "report" }): J {
  const { report: told, atMs } = event;
  if (!isCurrent(job, told.attempt)) return job;
  const at = Math.min(Number.isNaN(Date.parse(told.at)) ? atMs : Date.parse(told.at), atMs);
  if (!isFinal(told.status)) {
    if (ORDER.indexOf(told.status) < ORDER.indexOf(job.status)) return job;
    // A job whose image was made is Preparing before its runner says so.
    if (told.status === job.status) {
      return currentAttempt(job)?.started_at === undefined ? withMachine(job, told, at) : job;
    }
    return advance(withMachine(job, told, at), told, at, event.by);
  }
  const ended = changeAttempt(withMachine(job, told, at), told.attempt, (attempt) => ({
    ...attempt,
    ended_at: timeText(job, at),
    ...exitOf(told),
    ...(told.reason === undefined ? {} : { reason: told.reason }),
  }));
  const wish = told.status === "Canceled" ? job.cancel : undefined;
  const reason = wish?.reason ?? told.reason;
  return finish(
    {
      ...ended,
      ...(told.exit_code === undefined ? {} : { exitCode: told.exit_code }),
      ...(told.signal === undefined ? {} : { signal: told.signal }),
    },
    { status: told.status, at, by: wish?.by ?? event.by, ...(reason === undefined ? {} : { reason }) },
  );
}

function advance<J extends Life>(job: J, told: RunnerReport, atMs: number, by: string): J {
  const { statusReason: _waiting, ...rest } = job;
  const startsNow = told.status === "Running" || (told.status === "Finalizing" && job.startedMs === undefined);
  return {
    ...(rest as J),
    status: told.status,
    ...(told.reason === undefined ? {} : { statusReason: told.reason }),
    ...(startsNow ? { startedMs: laterOf(job, atMs) } : {}),
    history: [...job.history, change(job, told.status, atMs, by, told.reason)],
  };
}

function finish<J extends Life>(
  job: J,
  to: { readonly status: JobStatus; readonly at: number; readonly by: string; readonly reason?: string },
): J {
  const { statusReason: _waiting, ...rest } = job;
  return {
    ...(rest as J),
    status: to.status,
    ...(to.reason === undefined ? {} : { statusReason: to.reason }),
    endedMs: laterOf(job, to.at),
    history: [...job.history, change(job, to.status, to.at, to.by, to.reason)],
  };
}

function change(job: Life, status: JobStatus, atMs: number, by: string, reason: string | undefined): Change {
  return { status, at: timeText(job, atMs), by, ...(reason === undefined ? {} : { reason }) };
}

/** Clocks of machines differ; a history's times don't run backwards. */
function laterOf(job: Life, atMs: number): number {
  const last = job.history.at(-1);
  return last === undefined ? atMs : Math.max(atMs, Date.parse(last.at));
}

function timeText(job: Life, atMs: number): string {
  return new Date(laterOf(job, atMs)).toISOString();
}

function exitOf(told: RunnerReport): { exit_code?: number; signal?: string } {
  return {
    ...(told.exit_code === undefined ? {} : { exit_code: told.exit_code }),
    ...(told.signal === undefined ? {} : { signal: told.signal }),
  };
}

function withMachine<J extends Life>(job: J, told: RunnerReport, at: number): J {
  return changeAttempt(job, told.attempt, (attempt) => ({
    ...attempt,
    started_at: attempt.started_at ?? timeText(job, at),
    ...(told.machine === undefined ? {} : { machine: { ...attempt.machine, ...told.machine } }),
  }));
}

function changeAttempt<J extends Life>(
  job: J,
  attemptId: string,
  changed: (attempt: AttemptRecord) => AttemptRecord,
): J {
  const index = job.attempts.findIndex((attempt) => attempt.id === attemptId);
  const before = job.attempts[index];
  if (before === undefined) return job;
  const after = changed(before);
  return after === before ? job : { ...job, attempts: job.attempts.with(index, after) };
}
