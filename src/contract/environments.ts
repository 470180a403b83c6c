import * as z from "zod";
import { AssetName, AssetVersion, Description, Tags } from "./common.ts";

const Route = z.object({ port: z.number().int().min(1).max(65535), path: z.string() });

/** Where a custom container listens. */
export const InferenceConfig = z.object({
  liveness_route: Route.optional(),
  readiness_route: Route.optional(),
  scoring_route: Route.optional(),
});
export type InferenceConfig = z.infer<typeof InferenceConfig>;

/** A conda environment file as data. Kept as written; the builder reads `dependencies`. */
export const CondaFile = z.looseObject({
  name: z.string().optional(),
  channels: z.array(z.string()).optional(),
  dependencies: z.array(z.union([z.string(), z.looseObject({ pip: z.array(z.string()).optional() })])).optional(),
});
export type CondaFile = z.infer<typeof CondaFile>;

/** What an environment is made of, as a person wrote it, with local files taken in: `conda_file` is content, `build.path` a tree URI. */
export const EnvironmentDefinition = z.strictObject({
  name: AssetName.optional(),
  version: AssetVersion.optional(),
  image: z.string().max(500).optional(),
  conda_file: CondaFile.optional(),
  build: z.strictObject({ path: z.string().max(2000), dockerfile_path: z.string().max(500).optional() }).optional(),
  inference_config: InferenceConfig.optional(),
  os_type: z.enum(["linux", "windows"]).optional(),
  tags: Tags.optional(),
  description: Description.optional(),
});
export type EnvironmentDefinition = z.infer<typeof EnvironmentDefinition>;

/** In a job or deployment: a reference as text (`azureml:…`, registry URI) or an inline definition. */
export const EnvironmentValue = z.union([z.string().min(1).max(500), EnvironmentDefinition]);
export type EnvironmentValue = z.infer<typeof EnvironmentValue>;

/** What a builder makes: nothing in it refers to something else, so its content hash is its identity. */
export const EnvironmentSpec = z.strictObject({
  /** `python`: a virtual environment; `image`: a container image, where an engine is present; `interpreter`: what is installed already. */
  kind: z.enum(["python", "image", "interpreter"]),
  /** Wanted Python, `3.10`; absent: any from 3.10 up. */
  python: z.string().optional(),
  /** pip requirement lines, in order. */
  requirements: z.array(z.string()).optional(),
  image: z.string().optional(),
  /** Conda file to install on top of `image`, for kind `image`. */
  conda: CondaFile.optional(),
  /** Build context for kind `image`: a folder of the workspace's trees, and its Dockerfile there. */
  build: z.strictObject({ path: z.string(), dockerfile: z.string() }).optional(),
  /** Path of an interpreter on the compute, for kind `interpreter`. */
  interpreter: z.string().optional(),
  /** Pins may be loosened where the wanted versions cannot be installed with the Python at hand. */
  relax_pins: z.boolean().optional(),
  /** Name a person would know it by: `sklearn-1.5`, `azureml:myenv:3`, `inline`. */
  label: z.string(),
});
export type EnvironmentSpec = z.infer<typeof EnvironmentSpec>;
