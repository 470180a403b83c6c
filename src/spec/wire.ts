import type * as z from "zod";
import type { ComponentSpec, DataSpec, EnvironmentAssetSpec, ModelSpec } from "../contract/assets.ts";
import type { BatchEndpointSpec } from "../contract/batch-endpoints.ts";
import type { ComputeSpec } from "../contract/computes.ts";
import type { DatastoreSpec } from "../contract/datastores.ts";
import type { OnlineDeploymentSpec, OnlineEndpointSpec } from "../contract/endpoints.ts";
import { type Data, pick, record, without } from "./data.ts";
import type { Kind } from "./kinds/table.ts";

/** Bodies of the calls that create things, as in the contract. */
export type WireSpec =
  | z.infer<typeof ComponentSpec>
  | z.infer<typeof DataSpec>
  | z.infer<typeof EnvironmentAssetSpec>
  | z.infer<typeof ModelSpec>
  | BatchEndpointSpec
  | ComputeSpec
  | DatastoreSpec
  | OnlineDeploymentSpec
  | OnlineEndpointSpec;

const COMMON = ["description", "tags", "properties"];

/** From a taken-in spec to the body of its call; undefined for kinds that no call creates. Values were checked before, against `kinds/`. */
export function toWire(kind: Kind, value: Data): WireSpec | undefined {
  return bodyOf(kind, value) as WireSpec | undefined;
}

function bodyOf(kind: Kind, value: Data): Data | undefined {
  switch (kind) {
    case "environment":
      return pick(value, [...COMMON, "image", "conda_file", "build", "inference_config", "os_type"]);
    case "data":
      return pick(value, [...COMMON, "type", "path"]);
    case "model":
      return pick(value, [...COMMON, "type", "path", "flavors", "stage"]);
    case "datastore":
      return datastoreBody(value);
    case "compute":
      return computeBody(value);
    case "endpoint.online":
    case "endpoint.online.k8s":
      return pick(value, [
        ...COMMON,
        "auth_mode",
        "traffic",
        "mirror_traffic",
        "public_network_access",
        "identity",
        "location",
        "compute",
      ]);
    case "endpoint.batch":
      return { ...pick(value, [...COMMON, "auth_mode"]), ...defaultsOf(value.defaults) };
    case "deployment.online":
    case "deployment.online.k8s":
      return deploymentBody(value);
    case "component.command":
    case "component.pipeline":
    case "component.parallel":
    case "component.spark":
      return componentBody(kind.slice("component.".length), value);
    default:
      return undefined;
  }
}

/** Azure takes the deployment's name by itself, too. */
function defaultsOf(given: unknown): Data {
  if (given === undefined) return {};
  return { defaults: typeof given === "string" ? { deployment_name: given } : record(given) };
}

const STORE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  workspace: ["prefix"],
  local: ["path"],
  s3: ["bucket", "prefix", "region", "endpoint", "credentials"],
  http: ["base_url", "credentials"],
  sftp: ["host", "port", "path", "username", "host_key", "credentials"],
};

function datastoreBody(value: Data): Data {
  const own = STORE_FIELDS[String(value.type)];
  if (own) return pick(value, ["type", "description", "tags", ...own]);
  const settings = without(value, [
    "$schema",
    "type",
    "name",
    "description",
    "tags",
    "properties",
    "credentials",
    "id",
  ]);
  return { ...pick(value, ["type", "description", "tags", "credentials"]), settings };
}

function computeBody(value: Data): Data | undefined {
  const base = pick(value, ["description", "tags"]);
  const settings = without(value, [
    "$schema",
    "type",
    "name",
    "description",
    "tags",
    "id",
    "settings",
    "size",
    "tier",
    "min_instances",
    "max_instances",
    "idle_time_before_scale_down",
  ]);
  const all = { ...settings, ...record(value.settings) };
  const rest = Object.keys(all).length > 0 ? { settings: all } : {};
  switch (value.type) {
    case "local":
      return { type: "local", ...base, ...pick(value, ["slots"]) };
    case "attached":
      return {
        type: "attached",
        ...base,
        ...pick(value, ["host", "port", "username", "host_key", "folder", "slots", "credentials"]),
      };
    case "cluster":
    case "amlcompute":
      return {
        type: "cluster",
        ...base,
        ...pick(value, ["size", "tier", "min_instances", "max_instances", "idle_time_before_scale_down"]),
        ...rest,
      };
    case "instance":
    case "computeinstance":
      return { type: "instance", ...base, ...pick(value, ["size"]), ...rest };
    default:
      return undefined;
  }
}

function deploymentBody(value: Data): Data {
  const body = pick(value, [
    ...COMMON,
    "model",
    "code_configuration",
    "environment",
    "environment_variables",
    "instance_type",
    "instance_count",
    "app_insights_enabled",
    "scale_settings",
    "request_settings",
    "liveness_probe",
    "readiness_probe",
    "model_mount_path",
    "data_collector",
    "egress_public_network_access",
  ]);
  if (typeof body.model === "object") body.model = pick(record(body.model), ["name", "version", "type", "path"]);
  for (const probe of ["liveness_probe", "readiness_probe"]) {
    if (body[probe] !== undefined)
      body[probe] = pick(record(body[probe]), [
        "initial_delay",
        "period",
        "timeout",
        "success_threshold",
        "failure_threshold",
      ]);
  }
  return body;
}

function componentBody(type: string, value: Data): Data {
  const spec = without(value, ["name", "version", "display_name", "description", "tags", "properties"]);
  return { ...pick(value, [...COMMON, "display_name"]), type, spec: { ...spec, type } };
}
