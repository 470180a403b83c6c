import type { BatchDeployment, BatchEndpoint } from "../../contract/batch-endpoints.ts";
import type { BatchDeploymentRecord, BatchEndpointRecord } from "./ports.ts";

const timeOf = (atMs: number): string => new Date(atMs).toISOString();

/** An endpoint as people see it; `address` is the home's. */
export function showEndpoint(record: BatchEndpointRecord, address: string): BatchEndpoint {
  const { workspace, name, description, defaultDeployment } = record;
  return {
    name,
    id: `azureml:${name}`,
    ...(description === undefined ? {} : { description }),
    tags: { ...record.tags },
    properties: { ...record.properties },
    defaults: defaultDeployment === undefined ? {} : { deployment_name: defaultDeployment },
    deployments: record.deployments.map((each) => each.name),
    auth_mode: "aad_token",
    provisioning_state: "Succeeded",
    scoring_uri: `${address}/api/v1/workspaces/${workspace}/batch-endpoints/${name}/invoke`,
    created_at: timeOf(record.createdMs),
    created_by: record.createdBy,
    updated_at: timeOf(record.updatedMs),
  };
}

/** A deployment as people see it. */
export function showDeployment(endpoint: BatchEndpointRecord, deployment: BatchDeploymentRecord): BatchDeployment {
  const { name, description, component, settings } = deployment;
  return {
    name,
    endpoint_name: endpoint.name,
    id: `azureml:${endpoint.name}/${name}`,
    type: "pipeline",
    ...(description === undefined ? {} : { description }),
    tags: { ...deployment.tags },
    properties: { ...deployment.properties },
    component,
    settings,
    is_default: endpoint.defaultDeployment === name,
    provisioning_state: "Succeeded",
    created_at: timeOf(deployment.createdMs),
    created_by: deployment.createdBy,
  };
}
