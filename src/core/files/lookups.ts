import type { VersionRef } from "./parse-uri.ts";

/** An asset version that files can be read from. */
export interface AssetPlace {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  /** Any URI, as it was registered. */
  readonly uri: string;
}

/** What files need to know of a run. */
export interface RunPlace {
  /** `mlflow-artifacts:/<experiment>/<run>/artifacts`. */
  readonly artifactUri: string;
  readonly parentRunId?: string;
  /** URIs of its data inputs, and of its outputs by name; empty for runs without a job. */
  readonly inputs: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** How references become places; each answers undefined for what is not there. Other areas' stores implement it. */
export interface Lookups {
  data(workspace: string, name: string, ref: VersionRef): Promise<AssetPlace | undefined>;
  model(workspace: string, name: string, ref: VersionRef): Promise<AssetPlace | undefined>;
  run(workspace: string, runId: string): Promise<RunPlace | undefined>;
  /** Artifact URI of a logged model (`m-…`). */
  loggedModel(workspace: string, modelId: string): Promise<string | undefined>;
  /** URIs of model and code of a deployment's revisions that run, or are about to. */
  deployment(workspace: string, endpoint: string, deployment: string): Promise<readonly string[]>;
}
