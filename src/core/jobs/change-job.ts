import { AppError } from "../../contract/errors.ts";
import type { Write } from "../ports/table.ts";
import { requireJob } from "./get-job.ts";
import { type Compose, type Deed, type JobStore, jobTopic, logTopic, type Nudge, type Watch } from "./ports.ts";
import type { JobRecord } from "./record.ts";
import { isFinal } from "./state.ts";

export interface ChangeDeps {
  readonly jobs: JobStore;
  readonly watch: Watch;
  readonly nudge: Nudge;
  readonly compose: Compose;
}

const TRIES = 50;

/**
 * Changes a job by a function of what it is, again when somebody was faster. A function that answers the same object changes nothing.
 * Whoever waits for the job is woken, and a slot that became free is offered.
 */
export async function changeJob(
  deps: ChangeDeps,
  workspace: string,
  name: string,
  decide: (job: JobRecord) => JobRecord,
  deed: (before: JobRecord, after: JobRecord) => Deed | undefined,
  /** Written with the change. */
  also: readonly Write[] = [],
): Promise<{ readonly job: JobRecord; readonly changed: boolean }> {
  for (let i = 0; i < TRIES; i++) {
    const before = await requireJob(deps.jobs, workspace, name);
    const after = decide(before);
    if (after === before) return { job: before, changed: false };
    const saved = { ...after, rev: before.rev + 1 };
    if (!(await deps.jobs.save(before, saved, deed(before, saved), also))) continue;
    deps.watch.touch(jobTopic(workspace, name));
    if (before.status !== saved.status) deps.watch.touch(logTopic(workspace, name));
    if (isFinal(saved.status) && !isFinal(before.status)) ended(deps, saved);
    return { job: saved, changed: true };
  }
  throw new AppError("Unavailable", `job \`${name}\` could not be changed: too many writers at once`);
}

/** A slot is free, and whoever waits for this one's end can go on. */
export function ended(deps: Pick<ChangeDeps, "nudge" | "compose">, job: JobRecord): void {
  const { workspace, composite } = job;
  if (job.coordinated !== true) deps.nudge(workspace, job.compute);
  if (composite !== undefined) deps.compose(workspace, composite.parent);
}

/** The activity of a status change. */
export function statusDeed(actor: string): (before: JobRecord, after: JobRecord) => Deed | undefined {
  return (before, after) => {
    if (before.status === after.status) return undefined;
    const why = after.statusReason === undefined ? "" : `: ${after.statusReason}`;
    return { actor, action: "status", summary: `job \`${after.name}\` is ${after.status}${why}` };
  };
}
