import * as z from "zod";
import { Actor, Description, pageOf, Tags, Time } from "./common.ts";
import { DeploymentName, EndpointName } from "./endpoints.ts";
import { JobInput, JobOutput, PortName } from "./job-parts.ts";
import { ComponentValue, PipelineSettings } from "./pipelines.ts";

const Defaults = z.strictObject({ deployment_name: DeploymentName.optional() });
const Words = { description: Description.optional(), tags: Tags.optional(), properties: Tags.optional() };

export const BatchEndpointSpec = z.strictObject({
  ...Words,
  /** Whose is called without naming a deployment; absent: what it was. */
  defaults: Defaults.optional(),
  auth_mode: z.literal("aad_token").optional(),
});
export type BatchEndpointSpec = z.infer<typeof BatchEndpointSpec>;
export const UpdateBatchEndpoint = z.strictObject({
  description: Description.optional(),
  tags: Tags.optional(),
  defaults: Defaults.optional(),
});
export type UpdateBatchEndpoint = z.infer<typeof UpdateBatchEndpoint>;

export const BatchEndpoint = z.object({
  name: EndpointName,
  id: z.string(),
  description: z.string().optional(),
  tags: Tags,
  properties: Tags,
  defaults: Defaults,
  deployments: z.array(z.string()),
  auth_mode: z.literal("aad_token"),
  provisioning_state: z.literal("Succeeded"),
  scoring_uri: z.string(),
  created_at: Time,
  created_by: Actor,
  updated_at: Time,
});
export type BatchEndpoint = z.infer<typeof BatchEndpoint>;

export const BatchDeploymentSpec = z.strictObject({
  ...Words,
  type: z.literal("pipeline").optional(),
  /** A pipeline component. Written out, it is registered first: under its own name and version, else the deployment's name and the next number. */
  component: ComponentValue,
  settings: PipelineSettings.optional(),
});
export type BatchDeploymentSpec = z.infer<typeof BatchDeploymentSpec>;

export const BatchDeployment = z.object({
  name: DeploymentName,
  endpoint_name: EndpointName,
  id: z.string(),
  type: z.literal("pipeline"),
  description: z.string().optional(),
  tags: Tags,
  properties: Tags,
  /** `azureml:NAME:VERSION`. */
  component: z.string(),
  settings: PipelineSettings,
  is_default: z.boolean(),
  provisioning_state: z.literal("Succeeded"),
  created_at: Time,
  created_by: Actor,
});
export type BatchDeployment = z.infer<typeof BatchDeployment>;
export const BatchDeploymentPage = pageOf(BatchDeployment);

/** A value, or the address of data: the component says which it takes. */
const PlainInput = z.union([z.string().max(100_000), z.number(), z.boolean()]);

export const InvokeBatchEndpoint = z.strictObject({
  /** Absent: the endpoint's default. */
  deployment_name: DeploymentName.optional(),
  inputs: z.record(PortName, z.union([JobInput, PlainInput])).optional(),
  outputs: z.record(PortName, JobOutput).optional(),
  /** Absent: the endpoint's name. */
  experiment_name: z.string().max(500).optional(),
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  tags: Tags.optional(),
});
export type InvokeBatchEndpoint = z.infer<typeof InvokeBatchEndpoint>;
