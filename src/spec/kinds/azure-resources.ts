import {
  anyText,
  anything,
  boolean,
  type Field,
  integer,
  list,
  map,
  need,
  object,
  oneOf,
  path,
  scalar,
  shape,
  type Type,
  text,
  variant,
} from "../schema.ts";
import { base, resourceName } from "./assets.ts";
import { description, serverFields, tags, version } from "./common.ts";
import { armIdentity } from "./computes.ts";
import { secret } from "./datastores.ts";
import { trigger } from "./trigger.ts";

const armId = text({
  pattern: /^\/?subscriptions\/[^/<>]+\/resourceGroups\/[^/<>]+\/providers\/[^<>]+$/i,
  says: "an Azure resource id",
  strict: true,
});
/** Of a workspace: Azure's, which is read and not used; or an AWS home's, its ARN or `own`. */
const place = (service: string) =>
  text({
    pattern: new RegExp(
      `^(?:own|arn:[a-z-]+:${service}:\\S+|/?subscriptions/[^/<>]+/resourceGroups/[^/<>]+/providers/[^<>]+)$`,
      "i",
    ),
    says: `an Azure resource id, an ARN of \`${service}\`, or \`own\``,
    strict: true,
  });
const managedNetwork = object("a managed network", {
  isolation_mode: oneOf("disabled", "allow_internet_outbound", "allow_only_approved_outbound"),
  firewall_sku: text(),
  outbound_rules: list(
    variant("an outbound rule", "type", {
      private_endpoint: object("a private endpoint rule", {
        type: anything,
        name: need(text()),
        fqdns: list(text()),
        destination: need(
          object("a private endpoint", {
            service_resource_id: need(text()),
            spark_enabled: need(boolean),
            subresource_target: need(text()),
          }),
        ),
      }),
      service_tag: object("a service tag rule", {
        type: anything,
        name: need(text()),
        destination: need(
          object("a service tag", {
            service_tag: need(text()),
            protocol: need(text()),
            port_ranges: need(text({ lenient: true })),
            address_prefixes: list(text()),
          }),
        ),
      }),
      fqdn: object("an FQDN rule", { type: anything, name: need(text()), destination: need(text()) }),
    }),
  ),
  status: anything,
});
const workspaceFields: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  name: need(resourceName),
  location: text(),
  resource_group: text(),
  display_name: anyText,
  description,
  tags,
  hbi_workspace: boolean,
  storage_account: place("s3"),
  key_vault: place("secretsmanager"),
  application_insights: armId,
  container_registry: place("ecr"),
  customer_managed_key: object("a customer-managed key", {
    key_vault: text(),
    key_uri: text({
      pattern: /^(?:own|arn:[a-z-]+:kms:\S+|https?:\/\/[A-Za-z0-9.-]+(?::\d+)?(?:\/[^\s<>]*)?)$/,
      says: "a URL, an ARN of `kms`, or `own`",
      strict: true,
    }),
    cosmosdb_id: text(),
    storage_id: text(),
    search_id: text(),
  }),
  image_build_compute: text(),
  public_network_access: oneOf("Enabled", "Disabled"),
  identity: armIdentity,
  primary_user_assigned_identity: text(),
  managed_network: managedNetwork,
  network_acls: object("network rules", {
    default_action: need(text()),
    ip_rules: list(object("an IP rule", { value: need(text()) })),
  }),
  serverless_compute: object("serverless settings", { custom_subnet: text(), no_public_ip: boolean }),
  enable_data_isolation: boolean,
  allow_roleassignment_on_rg: boolean,
  provision_network_now: boolean,
  system_datastores_auth_mode: text(),
  discovery_url: text(),
  mlflow_tracking_uri: anything,
  workspace_hub: text(),
  hub_id: text(),
  default_resource_group: text(),
  kind: oneOf("default", "hub", "project", "featurestore"),
  ...serverFields,
};
export const workspace = object("a workspace", workspaceFields);

const materialization = object("a materialization store", { type: need(text()), target: need(text()) });
export const featureStore = object("a feature store", {
  ...workspaceFields,
  compute_runtime: object("a compute runtime", { spark_runtime_version: text({ lenient: true }) }),
  offline_store: materialization,
  online_store: materialization,
  materialization_identity: object("an identity", { resource_id: text(), client_id: text(), principal_id: text() }),
});

