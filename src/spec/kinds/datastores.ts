import { check } from "../check.ts";
import { child, type SpecNode } from "../nodes.ts";
import {
  anyText,
  anything,
  type CheckContext,
  type Field,
  integer,
  map,
  need,
  object,
  oneOf,
  path,
  type Type,
  text,
  variant,
} from "../schema.ts";
import { resourceName } from "./assets.ts";
import { description, serverFields } from "./common.ts";

export const secret = text({ lenient: true });
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
export const hostKey = text({ pattern: /^SHA256:/, says: "a fingerprint as `ssh-keygen -l` prints it" });
export const sshSecrets = { password: secret, private_key: secret, passphrase: secret };

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
