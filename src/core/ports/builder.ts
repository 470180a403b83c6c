import type { EnvironmentSpec } from "../../contract/environments.ts";

export interface BuildRequest {
  readonly workspace: string;
  readonly spec: EnvironmentSpec;
  /** From an answer before: goes on from there, with the log too. Absent: an earlier failure is not taken for the answer, but tried again. */
  readonly since?: string;
}

export interface BuildReady {
  readonly state: "ready";
  /** Content hash of what was asked for; equal specs build once. */
  readonly hash: string;
  /** What a host or launcher starts: a Python prefix on a laptop (`python:/path`), an image with its digest in AWS. */
  readonly ref: string;
  readonly cached: boolean;
}

/** Still at it: ask again with `since`, of at most 4 KB. `reason` is one sentence for who waits. */
export interface BuildUnderWay {
  readonly state: "building";
  readonly hash: string;
  readonly reason: string;
  readonly since: string;
}

/** Makes an environment ready. A failed build throws AppError("EnvironmentBuildFailed") whose details hold the log's tail. */
export interface Builder {
  /**
   * Answers within seconds where a build goes on by itself, after the build where it doesn't. `onLog` gets text as it comes, lines not necessarily whole;
   * the same `since` gives the same text again, and what came after it. Two builds of one hash at once share the work.
   */
  build(request: BuildRequest, onLog: (text: string) => void): Promise<BuildReady | BuildUnderWay>;
}