export const registry = object("a registry", {
  $schema: anything,
  name: text(),
  location: need(text()),
  description,
  tags: map(anything),
  public_network_access: oneOf("Enabled", "Disabled"),
  container_registry: shape({
    text: text(),
    map: object("a container registry", { acr_account_sku: oneOf("premium") }),
  }),
  intellectual_property: object("a publisher", { publisher: text() }),
  replication_locations: list(
    object("a replication location", {
      location: text(),
      storage_config: shape({
        list: list(text()),
        map: object("a storage configuration", {
          storage_account_hns: boolean,
          storage_account_type: text(),
          replication_count: integer(1),
        }),
      }),
      acr_config: anything,
    }),
  ),
  ...serverFields,
});

const CONNECTION_CREDENTIALS = variant("credentials", "type", {
  pat: object("token credentials", { type: anything, pat: secret }),
  sas: object("SAS credentials", { type: anything, sas_token: secret }),
  username_password: object("user credentials", { type: anything, username: secret, password: secret }),
  managed_identity: object("a managed identity", { type: anything, client_id: text(), resource_id: text() }),
  service_principal: object("a service principal", {
    type: anything,
    client_id: text(),
    client_secret: secret,
    tenant_id: text(),
  }),
  access_key: object("access key credentials", {
    type: anything,
    access_key_id: need(secret),
    secret_access_key: need(secret),
  }),
  api_key: object("API key credentials", { type: anything, key: secret }),
  account_key: object("account key credentials", { type: anything, account_key: secret }),
  aad: object("Entra credentials", { type: anything }),
  none: object("no credentials", { type: anything }),
});
const link: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  name: text(),
  type: anything,
  description,
  target: text(),
  credentials: CONNECTION_CREDENTIALS,
  is_shared: boolean,
  metadata: map(anything),
  tags: map(anything),
  ...serverFields,
};
const plainLink = object("a connection", { ...link, target: need(text()) });
const keyed = (more: Readonly<Record<string, Type | Field>>): Type =>
  object("a connection", { ...link, api_key: secret, endpoint: text(), ...more });
const connectionCases: Record<string, Type> = {
  azure_open_ai: keyed({ azure_endpoint: text(), api_version: text({ lenient: true }), open_ai_resource_id: text() }),
  azure_ai_search: keyed({}),
  azure_ai_services: keyed({ ai_services_resource_id: text() }),
  azure_content_safety: keyed({}),
  azure_speech_services: keyed({}),
  open_ai: keyed({}),
  serp: keyed({}),
  serverless: keyed({}),
  api_key: keyed({ api_base: text() }),
  azure_blob: object("a connection", { ...link, url: text(), container_name: text(), account_name: text() }),
  microsoft_one_lake: object("a connection", {
    ...link,
    endpoint: text(),
    artifact: anything,
    one_lake_workspace_name: text(),
  }),
};
for (const type of [
  "git",
  "python_feed",
  "container_registry",
  "s3",
  "snowflake",
  "azure_sql_db",
  "azure_synapse_analytics",
  "azure_my_sql_db",
  "azure_postgres_db",
  "azure_data_lake_gen2",
  "custom",
]) {
  connectionCases[type] = plainLink;
}
export const connection = variant("a connection", "type", connectionCases);

const stage = oneOf("Development", "Production", "Archived");
export const featureSet = object("a feature set", {
  ...base,
  version: need(version),
  stage,
  properties: tags,
  entities: need(list(text())),
  specification: need(object("a specification", { path: need(path("any", "warning", true)) })),
  materialization_settings: object("materialization settings", {
    offline_enabled: boolean,
    online_enabled: boolean,
    resource: object("a resource", { instance_type: text() }),
    schedule: trigger,
    notification: object("a notification", { email_on: need(list(text())), emails: need(list(text())) }),
    spark_configuration: map(scalar),
  }),
});
export const featureStoreEntity = object("a feature store entity", {
  ...base,
  version: need(version),
  stage,
  properties: tags,
  index_columns: need(list(object("a column", { name: need(text()), type: need(text()) }))),
});
