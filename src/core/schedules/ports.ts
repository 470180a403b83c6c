import type { CreateJob } from "../../contract/jobs.ts";
import type { Cause, MissedRuns, Trigger } from "../../contract/schedules.ts";
import type { Deed } from "../jobs/ports.ts";

/** A schedule as it is kept, without the job it submits. */
export interface ScheduleRecord {
  readonly workspace: string;
  readonly name: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly trigger: Trigger;
  readonly missedRuns: MissedRuns;
  readonly isEnabled: boolean;
  readonly action: "create_job" | "refresh_data";
  /** The data asset that is refreshed. */
  readonly data?: string;
  /** Of this state of trigger and switch: what was set for an earlier one is void. */
  readonly mark: string;
  /** What counts from a beginning counts from here. */
  readonly anchorMs: number;
  /** Nothing that happened before it fires; of triggers of time, all until then was dealt with. */
  readonly sinceMs: number;
  /** Of triggers of time: what comes next. */
  readonly nextMs?: number;
  readonly skipped: number;
  readonly createdMs: number;
  readonly createdBy: string;
  /** In whose name it works. */
  readonly changedBy: string;
  /** Their right to submit jobs comes of a membership, and is asked for each time; absent: of the home's key, which has no end. */
  readonly byMembership: boolean;
  /** Counts writes. */
  readonly rev: number;
}

/** One time that a schedule fired. */
export interface FiringRecord {
  readonly workspace: string;
  readonly schedule: string;
  /** Made of schedule and cause; the name of the job that it submits. */
  readonly id: string;
  readonly cause: Cause;
  readonly atMs: number;
  readonly state: "open" | "done" | "failed";
  readonly job?: string;
  readonly data?: string;
  readonly reason?: string;
}

interface PageAsk {
  readonly limit: number;
  readonly cursor?: string;
}

interface Paged<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

export interface ScheduleStore {
  get(workspace: string, name: string): Promise<ScheduleRecord | undefined>;
  /** The request that a schedule submits. */
  template(workspace: string, name: string): Promise<CreateJob | undefined>;
  /** By name. */
  list(workspace: string, page: PageAsk): Promise<Paged<ScheduleRecord>>;
  /** `expectedRev` 0: it must not exist. Without a template the one there stays. False when somebody was faster. */
  put(record: ScheduleRecord, expectedRev: number, deed: Deed, template?: CreateJob): Promise<boolean>;
  /** With its firings. False when it is not there (any more) at this revision. */
  delete(record: ScheduleRecord, actor: string): Promise<boolean>;
  /**
   * Writes firings, each the first of its cause, with an activity each, and the schedule's new state, if it has one: all or none.
   * `known`: one of the causes has fired already; `stale`: the schedule was changed meanwhile.
   */
  fire(
    firings: readonly FiringRecord[],
    schedule?: { readonly before: ScheduleRecord; readonly after: ScheduleRecord; readonly words?: string },
  ): Promise<"made" | "known" | "stale">;
  firing(workspace: string, schedule: string, id: string): Promise<FiringRecord | undefined>;
  /** Newest first. */
  firings(workspace: string, schedule: string, page: PageAsk): Promise<Paged<FiringRecord>>;
  /** Of every workspace: those with something left to do. */
  open(): Promise<readonly FiringRecord[]>;
  /** Ends a firing; a failure is an activity. Of one that has ended nothing changes. */
  end(firing: FiringRecord): Promise<void>;
}

/** Name of what a webhook's requests are signed with, in the vault. */
export const webhookSecret = (workspace: string, name: string): string => `schedules/${workspace}/${name}`;
