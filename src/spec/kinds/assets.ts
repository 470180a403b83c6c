import { check } from "../check.ts";
import { child, type SpecNode } from "../nodes.ts";
import {
  anyText,
  anything,
  boolean,
  type CheckContext,
  type Field,
  field,
  integer,
  list,
  map,
  need,
  object,
  oneOf,
  path,
  ref,
  scalar,
  shape,
  type Type,
  text,
  variant,
} from "../schema.ts";
import {
  autoDelete,
  checkEnvironment,
  code,
  condaSpec,
  description,
  environmentFields,
  serverFields,
  tags,
  trigger,
  version,
} from "./common.ts";

const assetName = text({
  pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/,
  says: "letters, digits, `-`, `_`, `.`; starts with a letter or digit",
});
const resourceName = text({
  pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/,
  says: "letters, digits, `-`, `_`; starts with a letter or digit",
});

const base: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  name: need(assetName),
  version,
  description,
  tags,
  ...serverFields,
};

export const environmentAsset = object(
  "an environment",
  { $schema: anything, ...environmentFields, name: need(assetName) },
  { oneOf: [["image", "build", "conda_file"]], notTogether: [["image", "build"]], check: checkEnvironment },
);

export const condaFile: Type = condaSpec;

export const dataAsset = object("a data asset", {
  ...base,
  name: assetName,
  type: oneOf("uri_file", "uri_folder", "mltable"),
  path: need(ref("data", { versioned: true, uri: true, local: "any", absent: "warning" })),
  properties: tags,
  datastore: text(),
  auto_delete_setting: autoDelete,
});

const modelFields: Readonly<Record<string, Type | Field>> = {
  ...base,
  type: oneOf("custom_model", "mlflow_model", "triton_model"),
  path: ref("model", { versioned: true, uri: true, local: "any", absent: "warning" }),
  properties: map(anyText),
  flavors: map(anything),
  stage: text(),
  datastore: text(),
  system_metadata: map(anything),
  default_deployment_template: anything,
  allowed_deployment_templates: anything,
};
/** MLflow's registry takes names with spaces; only `/`, `:` and control characters are out. */
const modelName = text({ pattern: /^[^/:\p{Cc}\s][^/:\p{Cc}]{0,254}$/u, says: "no `/`, `:` or control characters" });
export const modelAsset = object("a model", { ...modelFields, name: need(modelName) });
export const inlineModel = object("a model", { ...modelFields, name: modelName }, { oneOf: [["path", "id"]] });

// Datastores

const secret = text({ lenient: true });
const principal = {
  tenant_id: need(secret),
  client_id: need(secret),
  authority_url: text(),
  resource_url: text(),
};
const anyCredentials = (
  ...kinds: readonly ("account_key" | "sas_token" | "service_principal" | "certificate" | "access_key")[]
): Type => ({
  t: "custom",
  noun: "credentials",
  json: { type: "object" },
  check(node, at, ctx) {
    const has = (name: string) => child(node, name) !== undefined;
    const chosen =
      kinds.find((kind) =>
        kind === "service_principal"
          ? has("client_secret")
          : kind === "certificate"
            ? has("certificate") || has("thumbprint")
            : kind === "access_key"
              ? has("access_key_id")
              : has(kind),
      ) ?? kinds[0];
    return CREDENTIALS[chosen ?? "account_key"]?.(node, at, ctx);
  },
});
const CREDENTIAL_TYPES: Readonly<Record<string, Type>> = {
  account_key: object("account key credentials", { account_key: need(secret) }),
  sas_token: object("SAS credentials", { sas_token: need(secret) }),
  service_principal: object("service principal credentials", { ...principal, client_secret: need(secret) }),
  certificate: object("certificate credentials", { ...principal, certificate: secret, thumbprint: need(secret) }),
  access_key: object("access key credentials", {
    access_key_id: need(secret),
    secret_access_key: need(secret),
    session_token: secret,
  }),
};
const CREDENTIALS: Readonly<Record<string, (node: SpecNode, at: string, ctx: CheckContext) => unknown>> =
  Object.fromEntries(
    Object.entries(CREDENTIAL_TYPES).map(([name, type]) => [
      name,
      (node: SpecNode, at: string, ctx: CheckContext) =>
        node.form === "map" && node.entries.size === 0 ? {} : check(type, node, at, ctx),
    ]),
  );

const store: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  type: anything,
  name: need(resourceName),
  description,
  tags: map(anything),
  properties: map(anyText),
  ...serverFields,
};
const reach = { protocol: text(), endpoint: text() };

