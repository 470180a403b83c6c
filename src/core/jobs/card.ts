import type { JobSpec, JobSummary } from "../../contract/jobs.ts";
import { ownTags } from "./make-run.ts";
import type { JobRecord } from "./record.ts";

/** What lists look at and show of a job. */
export type JobCard = Pick<
  JobRecord,
  | "workspace"
  | "name"
  | "displayName"
  | "experimentName"
  | "status"
  | "statusReason"
  | "compute"
  | "coordinated"
  | "parent"
  | "composite"
  | "reusedFrom"
  | "queueSeq"
  | "createdMs"
  | "createdBy"
  | "startedMs"
  | "endedMs"
  | "archived"
> & {
  readonly spec: ShownSpec;
  /** Those a person gave; absent where they are many, or the job is older than cards: then its run has them. */
  readonly tags?: Readonly<Record<string, string>>;
  /** No machine had a part of it yet. */
  readonly isNew: boolean;
};

/** A command that runs over mini-batches is shown as a parallel job. */
interface ShownSpec {
  readonly type: JobSpec["type"];
  readonly parallel?: unknown;
}

export function cardOf(job: JobRecord): JobCard {
  const { workspace, name, displayName, experimentName, status, statusReason, compute, coordinated } = job;
  const { parent, composite, reusedFrom, queueSeq, createdMs, createdBy, startedMs, endedMs, archived } = job;
  return {
    ...{ workspace, name, displayName, experimentName, status, compute, queueSeq, createdMs, createdBy, archived },
    ...(statusReason === undefined ? {} : { statusReason }),
    ...(coordinated === undefined ? {} : { coordinated }),
    ...(parent === undefined ? {} : { parent }),
    ...(composite === undefined ? {} : { composite }),
    ...(reusedFrom === undefined ? {} : { reusedFrom }),
    ...(startedMs === undefined ? {} : { startedMs }),
    ...(endedMs === undefined ? {} : { endedMs }),
    spec: { type: job.spec.type, ...("parallel" in job.spec ? { parallel: true } : {}) },
    isNew: job.attempts.length === 0,
  };
}

function shownType({ type, parallel }: ShownSpec): JobSummary["type"] {
  return parallel === undefined ? type : "parallel";
}

export function summaryOf(job: Omit<JobCard, "isNew" | "tags">, runTags: Readonly<Record<string, string>>): JobSummary {
  return {
    name: job.name,
    type: shownType(job.spec),
    display_name: job.displayName,
    experiment_name: job.experimentName,
    status: job.status,
    ...(job.statusReason === undefined ? {} : { status_reason: job.statusReason }),
    ...(job.coordinated === true ? {} : { compute: job.compute }),
    tags: ownTags(runTags),
    ...(job.parent === undefined ? {} : { parent_job_name: job.parent }),
    ...(job.composite === undefined ? {} : { step: job.composite.child }),
    ...(job.reusedFrom === undefined ? {} : { reused_from: job.reusedFrom }),
    created_at: new Date(job.createdMs).toISOString(),
    created_by: job.createdBy,
    ...(job.startedMs === undefined ? {} : { started_at: new Date(job.startedMs).toISOString() }),
    ...(job.endedMs === undefined ? {} : { ended_at: new Date(job.endedMs).toISOString() }),
    archived: job.archived,
  };
}
