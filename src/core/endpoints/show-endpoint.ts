import type { OnlineEndpoint } from "../../contract/endpoints.ts";
import type { DeploymentRecord, EndpointRecord } from "./record.ts";

/** `http://127.0.0.1:7878`: where callers reach this home. */
export interface Place {
  address(): string;
}

/** The record as callers see it. */
export function showEndpoint(
  place: Place,
  record: EndpointRecord,
  deployments: readonly DeploymentRecord[],
): OnlineEndpoint {
  const root = `${place.address()}/w/${record.workspace}/endpoints/${record.name}`;
  return {
    name: record.name,
    id: `azureml://workspaces/${record.workspace}/online-endpoints/${record.name}`,
    auth_mode: record.authMode,
    ...(record.description === undefined ? {} : { description: record.description }),
    tags: { ...record.tags },
    properties: { ...record.properties },
    traffic: { ...record.traffic },
    mirror_traffic: { ...record.mirrorTraffic },
    public_network_access: record.publicNetworkAccess,
    provisioning_state: record.state,
    scoring_uri: `${root}/score`,
    openapi_uri: `${root}/swagger.json`,
    deployments: deployments.map((one) => one.name),
    warnings: [...record.warnings],
    created_at: new Date(record.createdMs).toISOString(),
    created_by: record.createdBy,
    updated_at: new Date(record.updatedMs).toISOString(),
  };
}
