import type { JobDetail } from "@aws-sdk/client-batch";

/** A job as the emulator knows it. */
export interface EmulatedJob extends JobDetail {
  /** What each container wrote, stdout and stderr. */
  readonly logs: Readonly<Record<string, string>>;
  readonly folder: string | null;
}

/** Globs; a job must match each that is given. */
interface JobMatch {
  readonly jobName?: string;
  readonly jobQueue?: string;
  readonly jobId?: string;
}

/** What a test may do to the emulator that no caller of AWS could. */
export function openEmulator(endpoint: string) {
  const tell = async <T>(name: string, body: object): Promise<T> => {
    const answer = await fetch(`${endpoint}/_trainyard/${name}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the emulator answered ${answer.status} to ${name}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  return {
    jobs: () => tell<EmulatedJob[]>("jobs", {}),
    /** Jobs that match go no further than `status`; with a reason, as Batch words it of a blocked queue. */
    hold: (hold: {
      readonly match: JobMatch;
      readonly status: "RUNNABLE" | "STARTING";
      readonly statusReason?: string;
    }) => tell<object>("hold", hold),
    /** Ends one hold, or all. */
    release: (match?: JobMatch) => tell<object>("release", match === undefined ? {} : { match }),
    /** The job's machine goes away. */
    interrupt: (jobId: string, more: { readonly reason?: string; readonly graceSec?: number } = {}) =>
      tell<object>("interrupt", { jobId, ...more }),
    outOfMemory: (jobId: string, container: string) => tell<object>("oom", { jobId, container }),
    /** Of state changes from now on: chances between 0 and 1; `shuffle` keeps them until `flush`. */
    eventFaults: (faults: {
      readonly lose?: number;
      readonly double?: number;
      readonly shuffle?: boolean;
      readonly seed?: number;
    }) => tell<object>("events", faults),
    flushEvents: () => tell<{ readonly sent: number }>("flush", {}),
    /** What DescribeComputeEnvironments says from now on. */
    environment: (told: {
      readonly name: string;
      readonly status?: string;
      readonly statusReason?: string;
      readonly state?: string;
    }) => tell<object>("environment", told),
    /** Between SIGTERM and SIGKILL; 30 at first. */
    stopTimeout: (seconds: number) => tell<object>("stopTimeoutSec", { seconds }),
  };
}
