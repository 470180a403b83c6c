import type { EnvironmentSpec } from "../../contract/environments.ts";
import type { Attempt, CommandJobSpec, GitState, JobSpec, JobStatus } from "../../contract/jobs.ts";
import type { Assignment, OutputContents } from "../../contract/runner.ts";
import type { ReuseNote } from "../coordinator/reuse/step-key.ts";

/** One try at running a job. */
export interface AttemptRecord extends Attempt {
  /** What the launcher answered; absent while the hand-over is under way. */
  readonly handle?: string;
  /** While its image is being made: from where to ask again, and how many bytes of the build's log were kept until there. */
  readonly build?: { readonly since: string; readonly logBytes: number };
  /** Attempts that got their slots together, as children of one job: they may be launched as one. */
  readonly array?: string;
  /** When a slot was taken for it; ms since the epoch. */
  readonly claimedMs: number;
  /** Machine facts its runner told. */
  readonly machine?: Readonly<Record<string, string>>;
}

export interface Change {
  readonly status: JobStatus;
  /** RFC 3339. */
  readonly at: string;
  readonly by: string;
  readonly reason?: string;
}

export interface CancelWish {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

/** What the state machine moves. */
export interface Life {
  /** Set of composite jobs: a coordinator moves them, and nothing runs an attempt of them. */
  readonly coordinated?: true;
  /** Attempts that may follow failed ones, and how many of them did. Absent: none may. */
  readonly retries?: { readonly most: number; readonly used: number };
  readonly status: JobStatus;
  readonly statusReason?: string;
  readonly history: readonly Change[];
  readonly attempts: readonly AttemptRecord[];
  readonly cancel?: CancelWish;
  readonly startedMs?: number;
  readonly endedMs?: number;
  readonly exitCode?: number;
  readonly signal?: string;
}

type AssignedInput = Assignment["inputs"][string];
type AssignedOutput = Assignment["outputs"][string];

export interface PlannedInput extends AssignedInput {
  /** As written, before references were resolved. */
  readonly written?: string;
  /** `azureml:NAME:VERSION` of the asset it came from. */
  readonly asset?: string;
}

export interface PlannedOutput extends AssignedOutput {
  /** To be registered as on success. */
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** `azureml:NAME:VERSION`, once registered. */
  readonly asset?: string;
  /** What is in it, once the job has ended; absent where nobody knows: of mode `direct`, and of several machines. */
  readonly contents?: OutputContents;
}

/** What validation makes of a submitted spec: every reference resolved and pinned. */
export interface Plan {
  readonly spec: JobSpec;
  /** Empty for composite jobs, which run on none. */
  readonly compute: string;
  readonly requestedCompute?: string;
  /** Of everything that runs a command. */
  readonly environment?: EnvironmentSpec;
  readonly inputs: Readonly<Record<string, PlannedInput>>;
  readonly outputs: Readonly<Record<string, PlannedOutput>>;
  readonly snapshot?: string;
  readonly warnings: readonly string[];
}

/** A job as it is kept. Its tags, params and metrics are its run's. */
export interface JobRecord extends Life, Plan {
  readonly workspace: string;
  readonly name: string;
  /** Grows with every write; the condition of the next one. */
  readonly rev: number;
  /** Counts what people changed of it. */
  readonly edits: number;
  /** Of the request that made it: the same one again is the same job. */
  readonly digest: string;
  /** Place in the queue of its compute. */
  readonly queueSeq: string;
  readonly displayName: string;
  readonly description?: string;
  readonly experimentId: string;
  readonly experimentName: string;
  readonly git?: Omit<GitState, "diff">;
  /** Object that holds the working copy's diff. */
  readonly diffKey?: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly parent?: string;
  /** What the machines of a parallel job know each other by. */
  readonly meetingKey?: string;
  /** Of a child of a composite job. */
  readonly composite?: ChildOf;
  /** An earlier job with the same key, whose results are this one's: nothing ran. */
  readonly reusedFrom?: string;
  /** Of a step: what its results follow from, so that later steps can have them; or why not. */
  readonly reuse?: ReuseNote;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly archived: boolean;
}

/** Whose child a job is. Its end is told there in the transaction that makes it final. */
export interface ChildOf {
  readonly parent: string;
  /** Key of the child within its parent. */
  readonly child: string;
  /** The composite that no other one ordered. */
  readonly root: string;
}

/** A job whose attempts run a command. */
export type CommandJob = JobRecord & { readonly spec: CommandJobSpec; readonly environment: EnvironmentSpec };

export function commandJob(job: JobRecord): CommandJob {
  const { spec, environment } = job;
  if (spec.type !== "command" || environment === undefined) throw new Error(`job \`${job.name}\` runs no command`);
  return { ...job, spec, environment };
}

/** The attempt that counts, if there is one. */
export function currentAttempt(job: Life): AttemptRecord | undefined {
  return job.attempts.at(-1);
}