/** As `ssh-keygen -l` prints it. */
const hostKey = text({ pattern: /^SHA256:/, says: "a fingerprint as `ssh-keygen -l` prints it" });
const sshSecrets = { password: secret, private_key: secret, passphrase: secret };

export const datastore = variant("a datastore", "type", {
  azure_blob: object("an Azure Blob datastore", {
    ...store,
    ...reach,
    account_name: need(text()),
    container_name: need(text()),
    credentials: anyCredentials("account_key", "sas_token"),
  }),
  azure_file: object("an Azure Files datastore", {
    ...store,
    ...reach,
    account_name: need(text()),
    file_share_name: need(text()),
    credentials: anyCredentials("account_key", "sas_token"),
  }),
  azure_data_lake_gen2: object("an Azure Data Lake Gen2 datastore", {
    ...store,
    ...reach,
    account_name: need(text()),
    filesystem: need(text()),
    credentials: anyCredentials("service_principal", "certificate"),
  }),
  azure_data_lake_gen1: object("an Azure Data Lake Gen1 datastore", {
    ...store,
    store_name: need(text()),
    credentials: anyCredentials("service_principal", "certificate"),
  }),
  one_lake: object("a OneLake datastore", {
    ...store,
    endpoint: text(),
    one_lake_workspace_name: need(text()),
    artifact: object("a OneLake artifact", { type: oneOf("lake_house"), name: need(text()) }),
    credentials: anyCredentials("service_principal"),
  }),
  // Kinds of our own: what a laptop or an AWS account has.
  workspace: object("the workspace's own datastore", { ...store, prefix: text({ empty: true }) }),
  local: object("a local folder datastore", { ...store, path: need(path("dir", "error")) }),
  s3: object("an S3 datastore", {
    ...store,
    bucket: need(text()),
    prefix: text({ empty: true }),
    region: text(),
    endpoint: text(),
    credentials: anyCredentials("access_key"),
  }),
  http: object("an HTTP datastore", {
    ...store,
    base_url: need(text({ pattern: /^https?:\/\//, says: "an http or https address" })),
    credentials: object("HTTP credentials", { username: secret, password: secret, bearer: secret }),
  }),
  sftp: object("an SFTP datastore", {
    ...store,
    host: need(text()),
    port: integer(1, 65535),
    path: need(text()),
    username: need(text()),
    host_key: need(hostKey),
    credentials: need(object("SSH credentials", sshSecrets, { oneOf: [["password", "private_key"]] })),
  }),
});

// Computes

const armIdentity = object("an identity", {
  type: oneOf("system_assigned", "user_assigned", "system_assigned,user_assigned", "none"),
  user_assigned_identities: shape({
    list: list(
      shape({
        text: text(),
        map: object("a user-assigned identity", { resource_id: text(), client_id: text(), principal_id: text() }),
      }),
    ),
    map: map(anything),
    null: anything,
  }),
  principal_id: text(),
  tenant_id: text(),
});
export const serviceIdentity: Field = field(armIdentity);

const machine: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  type: anything,
  name: need(resourceName),
  description,
  tags,
  location: text(),
  identity: armIdentity,
  resource_id: text(),
  properties: map(anything),
  ...serverFields,
};
const network = object("network settings", { vnet_name: text(), subnet: text() });
const sshSettings = object("SSH settings", {
  admin_username: text(),
  admin_password: secret,
  ssh_key_value: text(),
  ssh_port: integer(1, 65535),
  ssh_private_key_file: text(),
  ssh_public_key: text(),
});
const script = object("a setup script", { command: text(), path: text(), timeout_minutes: shape({ text: scalar }) });

export const compute = variant("a compute", "type", {
  amlcompute: object("a compute cluster", {
    ...machine,
    size: text(),
    tier: oneOf("dedicated", "low_priority"),
    min_instances: integer(0),
    max_instances: integer(0),
    idle_time_before_scale_down: integer(0),
    ssh_public_access_enabled: boolean,
    ssh_settings: sshSettings,
    network_settings: network,
    enable_node_public_ip: boolean,
  }),
  computeinstance: object("a compute instance", {
    ...machine,
    size: text(),
    ssh_public_access_enabled: boolean,
    ssh_settings: sshSettings,
    network_settings: network,
    enable_node_public_ip: boolean,
    enable_os_patching: boolean,
    enable_root_access: boolean,
    enable_sso: boolean,
    release_quota_on_stop: boolean,
    idle_time_before_shutdown: text(),
    idle_time_before_shutdown_minutes: integer(0),
    create_on_behalf_of: object("an owner", { user_object_id: text(), user_tenant_id: text() }),
    schedules: object("compute schedules", {
      compute_start_stop: list(
        object("a start or stop schedule", {
          name: text(),
          action: need(oneOf("start", "stop")),
          state: oneOf("enabled", "disabled"),
          status: text(),
          trigger,
        }),
      ),
    }),
    setup_scripts: object("setup scripts", { creation_script: script, startup_script: script }),
    custom_applications: list(
      object("a custom application", {
        name: need(text()),
        type: oneOf("docker"),
        image: object("an image", { reference: text() }),
        endpoints: list(
          object("an endpoint", {
            target: integer(1, 65535),
            published: integer(1, 65535),
            name: text(),
            protocol: text(),
            host_ip: text(),
          }),
        ),
        bind_mounts: list(object("a mount", { source: text(), target: text() })),
        environment_variables: map(scalar),
      }),
    ),
  }),
  kubernetes: object("a Kubernetes compute", { ...machine, resource_id: text(), namespace: text() }),
  virtualmachine: object("a virtual machine", { ...machine, resource_id: need(text()), ssh_settings: sshSettings }),
  synapsespark: object("a Synapse Spark pool", {
    ...machine,
    resource_id: need(text()),
    auto_pause_settings: map(anything),
    scale_settings: map(anything),
    node_count: integer(0),
    node_family: text(),
    node_size: text(),
    spark_version: text({ lenient: true }),
  }),
  // Kinds of our own.
  local: object("the local compute", { ...machine, slots: integer(1, 256) }),
  attached: object("an attached machine", {
    ...machine,
    host: need(text()),
    port: integer(1, 65535),
    username: need(text()),
    host_key: need(hostKey),
    folder: text(),
    slots: integer(1, 256),
    credentials: object("SSH credentials", sshSecrets),
  }),
  cluster: object("a compute cluster", {
    ...machine,
    size: text(),
    tier: oneOf("dedicated", "low_priority", "on_demand", "spot"),
    min_instances: integer(0),
    max_instances: integer(0),
    idle_time_before_scale_down: integer(0),
    settings: map(anything),
  }),
  instance: object("a compute instance", { ...machine, size: text(), settings: map(anything) }),
});

// Workspaces, registries, connections

const armId = text({
  pattern: /^\/?subscriptions\/[^/<>]+\/resourceGroups\/[^/<>]+\/providers\/[^<>]+$/i,
  says: "an Azure resource id",
  strict: true,
});
const url = text({ pattern: /^https?:\/\/[A-Za-z0-9.-]+(?::\d+)?(?:\/[^\s<>]*)?$/, says: "a URL", strict: true });
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
  storage_account: armId,
  key_vault: armId,
  application_insights: armId,
  container_registry: armId,
  customer_managed_key: object("a customer-managed key", {
    key_vault: text(),
    key_uri: url,
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

// Data import, index, model package, features

const importSource = variant("a source", "type", {
  database: object("a database source", {
    type: anything,
    connection: need(ref("connection", { bare: true })),
    query: text(),
    table_name: text(),
    stored_procedure: text(),
    stored_procedure_params: list(map(anything)),
  }),
  file_system: object("a file source", {
    type: anything,
    connection: need(ref("connection", { bare: true })),
    path: text(),
  }),
});
export const dataImport = object("a data import", {
  ...base,
  type: oneOf("mltable", "uri_folder", "uri_file"),
  path: need(ref("data", { uri: true })),
  source: need(importSource),
  properties: tags,
  auto_delete_setting: autoDelete,
});

export const dataIndex = object(
  "a data index",
  { ...base, name: assetName, path: anything, properties: tags, stage: text(), datastore: text() },
  { loose: true },
);

export const codeConfiguration = object("a code configuration", {
  code,
  scoring_script: text(),
});

export const modelPackage = object("a model package", {
  $schema: anything,
  base_environment_source: object("a base environment", {
    type: text(),
    resource_id: ref("environment", { versioned: true }),
  }),
  target_environment: shape({ text: text(), map: map(anything) }),
  target_environment_name: text(),
  inferencing_server: need(
    object("an inferencing server", {
      type: need(oneOf("azureml_online", "azureml_batch", "triton", "custom")),
      code_configuration: codeConfiguration,
      inference_configuration: map(anything),
    }),
  ),
  model_configuration: object("a model configuration", { mode: oneOf("copy", "download"), mount_path: text() }),
  inputs: list(
    object("a package input", {
      type: oneOf("uri_file", "uri_folder"),
      mode: oneOf("download", "read_only_mount"),
      mount_path: text(),
      path: map(anything),
    }),
  ),
  environment_variables: map(scalar),
  tags: map(anything),
});

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
