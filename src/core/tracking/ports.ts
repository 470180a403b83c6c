/** MLflow's words for where a run stands. */
export type RunStatus = "SCHEDULED" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED";
export type Lifecycle = "active" | "deleted";

/** What makes a run: of a job, or of an MLflow client. Times in ms since the epoch. */
export interface NewRun {
  readonly workspace: string;
  readonly runId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly startMs?: number;
  /** Of a run that was over when it was made. */
  readonly endMs?: number;
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
  readonly datasets: readonly DatasetBrief[];
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly { readonly modelId: string; readonly step: number }[];
}

/** What pages of a search show of a run. */
export type RunView = Pick<
  Run,
  | "runId"
  | "experimentId"
  | "name"
  | "userId"
  | "status"
  | "startMs"
  | "endMs"
  | "lifecycle"
  | "artifactUri"
  | "tags"
  | "params"
  | "datasets"
  | "modelInputs"
  | "modelOutputs"
> & {
  readonly metrics: ReadonlyMap<string, Pick<MetricSummary, "value" | "timestamp" | "step">>;
  /** Its datasets, where they are short; else `RunStore.datasets` has them. */
  readonly inputs?: readonly DatasetInput[];
};

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

/** What an input dataset is told apart by; the whole of it is read with `RunStore.datasets`. */
export interface DatasetBrief {
  readonly name: string;
  readonly digest: string;
  /** Tag `mlflow.data.context` of the input. */
  readonly context?: string;
}

/** Runs and their metric log. */
export interface RunStore {
  get(workspace: string, runId: string): Promise<Run | undefined>;
  /** Those that exist, in the order asked for. */
  getMany(workspace: string, runIds: readonly string[]): Promise<readonly Run[]>;
  /** Throws AlreadyExists. */
  create(run: NewRun, actor: string): Promise<Run>;
  /**
   * Asks `decide` what to change of the run as it stands (again when somebody was faster), and keeps it with its metric points in one transaction.
   * What `decide` throws is thrown; `undefined` changes nothing. NotFound when there is no such run. Requests on one run that meet are written together.
   */
  change(
    workspace: string,
    runId: string,
    decide: (run: Run) => RunChange | undefined,
    recorded?: { readonly actor: string; readonly action: string; readonly summary: string },
  ): Promise<Run>;
  /** Input datasets of runs, by run. */
  datasets(
    workspace: string,
    runs: readonly Pick<Run, "runId" | "datasets">[],
  ): Promise<ReadonlyMap<string, readonly DatasetInput[]>>;
  /** Points of one key in order of (timestamp, step, value), exact duplicates once. */
  history(workspace: string, runId: string, key: string): Promise<Points>;
}

/** Points as columns. */
export interface Points {
  readonly length: number;
  readonly values: Float64Array;
  readonly timestamps: Float64Array;
  readonly steps: Float64Array;
}

/** A run as a search finds it. */
export interface FoundRun {
  readonly runId: string;
  /** Stands for one state of one run, for as long as the process lives. */
  readonly version: number;
  /** The run in that state, where it was wanted. */
  readonly run?: RunView;
}

export interface RunsFound {
  /** In order, at most `limit`. */
  readonly found: readonly FoundRun[];
  /** Sort values of the last, where there are more. */
  readonly next?: readonly SortValue[];
}

/** Finds runs by their summaries. */
export interface RunSearch {
  /** A write that has been acknowledged is seen. Runs come with those whose version is `wanted`. @default none */
  search(query: RunQuery, wanted?: (version: number) => boolean): Promise<RunsFound>;
  /** Name, digest and context of the datasets of an experiment's runs, each once. */
  datasets(workspace: string, experimentId: string): Promise<readonly DatasetBrief[]>;
}

export type SortValue = string | number | null;

export interface RunQuery {
  readonly workspace: string;
  readonly experimentIds: readonly string[];
  readonly filter: readonly Comparison[];
  readonly orderBy: readonly OrderKey[];
  readonly view: "active" | "deleted" | "all";
  /** Experiments all of whose runs count as deleted. */
  readonly deletedExperimentIds?: ReadonlySet<string>;
  readonly limit: number;
  /** Sort values of the last row of the page before. */
  readonly after?: readonly SortValue[];
}

export type Operator =
  | "="
  | "!="
  | ">"
  | ">="
  | "<"
  | "<="
  | "LIKE"
  | "ILIKE"
  | "IN"
  | "NOT IN"
  | "IS NULL"
  | "IS NOT NULL";
export type Entity = "metric" | "parameter" | "tag" | "attribute" | "dataset";

export interface Comparison {
  readonly entity: Entity;
  readonly key: string;
  readonly op: Operator;
  /** Absent with IS NULL and IS NOT NULL; texts with IN. */
  readonly value?: string | number | readonly string[];
}

export interface OrderKey {
  readonly entity: Entity;
  readonly key: string;
  readonly kind: "number" | "text";
  readonly descending: boolean;
}

export interface ExperimentStore {
  get(workspace: string, id: string): Promise<Experiment | undefined>;
  /** Also deleted ones. */
  find(workspace: string, name: string): Promise<Experiment | undefined>;
  list(workspace: string): Promise<readonly Experiment[]>;
  /** Ids of those that are deleted; cheap, for every write to a run asks. */
  deleted(workspace: string): Promise<ReadonlySet<string>>;
  create(input: {
    readonly workspace: string;
    readonly name: string;
    readonly actor: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly artifactLocation: string;
  }): Promise<Experiment>;
  change(
    workspace: string,
    id: string,
    about: { readonly actor: string; readonly action: string; readonly summary: string },
    change: (experiment: Experiment) => Partial<Pick<Experiment, "name" | "lifecycle" | "tags">>,
  ): Promise<Experiment>;
}

export type LoggedModelStatus = "LOGGED_MODEL_PENDING" | "LOGGED_MODEL_READY" | "LOGGED_MODEL_UPLOAD_FAILED";

export interface LoggedModelMetric extends MetricPoint {
  readonly runId: string;
  readonly datasetName?: string;
  readonly datasetDigest?: string;
}

export interface LoggedModel {
  readonly workspace: string;
  readonly modelId: string;
  readonly rev: number;
  readonly experimentId: string;
  readonly name: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly artifactUri: string;
  readonly status: LoggedModelStatus;
  readonly creator: string;
  readonly modelType: string;
  readonly sourceRunId: string;
  readonly deleted: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: readonly LoggedModelMetric[];
}

export interface LoggedModelStore {
  /** Also deleted ones. */
  get(workspace: string, modelId: string): Promise<LoggedModel | undefined>;
  list(workspace: string, experimentId: string): Promise<readonly LoggedModel[]>;
  create(model: LoggedModel, actor: string): Promise<void>;
  /** NotFound when there is none. */
  change(
    workspace: string,
    modelId: string,
    decide: (model: LoggedModel) => Partial<LoggedModel> | undefined,
    recorded?: { readonly actor: string; readonly action: string; readonly summary: string },
  ): Promise<LoggedModel>;
}
