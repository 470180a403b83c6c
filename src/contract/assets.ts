import * as z from "zod";
import { Actor, AssetName, AssetVersion, Description, ModelName, pageOf, Tags, Time } from "./common.ts";
import { EnvironmentDefinition, EnvironmentSpec } from "./environments.ts";
import { DataType } from "./jobs.ts";

/** What every asset version carries. `id` is `azureml:NAME:VERSION`. */
const AssetBase = {
  id: z.string(),
  name: z.string(),
  version: z.string(),
  description: z.string().optional(),
  tags: Tags,
  properties: Tags,
  labels: z.array(z.string()).describe("Labels (MLflow: aliases) that point at this version, `latest` among them"),
  archived: z.boolean(),
  created_at: Time,
  created_by: Actor,
  updated_at: Time,
};
const Common = {
  description: Description.optional(),
  tags: Tags.optional(),
  properties: Tags.optional(),
};

export const DataSpec = z.strictObject({
  ...Common,
  type: DataType.optional(),
  /** Local folders are uploaded first and arrive as `azureml://trees/…`. */
  path: z.string().min(1).max(2000),
});
const FileChanges = z.object({ count: z.number().int(), paths: z.array(z.string()) });
export const Data = z.object({
  ...AssetBase,
  type: DataType,
  path: z.string(),
  size_bytes: z.number().optional(),
  file_count: z.number().int().optional(),
  /** Hash of the content where it is cheap to know (trees). */
  content_hash: z.string().optional(),
  /** What a refresh found: files since the version before, by path, the first hundred of each. */
  changes: z.object({ added: FileChanges, changed: FileChanges, removed: FileChanges }).optional(),
});
export type Data = z.infer<typeof Data>;

export const EnvironmentAssetSpec = EnvironmentDefinition.omit({ name: true, version: true }).extend({
  properties: Tags.optional(),
});
/** The container image of an environment, in homes that make one; of one version only, not of lists. */
export const EnvironmentImage = z.object({
  /** `none`: made by the first job that needs it. */
  state: z.enum(["none", "building", "ready", "failed"]),
  /** With its digest, once it is ready. */
  ref: z.string().optional(),
  /** Why it failed, in one sentence. */
  reason: z.string().optional(),
});
export type EnvironmentImage = z.infer<typeof EnvironmentImage>;

export const Environment = z.object({
  ...AssetBase,
  definition: EnvironmentDefinition,
  /** What this home builds from it. */
  resolved: EnvironmentSpec,
  image: EnvironmentImage.optional(),
  /** Curated ones are made with the workspace and are read-only. */
  curated: z.boolean(),
});
export type Environment = z.infer<typeof Environment>;

export const ComponentSpec = z.strictObject({
  ...Common,
  display_name: z.string().max(500).optional(),
  type: z.string().max(50),
  /** The component's YAML as data, references and trees resolved. */
  spec: z.record(z.string(), z.unknown()),
});
export const Component = z.object({
  ...AssetBase,
  display_name: z.string().optional(),
  type: z.string(),
  spec: z.record(z.string(), z.unknown()),
  /** Same content and version: no-op; same version, other content: AlreadyExists. */
  content_hash: z.string(),
});
export type Component = z.infer<typeof Component>;

export const ModelSpec = z.strictObject({
  ...Common,
  type: z.enum(["custom_model", "mlflow_model", "triton_model"]).optional(),
  /** `azureml://trees/…`, `runs:/…`, `azureml://jobs/…`, `azureml://datastores/…`, `models:/m-…`. */
  path: z.string().min(1).max(2000),
  flavors: z.record(z.string(), z.unknown()).optional(),
  stage: z.string().max(50).optional(),
});
export const Model = z.object({
  ...AssetBase,
  type: z.enum(["custom_model", "mlflow_model", "triton_model"]),
  path: z.string(),
  flavors: z.record(z.string(), z.unknown()).optional(),
  stage: z.string().optional(),
  run_id: z.string().optional(),
  size_bytes: z.number().optional(),
  file_count: z.number().int().optional(),
  /** Deployments that use this version; it can't be deleted while there are any. */
  used_by: z.array(z.string()),
});
export type Model = z.infer<typeof Model>;

export const UpdateAsset = z.strictObject({
  description: Description.optional(),
  tags: z.record(z.string().min(1).max(250), z.string().max(5000).nullable()).optional(),
  properties: z.record(z.string().min(1).max(250), z.string().max(5000).nullable()).optional(),
  stage: z.string().max(50).optional(),
  archived: z.boolean().optional(),
});
export type UpdateAsset = z.infer<typeof UpdateAsset>;

export const LabelName = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/);
export const PutLabel = z.strictObject({ version: AssetVersion });

/** One row for each name: its newest version. */
export const AssetSummary = z.object({
  name: z.string(),
  latest_version: z.string(),
  type: z.string().optional(),
  description: z.string().optional(),
  tags: Tags,
  created_at: Time,
  updated_at: Time,
  archived: z.boolean(),
});
export type AssetSummary = z.infer<typeof AssetSummary>;
export const AssetSummaryPage = pageOf(AssetSummary);

export const NamedAsset = { name: AssetName, model: ModelName };
