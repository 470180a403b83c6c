import * as z from "zod";
import { Actor, Description, pageOf, Tags, Time } from "./common.ts";
import { EnvironmentSpec, EnvironmentValue } from "./environments.ts";

/** 3..32 characters, as in Azure. */
export const EndpointName = z
  .string()
  .regex(/^[a-zA-Z]([-a-zA-Z0-9]{1,30}[a-zA-Z0-9])$/)
  .describe("3..32 letters, digits or `-`, starting with a letter, not ending in `-`");
export const DeploymentName = EndpointName.describe(
  "Name of a deployment: 3..32 letters, digits or `-`, starting with a letter, not ending in `-`",
);

/** Percentages by deployment; they sum to 0 or 100. */
export const Traffic = z.record(z.string(), z.number().int().min(0).max(100));

export const OnlineEndpointSpec = z.strictObject({
  auth_mode: z.enum(["key", "aml_token", "aad_token"]).optional(),
  description: Description.optional(),
  tags: Tags.optional(),
  properties: Tags.optional(),
  traffic: Traffic.optional(),
  mirror_traffic: Traffic.optional(),
  public_network_access: z.enum(["enabled", "disabled"]).optional(),
  identity: z.looseObject({ type: z.string() }).optional(),
  location: z.string().optional(),
  compute: z.string().optional(),
});
export type OnlineEndpointSpec = z.infer<typeof OnlineEndpointSpec>;

export const OnlineEndpoint = z.object({
  name: EndpointName,
  id: z.string(),
  auth_mode: z.string(),
  description: z.string().optional(),
  tags: Tags,
  properties: Tags,
  traffic: Traffic,
  mirror_traffic: Traffic,
  public_network_access: z.string(),
  provisioning_state: z.enum(["Succeeded", "Updating", "Deleting", "Failed"]),
  scoring_uri: z.string(),
  openapi_uri: z.string(),
  deployments: z.array(z.string()),
  warnings: z.array(z.string()),
  created_at: Time,
  created_by: Actor,
  updated_at: Time,
});
export type OnlineEndpoint = z.infer<typeof OnlineEndpoint>;
export const UpdateOnlineEndpoint = z.strictObject({
  traffic: Traffic.optional(),
  mirror_traffic: Traffic.optional(),
  description: Description.optional(),
  tags: Tags.optional(),
});

export const EndpointKeys = z.object({ primaryKey: z.string(), secondaryKey: z.string() });
export const RegenerateKey = z.strictObject({ key_type: z.enum(["primary", "secondary"]) });

/** Seconds. */
export const Probe = z.strictObject({
  initial_delay: z.number().int().min(0).optional(),
  period: z.number().int().min(1).optional(),
  timeout: z.number().int().min(1).optional(),
  success_threshold: z.number().int().min(1).optional(),
  failure_threshold: z.number().int().min(1).optional(),
});

export const RequestSettings = z.strictObject({
  /** 1..180000, default 5000. */
  request_timeout_ms: z.number().int().min(1).max(180_000).optional(),
  /** Default 1. */
  max_concurrent_requests_per_instance: z.number().int().min(1).max(1000).optional(),
  /** Default 500. */
  max_queue_wait_ms: z.number().int().min(0).max(180_000).optional(),
});

export const OnlineDeploymentSpec = z.strictObject({
  /** A reference, or files given inline (tree URI). Absent for containers that bring their own. */
  model: z
    .union([
      z.string().max(2000),
      z.strictObject({
        name: z.string().optional(),
        version: z.string().optional(),
        type: z.enum(["custom_model", "mlflow_model", "triton_model"]).optional(),
        path: z.string().max(2000),
      }),
    ])
    .optional(),
  code_configuration: z.strictObject({ code: z.string().max(2000), scoring_script: z.string().max(500) }).optional(),
  environment: EnvironmentValue.optional(),
  environment_variables: z.record(z.string(), z.string()).optional(),
  instance_type: z.string().max(100).optional(),
  instance_count: z.number().int().min(1).max(100).optional(),
  app_insights_enabled: z.boolean().optional(),
  scale_settings: z.looseObject({ type: z.string().optional() }).optional(),
  request_settings: RequestSettings.optional(),
  liveness_probe: Probe.optional(),
  readiness_probe: Probe.optional(),
  model_mount_path: z.string().optional(),
  data_collector: z.record(z.string(), z.unknown()).optional(),
  egress_public_network_access: z.string().optional(),
  description: Description.optional(),
  tags: Tags.optional(),
  properties: Tags.optional(),
});
export type OnlineDeploymentSpec = z.infer<typeof OnlineDeploymentSpec>;

export const OnlineDeployment = z.object({
  name: DeploymentName,
  endpoint_name: EndpointName,
  id: z.string(),
  /** Grows with each update; the running replicas are of one revision. */
  revision: z.number().int(),
  /** The revision that serves; absent while none has become healthy. */
  live_revision: z.number().int().optional(),
  provisioning_state: z.enum(["Creating", "Updating", "Succeeded", "Failed", "Deleting"]),
  /** What failed, in words; the log's tail is in `log_tail`. */
  reason: z.string().optional(),
  log_tail: z.string().optional(),
  /** `azureml:NAME:VERSION` or a URI. */
  model: z.string().optional(),
  environment: EnvironmentSpec.optional(),
  spec: OnlineDeploymentSpec,
  instance_count: z.number().int(),
  healthy_instances: z.number().int(),
  tags: Tags,
  warnings: z.array(z.string()),
  created_at: Time,
  created_by: Actor,
  updated_at: Time,
});
export type OnlineDeployment = z.infer<typeof OnlineDeployment>;
export const OnlineDeploymentPage = pageOf(OnlineDeployment);

/** What a replica's wrapper asks for with its token before it starts the model server. */
export const ReplicaAssignment = z.object({
  workspace: z.string(),
  endpoint: z.string(),
  deployment: z.string(),
  revision: z.number().int(),
  /** `azureml://…` of the model's files, and the folder name they stand under in AZUREML_MODEL_DIR. */
  model: z
    .object({
      uri: z.string(),
      type: z.string(),
      base_name: z.string(),
      name: z.string().optional(),
      version: z.string().optional(),
    })
    .optional(),
  code: z.object({ uri: z.string(), scoring_script: z.string() }).optional(),
  environment: EnvironmentSpec,
  environment_variables: z.record(z.string(), z.string()),
  request_settings: z.object({
    request_timeout_ms: z.number(),
    max_concurrent_requests_per_instance: z.number(),
    max_queue_wait_ms: z.number(),
  }),
  readiness_probe: Probe.required(),
  liveness_probe: Probe.required(),
});
export type ReplicaAssignment = z.infer<typeof ReplicaAssignment>;
