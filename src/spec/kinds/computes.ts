import {
  anything,
  boolean,
  type Field,
  field,
  integer,
  list,
  map,
  need,
  object,
  oneOf,
  scalar,
  shape,
  type Type,
  text,
  variant,
} from "../schema.ts";
import { resourceName } from "./assets.ts";
import { description, serverFields, tags } from "./common.ts";
import { hostKey, secret, sshSecrets } from "./datastores.ts";
import { trigger } from "./trigger.ts";

export const armIdentity = object("an identity", {
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
