import { check } from "../check.ts";
import { join, wrong } from "../complain.ts";
import { child, type SpecNode } from "../nodes.ts";
import {
  anyText,
  anything,
  boolean,
  type CheckContext,
  type CustomType,
  type Field,
  field,
  integer,
  list,
  map,
  need,
  object,
  oneOf,
  path,
  readOnly,
  ref,
  scalar,
  shape,
  type Type,
  text,
  variant,
} from "../schema.ts";
import { literalText } from "./literals.ts";

export const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,255}$/;

export const tags = map(anyText);
export const version = text({
  lenient: true,
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
  says: "letters, digits, `.`, `_`, `-`",
});
export const description = text({ lenient: true, empty: true, maxLength: 20_000 });
/** Text of an environment variable: as written, booleans as Python prints them. */
const variable: CustomType = {
  t: "custom",
  noun: "a value",
  json: { type: ["string", "number", "boolean", "null"] },
  check(node, at, ctx) {
    if (node.form !== "scalar") return wrong(node, at, ctx, "text, a number or a boolean");
    return node.kind === "null" ? "" : literalText(node);
  },
};
export const envVars = map(shape({ text: variable, null: variable }), { keyNoun: "variable" });
export const binding = (noun: string) =>
  text({ pattern: /^\s*\$\{\{\s*\S+\s*\}\}\s*$/, says: `${noun} is bound with \`\${{...}}\`` });

const notHere = (what: string) => `\`${what}\` is kept with the spec but has no effect outside Azure`;

export const serverFields: Readonly<Record<string, Field>> = { id: readOnly, creation_context: readOnly };

export const identity = field(
  variant(
    "an identity",
    "type",
    {
      managed: object(
        "a managed identity",
        { type: anything, client_id: text(), object_id: text(), msi_resource_id: text() },
        { notTogether: [["client_id", "object_id", "msi_resource_id"]] },
      ),
      aml_token: object("a token identity", { type: anything }),
      user_identity: object("a user identity", { type: anything }),
    },
    { also: { user: "user_identity", managed_identity: "managed" } },
  ),
);

const serviceFields = { type: anything, port: integer(0, 65535), nodes: text(), properties: map(anyText) };
export const services = map(
  variant(
    "a service",
    "type",
    {
      ssh: object("an ssh service", { ...serviceFields, ssh_public_keys: text() }),
      tensor_board: object("a TensorBoard service", { ...serviceFields, log_dir: text() }),
      vs_code: object("a VS Code service", serviceFields),
      jupyter_lab: object("a JupyterLab service", serviceFields),
      custom: object("a custom service", serviceFields),
    },
    { absent: "custom", also: { jupyterlab: "jupyter_lab", tensorboard: "tensor_board", vscode: "vs_code" } },
  ),
  { keyNoun: "service name" },
);

export const resources = object("resources", {
  instance_count: integer(1),
  instance_type: shape({ text: text(), list: list(text()) }),
  instance_types: list(text()),
  locations: list(text()),
  max_instance_count: integer(1),
  shm_size: text({ pattern: /^\d+[bkmgBKMG]?$/, says: "a number with `b`, `k`, `m` or `g`" }),
  docker_args: shape({ text: text({ empty: true }), list: list(text()) }),
  properties: map(anything),
});

export const queueSettings = object("queue settings", {
  job_tier: oneOf("null", "spot", "basic", "standard", "premium"),
  priority: oneOf("low", "medium", "high"),
});

export const distribution = variant("a distribution", "type", {
  pytorch: object("a PyTorch distribution", { type: anything, process_count_per_instance: integer(1) }),
  mpi: object("an MPI distribution", { type: anything, process_count_per_instance: integer(1) }),
  tensorflow: object("a TensorFlow distribution", {
    type: anything,
    worker_count: integer(1),
    parameter_server_count: integer(0),
  }),
  ray: object("a Ray distribution", {
    type: anything,
    port: integer(1, 65535),
    address: text(),
    include_dashboard: boolean,
    dashboard_port: integer(1, 65535),
    head_node_additional_args: text({ empty: true }),
    worker_node_additional_args: text({ empty: true }),
  }),
});

export const compute = ref("compute", { bare: true, words: ["local", "serverless", "azureml:serverless"] });
export const datastore = ref("datastore", { bare: true });
/** A folder of code, a git address, or a registered code asset. */
export const code: Type = { t: "path", want: "any", noun: "directory", missing: "error", remote: true };

const route = object("a route", { port: need(integer(1, 65535)), path: need(text()) });
export const inferenceConfig = object("an inference config", {
  liveness_route: need(route),
  readiness_route: need(route),
  scoring_route: need(route),
});

export const condaSpec: Type = object(
  "a conda environment",
  {
    name: anyText,
    channels: list(text()),
    dependencies: list(
      shape({
        text: text(),
        map: object("a pip list", { pip: field(shape({ list: list(text()), null: anything })) }, { loose: true }),
      }),
    ),
    variables: map(scalar),
    prefix: text(),
    // MLflow's python_env.yaml has the same use.
    python: text({ lenient: true }),
    build_dependencies: list(text()),
  },
  { loose: true },
);

export const autoDelete = field(object("an auto-delete setting", { condition: text(), value: scalar }), {
  warning: notHere("auto_delete_setting"),
});

export const environmentFields = {
  name: text({ pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/, says: "letters, digits, `-`, `_`, `.`" }),
  version,
  description,
  tags,
  image: text(),
  conda_file: shape({ text: path("file", "error"), map: condaSpec }),
  build: object("a build context", { path: path("dir", "error", true), dockerfile_path: text() }),
  inference_config: inferenceConfig,
  os_type: oneOf("linux", "windows"),
  datastore: text(),
  auto_delete_setting: autoDelete,
  ...serverFields,
};

export function checkEnvironment(node: SpecNode, at: string, ctx: CheckContext): void {
  const conda = child(node, "conda_file");
  if (conda && !child(node, "image") && !child(node, "build")) {
    ctx.findings.error(
      conda,
      join(at, "conda_file"),
      "`conda_file` needs an `image` to be installed on",
      "add `image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04`",
    );
  }
}

export const inlineEnvironment = object("an environment", environmentFields, {
  oneOf: [["image", "build", "conda_file"]],
  notTogether: [["image", "build"]],
  check: checkEnvironment,
});

/** Registered, from a registry, a file of its own (`file:./env.yml`), or inline. */
export const environment: Type = shape({
  text: {
    t: "custom",
    noun: "a reference to an environment",
    json: { type: "string" },
    check(node, at, ctx) {
      const isFile = node.form === "scalar" && node.text.trim().startsWith("file:");
      return check(isFile ? path("file", "error") : ref("environment", { versioned: true }), node, at, ctx);
    },
  },
  map: inlineEnvironment,
});

export const jobFields: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  type: anything,
  name: text({ pattern: RUN_NAME, says: "letters, digits, `-`, `_`; starts with a letter or digit" }),
  display_name: anyText,
  description,
  experiment_name: text({ lenient: true, maxLength: 500 }),
  tags,
  properties: tags,
  compute,
  identity,
  services,
  status: readOnly,
  log_files: readOnly,
  parameters: readOnly,
  ...serverFields,
};
