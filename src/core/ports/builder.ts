import type { EnvironmentSpec } from "../../contract/environments.ts";

export interface BuildResult {
  /** Content hash of what was asked for; equal specs build once. */
  readonly hash: string;
  /** What a host or launcher starts: a Python prefix on a laptop (`python:/path`), an image digest in AWS. */
  readonly ref: string;
  readonly cached: boolean;
}

/** Makes an environment ready. A failed build throws AppError("EnvironmentBuildFailed") whose details hold the log's tail. */
export interface Builder {
  /** `onLog` gets text as it comes, lines not necessarily whole. Two builds of one hash at once share the work. */
  build(spec: EnvironmentSpec, onLog: (text: string) => void): Promise<BuildResult>;
}
