import type { Assignment, RunnerReport } from "../../contract/runner.ts";

/** One attempt of one run, as a launcher starts it. The runner asks the API for everything else with the run token. */
export interface LaunchRequest {
  /** `<run id>.<attempt number>`: launching the same id twice starts one runner. */
  readonly attemptId: string;
  readonly workspace: string;
  readonly runId: string;
  /** Base address of the API as the compute sees it. */
  readonly apiUrl: string;
  readonly runToken: string;
  /** Name and settings of the compute, as its record has them. */
  readonly compute: {
    readonly name: string;
    readonly type: string;
    readonly settings: Readonly<Record<string, unknown>>;
  };
  readonly resources: {
    readonly instanceCount: number;
    /** As the job asks for it where its compute leaves the choice; a name of EC2 or of Azure. */
    readonly instanceType?: string;
    /** Size of /dev/shm: `2g`. */
    readonly shmSize?: string;
    /** Cheaper machines that may be taken away, where the compute leaves the choice. */
    readonly spot?: true;
  };
  /** Container image with its digest; for launchers that need one. */
  readonly image?: string;
  /** What the runner would ask for first: for launchers that can hand it over. */
  readonly assignment?: Assignment;
}

/** Attempts that were given their slots together. */
export interface LaunchArray {
  /** Composite job whose children they are. */
  readonly run: string;
  /** Tells it from others of that job; letters and digits. */
  readonly id: string;
}

/** What the machine knows of an attempt. `gone`: it is not there and left no word. `interrupted`: the machine went away, which is not the job's doing. */
export type LaunchState =
  | { readonly state: "starting" | "running"; readonly reason?: string }
  | {
      readonly state: "exited";
      readonly exitCode?: number;
      readonly signal?: string;
      readonly reason?: string;
      /** The runner's last word, which it could not deliver. */
      readonly report?: RunnerReport;
      readonly interrupted?: true;
    }
  | { readonly state: "gone"; readonly reason: string; readonly interrupted?: true };

/** Starts runners on one kind of compute. */
export interface Launcher {
  /** Compute types this launcher serves: `local`, `attached`, `cluster`. */
  readonly types: readonly string[];
  /** Its jobs run in container images: one is made before each launch. Absent: the runner makes the environment where it runs. */
  readonly needsImage?: true;
  /** Returns when the runner has been handed over (not when it ran). The handle is opaque and durable: JSON-able text, at most 4 KB. */
  launch(request: LaunchRequest): Promise<{ readonly handle: string }>;
  /**
   * Hands over several attempts that ask for the same machines and the same image, by few calls; handles in their order. Launching some of them again, under the
   * same id, answers the same. At most 1,000. Absent: each is launched alone.
   */
  launchMany?(array: LaunchArray, requests: readonly LaunchRequest[]): Promise<readonly string[]>;
  inspect(handle: string): Promise<LaunchState>;
  /** Asks the attempt to end: SIGTERM to its processes, SIGKILL after the grace period. Idempotent; ended attempts are fine. */
  cancel(handle: string, graceSec: number): Promise<void>;
  /** Removes what the attempt left on the machine (work folder). Only for ended attempts. */
  cleanup(handle: string): Promise<void>;
}
