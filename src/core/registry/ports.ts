import type { Value } from "../ports/table.ts";

export type Stage = "None" | "Staging" | "Production" | "Archived";
export const STAGES: readonly Stage[] = ["None", "Staging", "Production", "Archived"];
export type ModelType = "custom_model" | "mlflow_model" | "triton_model";

/** A registered model: the name, and what belongs to no version. */
export interface RegisteredModel {
  readonly workspace: string;
  /** What versions are kept under; survives a rename. */
  readonly id: string;
  readonly name: string;
  readonly rev: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly createdBy: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** MLflow's aliases are Azure's labels: alias -> version. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Highest number ever given; numbers are not used again. */
  readonly lastVersion: number;
  /** Versions that stand. */
  readonly versionCount: number;
}

export interface ModelVersion {
  readonly version: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly createdBy: string;
  readonly description: string;
  readonly stage: Stage;
  /** The URI given, never opened as it is: it resolves to an id of ours. */
  readonly source: string;
  readonly runId: string;
  readonly runLink: string;
  /** Logged model (`m-…`) it was made from. */
  readonly modelId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly type: ModelType;
  readonly flavors?: { readonly [key: string]: Value };
  readonly archived: boolean;
  readonly sizeBytes?: number;
  readonly fileCount?: number;
  readonly rev: number;
}

/** A step in a model's life; what is absent stays. */
export interface ModelStep {
  readonly model?: Partial<Omit<RegisteredModel, "workspace" | "id" | "rev">>;
  readonly put?: readonly ModelVersion[];
  /** A version in use is refused with InUse. */
  readonly remove?: readonly string[];
}

export interface Deed {
  readonly actor: string;
  readonly action: string;
  readonly summary: string;
}

export interface ModelStore {
  get(workspace: string, name: string): Promise<RegisteredModel | undefined>;
  list(workspace: string): Promise<readonly RegisteredModel[]>;
  /** Throws AlreadyExists. */
  create(model: RegisteredModel, deed: Deed): Promise<void>;
  version(model: RegisteredModel, version: string): Promise<ModelVersion | undefined>;
  /** All that stand, by number. */
  versions(model: RegisteredModel): Promise<readonly ModelVersion[]>;
  /** Applies what `decide` makes of the model as it stands, one after the other and all or nothing; `undefined` changes nothing. NotFound if it is not there. */
  change(
    workspace: string,
    name: string,
    deed: Deed,
    decide: (model: RegisteredModel) => Promise<ModelStep | undefined> | ModelStep | undefined,
  ): Promise<RegisteredModel>;
  /** Deletes the model with all its versions; InUse while one is used. */
  delete(model: RegisteredModel, deed: Deed): Promise<void>;
  /** `<endpoint>/<deployment>` that use a version. */
  users(model: RegisteredModel, version: string): Promise<readonly string[]>;
}
