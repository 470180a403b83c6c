import { AppError, ERRORS, isAppError } from "../../contract/errors.ts";
import type { CreateJob } from "../../contract/jobs.ts";
import type { Cause } from "../../contract/schedules.ts";
import { digestOf } from "../jobs/digest.ts";
import type { Bus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import { type Alarm, askToFire } from "./alarm.ts";
import { fillJob } from "./fill-job.ts";
import { firingTimes } from "./firing-times.ts";
import { dueTimes } from "./missed.ts";
import type { FiringRecord, ScheduleRecord, ScheduleStore } from "./ports.ts";
import type { ScheduledJobs } from "./put-schedule.ts";

export interface FireDeps {
  readonly schedules: ScheduleStore;
  readonly scheduledJobs: ScheduledJobs;
  /** Makes a new version of a data asset whose files have changed; undefined where none have. */
  readonly refreshData: (input: {
    readonly workspace: string;
    readonly name: string;
    readonly actor: string;
    readonly firing: string;
  }) => Promise<{ readonly version: string; readonly summary: string } | undefined>;
  /** Whether a person is a member who may create jobs. */
  readonly mayCreateJobs: (workspace: string, actor: string) => Promise<boolean>;
  /** False for a workspace that is deleted, if only for now. */
  readonly isThere: (workspace: string) => Promise<boolean>;
  readonly alarm: Alarm;
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
}

const TRIES = 20;

/** What one cause makes of one schedule, always the same. */
async function firingOf(deps: FireDeps, schedule: ScheduleRecord, cause: Cause): Promise<FiringRecord> {
  const { workspace, name, createdMs } = schedule;
  const id = (await digestOf([workspace, name, createdMs, cause.id])).slice(0, 32);
  return { workspace, schedule: name, id, cause, atMs: deps.clock.now(), state: "open" };
}

/** Fires a schedule for a cause that has not fired it before. Answers what stands for the cause, and whether it is new. */
export async function fireFor(
  deps: FireDeps,
  schedule: ScheduleRecord,
  cause: Cause,
): Promise<{ readonly firing: FiringRecord; readonly isNew: boolean }> {
  const firing = await firingOf(deps, schedule, cause);
  const made = await deps.schedules.fire([firing]);
  // A firing that stands may not have been told of.
  await askToFire(deps.bus, [firing]);
  return { firing, isNew: made === "made" };
}

/** A schedule's time has come, or a message about it came once more: fires what is due and sets the next time. */
export async function fireDue(deps: FireDeps, workspace: string, name: string, mark?: string): Promise<void> {
  /** A clock that was set back comes by the same times again. */
  const known = new Set<string>();
  for (let i = 0; i < TRIES; i++) {
    const schedule = await deps.schedules.get(workspace, name);
    if (schedule === undefined || !schedule.isEnabled) return;
    if (mark !== undefined && schedule.mark !== mark) return;
    const { trigger } = schedule;
    if (trigger.type !== "cron" && trigger.type !== "recurrence") return;
    // Should it be restored, a round finds the time that has passed.
    if (!(await deps.isThere(workspace))) return;
    const nowMs = deps.clock.now();
    const times = firingTimes(trigger, schedule.anchorMs);
    const { fire, skipped, nextMs } = dueTimes(times, schedule.sinceMs, nowMs, schedule.missedRuns);
    if (fire.length + skipped === 0) {
      // Its firings may be lost to the bus; rounds look for those that are open.
      await deps.alarm.set(schedule);
      return;
    }
    const all = await Promise.all(fire.map((atMs) => firingOf(deps, schedule, timeCause(atMs))));
    const firings = all.filter(({ id }) => !known.has(id));
    const { nextMs: _, ...rest } = schedule;
    const after: ScheduleRecord = {
      ...rest,
      ...(nextMs === undefined ? {} : { nextMs }),
      sinceMs: nowMs,
      skipped: schedule.skipped + skipped,
      rev: schedule.rev + 1,
    };
    const words = skipped === 0 ? undefined : `${skipped} times passed without a run`;
    const made = await deps.schedules.fire(firings, {
      before: schedule,
      after,
      ...(words === undefined ? {} : { words }),
    });
    if (made === "known") for (const id of await knownOf(deps, firings)) known.add(id);
    if (made !== "made") continue;
    await deps.alarm.set(after);
    return askToFire(deps.bus, firings);
  }
  throw new AppError("Unavailable", `schedule \`${name}\` could not be fired: too many writers at once`);
}

async function knownOf({ schedules }: FireDeps, firings: readonly FiringRecord[]): Promise<readonly string[]> {
  const found = await Promise.all(
    firings.map(({ workspace, schedule, id }) => schedules.firing(workspace, schedule, id)),
  );
  return found.flatMap((firing) => (firing === undefined ? [] : [firing.id]));
}

function timeCause(atMs: number): Cause {
  const time = new Date(atMs).toISOString();
  return { id: `time#${time}`, type: "time", summary: `it was ${time}`, values: { time } };
}

/** Does what a firing is for, once: submits the job under the firing's own name, or refreshes the data. A refusal ends it; what may pass is thrown. */
export async function doFiring(deps: FireDeps, workspace: string, schedule: string, id: string): Promise<void> {
  const firing = await deps.schedules.firing(workspace, schedule, id);
  if (firing === undefined || firing.state !== "open") return;
  const record = await deps.schedules.get(workspace, schedule);
  if (record === undefined) return;
  try {
    await deps.schedules.end({ ...firing, ...(await act(deps, record, firing)), state: "done" });
  } catch (error) {
    if (!isAppError(error) || ERRORS[error.code].retry) throw error;
    await deps.schedules.end({ ...firing, state: "failed", reason: error.message });
  }
}

async function act(deps: FireDeps, schedule: ScheduleRecord, firing: FiringRecord): Promise<Partial<FiringRecord>> {
  const { workspace, name, changedBy: actor } = schedule;
  if (schedule.byMembership && !(await deps.mayCreateJobs(workspace, actor))) {
    throw new AppError("Forbidden", `\`${actor}\`, in whose name it works, may not create jobs here any more`);
  }
  if (schedule.action === "refresh_data") {
    const made = await deps.refreshData({ workspace, name: schedule.data ?? "", actor, firing: firing.id });
    if (made === undefined) return { reason: "its files are as they were" };
    return { data: `azureml:${schedule.data}:${made.version}`, reason: made.summary };
  }
  const template: CreateJob | undefined = await deps.schedules.template(workspace, name);
  if (template === undefined) throw new AppError("Internal", `schedule \`${name}\` has no job`);
  const request = fillJob(template, firing);
  await deps.scheduledJobs.submit({ workspace, name: firing.id, request, actor }).catch((error: unknown) => {
    // Submitted before, and the schedule changed since: the name is nobody else's.
    if (!isAppError(error) || error.code !== "AlreadyExists") throw error;
  });
  return { job: firing.id };
}

/** Makes up for lost messages: firings that are open, and schedules whose time has passed. */
export async function lookForLost(
  deps: FireDeps & { readonly workspaces: () => Promise<readonly string[]> },
): Promise<void> {
  const nowMs = deps.clock.now();
  await askToFire(deps.bus, await deps.schedules.open(), `.${nowMs}`);
  for (const workspace of await deps.workspaces()) {
    let cursor: string | undefined;
    do {
      const page = await deps.schedules.list(workspace, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
      for (const { name, isEnabled, nextMs } of page.items)
        if (isEnabled && nextMs !== undefined && nextMs <= nowMs) await fireDue(deps, workspace, name);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}
