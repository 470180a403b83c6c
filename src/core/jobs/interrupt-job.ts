import { changeJob, statusDeed } from "./change-job.ts";
import { type EndDeps, endJob } from "./end-job.ts";
import { requireJob } from "./get-job.ts";
import { artifactKey, earlierLog } from "./object-keys.ts";
import type { JobRecord } from "./record.ts";
import { isFinal, step } from "./state.ts";

export interface Interruption {
  readonly workspace: string;
  readonly name: string;
  readonly attemptId: string;
  readonly reason: string;
  readonly atMs: number;
}

/**
 * Ends the current attempt and begins the next, or ends the job that was to be canceled or has been interrupted too often. Word of another attempt changes nothing.
 * What the ended attempt wrote becomes artifacts first, as at a job's end; so an interruption that was cut short is finished by the same word again.
 */
export async function interruptJob(deps: EndDeps, told: Interruption): Promise<JobRecord> {
  const { workspace, name, attemptId, reason, atMs } = told;
  const before = await requireJob(deps.jobs, workspace, name);
  const number = before.attempts.findIndex((attempt) => attempt.id === attemptId) + 1;
  const event = { kind: "interrupted", attemptId, next: `${name}.${number + 1}`, reason, atMs } as const;
  const after = step(before, event);
  if (after === before) return before;
  if (isFinal(after.status)) {
    const { statusReason = reason } = after;
    return endJob(deps, workspace, name, { kind: "gone", attemptId, reason: statusReason, atMs });
  }
  await deps.logs.finish({ workspace, run: name, attempt: attemptId }, (log) =>
    artifactKey(workspace, before.experimentId, name, earlierLog(number, log)),
  );
  const { job } = await changeJob(deps, workspace, name, (current) => step(current, event), statusDeed("system"));
  return job;
}
