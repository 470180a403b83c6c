import { join } from "../complain.ts";
import { child, type SpecNode, textOf } from "../nodes.ts";
import { kindOfPath, resolvePath } from "../paths.ts";
import { hasPlaceholder, parseRef } from "../refs.ts";
import {
  anyText,
  anything,
  type CheckContext,
  type Field,
  list,
  map,
  need,
  object,
  oneOf,
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
  version,
} from "./common.ts";

export const assetName = text({
  pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/,
  says: "letters, digits, `-`, `_`, `.`; starts with a letter or digit",
});
export const resourceName = text({
  pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/,
  says: "letters, digits, `-`, `_`; starts with a letter or digit",
});

export const base: Readonly<Record<string, Type | Field>> = {
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

export const dataAsset = object(
  "a data asset",
  {
    ...base,
    name: assetName,
    type: oneOf("uri_file", "uri_folder", "mltable"),
    path: need(ref("data", { versioned: true, uri: true, local: "any", absent: "warning" })),
    properties: tags,
    datastore: text(),
    auto_delete_setting: autoDelete,
  },
  { check: checkDataForm },
);

/** A file is no `uri_folder`, and a folder no `uri_file`; what is not here yet is not held against its type. */
function checkDataForm(node: SpecNode, at: string, ctx: CheckContext): void {
  const path = child(node, "path");
  const type = textOf(child(node, "type"))?.toLowerCase() ?? "uri_folder";
  if (path?.form !== "scalar" || !ctx.files || hasPlaceholder(path.text)) return;
  const parsed = parseRef(path.text);
  if (parsed.form !== "local") return;
  const found = kindOfPath(ctx.reader, resolvePath(ctx.dir, parsed.path));
  const say = (message: string, hint: string) => ctx.findings.error(path, join(at, "path"), message, hint);
  if (found === "dir" && type === "uri_file")
    say(
      `\`${path.text}\` is a folder; data of type \`uri_file\` is one file`,
      "use `type: uri_folder`, or name the file",
    );
  if (found === "file" && type === "uri_folder")
    say(
      `\`${path.text}\` is a file; data of type \`uri_folder\` is a folder`,
      "use `type: uri_file`, or name the folder",
    );
}

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
