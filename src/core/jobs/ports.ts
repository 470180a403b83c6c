import type { EnvironmentSpec, EnvironmentValue } from "../../contract/environments.ts";
import type { JobStatus } from "../../contract/jobs.ts";
import type { Write } from "../ports/table.ts";
import type { NewRun } from "../tracking/ports.ts";
import type { JobCard } from "./card.ts";
import type { JobRecord, PlannedOutput } from "./record.ts";

/** Who did what, in words, for the activity that goes with a write. */
export interface Deed {
  readonly actor: string;
  readonly action: string;
  readonly summary: string;
}

/** One place in a compute's queue: a job that waits for a slot, or holds one. */
export interface QueueEntry {
  readonly job: string;
  readonly seq: string;
  readonly holds: boolean;
}

export interface JobFilter {
  readonly status?: JobStatus;
  readonly experimentName?: string;
  readonly compute?: string;
  readonly parent?: string;
  readonly createdBy?: string;
  readonly archived: boolean | "all";
}

export interface JobStore {
  /** Makes job, run and queue entry in one transaction. `taken` holds what stands under the name; its job is undefined where an MLflow client made the run. */
  create(
    job: JobRecord,
    run: NewRun,
    deed: Deed,
  ): Promise<{ readonly taken?: { readonly job: JobRecord | undefined } }>;
  get(workspace: string, name: string): Promise<JobRecord | undefined>;
  /** Writes `after` if the record is still `before`; run status and queue entry go along, and what `also` says. False: somebody was faster. */
  save(before: JobRecord, after: JobRecord, deed: Deed | undefined, also?: readonly Write[]): Promise<boolean>;
  /** Newest first. A page may be short and still have a cursor. */
  list(query: {
    readonly workspace: string;
    readonly filter: JobFilter;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly jobs: readonly JobCard[]; readonly cursor?: string }>;
  /** Whole records of all jobs, newest first. */
  records(query: {
    readonly workspace: string;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly jobs: readonly JobRecord[]; readonly cursor?: string }>;
  /** Jobs of a compute that are not final, first come first. Of those that wait, no more than the first `maxWaiting` of each priority need be among them. */
  queue(workspace: string, compute: string, maxWaiting?: number): Promise<readonly QueueEntry[]>;
  countChildren(workspace: string, parent: string): Promise<number>;
  /** Composite jobs that are not final. */
  openComposites(workspace: string): Promise<readonly string[]>;
  /** Attempts of final jobs that may have left something on their machine. */
  leftovers(workspace: string): Promise<readonly Leftover[]>;
  /** What an attempt left is removed. */
  cleaned(leftover: Leftover): Promise<void>;
}

/** An ended attempt whose machine is yet to be tidied. */
export interface Leftover {
  readonly workspace: string;
  readonly compute: string;
  readonly attemptId: string;
  readonly handle: string;
}

/** What MLflow keeps of a job's run. */
export interface RunFacts {
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  /** Latest values. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface RunBook {
  read(workspace: string, runId: string): Promise<RunFacts>;
  /** Tags only, of many runs. */
  tagsOf(workspace: string, runIds: readonly string[]): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>;
  /** `null` removes a tag. `name` is the run's name. */
  change(
    workspace: string,
    runId: string,
    change: { readonly name?: string; readonly tags?: Readonly<Record<string, string | null>> },
  ): Promise<void>;
}

/** References to environments become what a builder makes. Throws NotFound or InvalidSpec. */
export interface Environments {
  resolve(
    workspace: string,
    value: EnvironmentValue,
  ): Promise<{ readonly spec: EnvironmentSpec; readonly warnings: readonly string[] }>;
}

export interface Experiments {
  ensure(workspace: string, name: string, actor: string): Promise<{ readonly id: string; readonly name: string }>;
}

/** Registers a completed job's output; answers `azureml:NAME:VERSION`. The same output of the same job again answers the same version. */
export interface OutputRegistry {
  register(output: {
    readonly workspace: string;
    readonly job: string;
    readonly output: string;
    readonly planned: PlannedOutput & { readonly name: string };
  }): Promise<string>;
}

/** Wakes those who wait for something to change. In one process only: whoever waits also looks again by itself. */
export interface Watch {
  touch(topic: string): void;
  /** Listens from now on, for `ms` at most. Look at the state after this call, then wait with `next`. */
  listen(topic: string, ms: number, signal?: AbortSignal): Listening;
}

export interface Listening {
  /** True when the topic was touched since the call before (at first: since `listen`); false when the time is over or the signal fired. */
  next(): Promise<boolean>;
  done(): void;
}

export const jobTopic = (workspace: string, name: string): string => `job ${workspace} ${name}`;
export const logTopic = (workspace: string, name: string): string => `log ${workspace} ${name}`;

/** Tells the coordinator that something happened to a composite job. Losing a call costs seconds, too. */
export type Compose = (workspace: string, composite: string) => void;

/** Tells the dispatcher that a compute has work or room, or that one of its jobs is to be looked at. Losing a call costs seconds: the reconciler looks too. */
export type Nudge = (workspace: string, compute: string, job?: string) => void;
