/** MLflow's words for where a run stands. */
export type RunStatus = "SCHEDULED" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED";
export const RUN_STATUSES: readonly RunStatus[] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
export type Lifecycle = "active" | "deleted";

/** What makes a run: of a job, or of an MLflow client. Times in ms since the epoch. */
export interface NewRun {
  readonly workspace: string;
  readonly runId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly startMs?: number;
  readonly status: RunStatus;
  readonly tags: Readonly<Record<string, string>>;
  readonly parentRunId?: string;
  /** Only the runner ends a job's run; what its script says of status is answered and noted, not obeyed. */
  readonly source: "job" | "client";
  readonly createdMs: number;
  /** Where artifacts go; default `mlflow-artifacts:/<experiment>/<run>/artifacts`. */
  readonly artifactUri?: string;
}

export interface Experiment {
  readonly id: string;
  readonly name: string;
  /** Empty: `mlflow-artifacts:/<id>`. */
  readonly artifactLocation: string;
  readonly lifecycle: Lifecycle;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly rev: number;
}

/** Latest by (step, timestamp, value), and what all points of a key span. */
export interface MetricSummary {
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export interface MetricPoint {
  readonly key: string;
  /** NaN is a value; infinities arrive as the largest finite numbers. */
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

export interface DatasetInput {
  readonly dataset: {
    readonly name: string;
    readonly digest: string;
    readonly source_type: string;
    readonly source: string;
    readonly schema?: string;
    readonly profile?: string;
  };
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

/** A run with its summary: what runs/get answers and what search looks at. */
export interface Run {
  readonly workspace: string;
  readonly runId: string;
  readonly rev: number;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly lifecycle: Lifecycle;
  readonly deletedMs: number | undefined;
  readonly source: "job" | "client";
  readonly parentRunId: string | undefined;
  readonly createdMs: number;
  readonly artifactUri: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly params: ReadonlyMap<string, string>;
  readonly metrics: ReadonlyMap<string, MetricSummary>;
  readonly datasets: readonly DatasetInput[];
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly { readonly modelId: string; readonly step: number }[];
}

/** What one request changes of a run. Maps hold only what is new; `null` removes a tag. */
export interface RunChange {
  readonly name?: string;
  readonly status?: RunStatus;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly lifecycle?: Lifecycle;
  readonly deletedMs?: number;
  readonly tags?: ReadonlyMap<string, string | null>;
  readonly params?: ReadonlyMap<string, string>;
  readonly points?: readonly MetricPoint[];
  readonly datasets?: readonly DatasetInput[];
  readonly modelInputs?: readonly string[];
  readonly modelOutputs?: readonly { readonly modelId: string; readonly step: number }[];
}
