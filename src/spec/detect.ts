import { join } from "./complain.ts";
import type { Findings } from "./diagnostics.ts";
import { isKind, KINDS, type Kind } from "./kinds/table.ts";
import { child, isNull, keysOf, type MapNode, nounOf, type SpecNode, textOf } from "./nodes.ts";
import { listed, nearest } from "./suggest.ts";

/** Other words for `--kind`: the nouns of the command line, and what people write. */
const FAMILIES: Readonly<Record<string, string>> = {
  job: "job",
  component: "component",
  endpoint: "endpoint.online",
  online_endpoint: "endpoint.online",
  batch_endpoint: "endpoint.batch",
  deployment: "deployment",
  online_deployment: "deployment.online",
  batch_deployment: "deployment.batch",
  conda: "conda_env",
  conda_file: "conda_env",
  env: "environment",
  dataset: "data",
  model_version_package: "model_package",
  inputs: "batch_invoke_inputs",
  feature_store_set: "feature_set",
  featureset: "feature_set",
  featurestore: "feature_store",
  featurestoreentity: "feature_store_entity",
  flow: "promptflow",
};

/** All that `--kind` takes. */
export function kindWords(): string[] {
  return [
    ...new Set([
      ...Object.keys(KINDS),
      "job",
      "component",
      "online-endpoint",
      "online-deployment",
      "batch-endpoint",
      "batch-deployment",
    ]),
  ];
}

/** The family or exact kind a word of the caller stands for; undefined for an unknown word. */
export function kindOfWord(word: string): string | undefined {
  const plain = word.trim().toLowerCase();
  if (isKind(plain)) return plain;
  const flat = plain.replaceAll("-", "_");
  if (isKind(flat)) return flat;
  return FAMILIES[flat];
}

/**
 * What a file is. The caller's word decides the family, as the noun of the command line does in Azure, and fields inside decide
 * the rest; without a word the editor's `$schema` is a hint and the fields tell. Reports an error and answers undefined when nothing fits.
 */
export function detectKind(node: SpecNode, hint: string | undefined, findings: Findings): Kind | undefined {
  if (node.form !== "map") {
    findings.error(node, "", `a spec is a map of fields, not ${nounOf(node)}`);
    return undefined;
  }
  const family = hint === undefined ? undefined : kindOfWord(hint);
  if (hint !== undefined && family === undefined) {
    const near = nearest(hint, kindWords());
    findings.error(
      node,
      "",
      `unknown kind \`${hint}\`; kinds are ${listed(kindWords(), 60)}`,
      near === undefined ? undefined : `did you mean \`${near}\`?`,
    );
    return undefined;
  }
  const start =
    family ?? kindOfSchema(textOf(child(node, "$schema"))) ?? kindOfFields(node) ?? kindOfFields(respelt(node));
  if (start === undefined) {
    findings.error(node, "", "cannot tell what kind of spec this is", "say it with `--kind`, or add a `$schema` line");
    return undefined;
  }
  return refine(start, node, findings);
}

/** From a family to the exact kind. */
function refine(start: string, node: SpecNode, findings: Findings): Kind | undefined {
  const dot = start.indexOf(".");
  const family = dot < 0 ? start : start.slice(0, dot);
  if (family === "job" || family === "component")
    return byType(family, dot < 0 ? "command" : start.slice(dot + 1), node, findings);
  const type = textOf(child(node, "type"))?.toLowerCase();
  switch (start) {
    case "deployment":
      return refine(
        !isNull(child(node, "instance_type")) || child(node, "request_settings")
          ? "deployment.online"
          : "deployment.batch",
        node,
        findings,
      );
    case "deployment.online":
      return type === "kubernetes" ? "deployment.online.k8s" : "deployment.online";
    case "endpoint.online":
      return isNull(child(node, "compute")) ? "endpoint.online" : "endpoint.online.k8s";
    case "deployment.batch":
      if (type === "pipeline" || (type === undefined && (child(node, "component") || child(node, "job_definition"))))
        return "deployment.batch.pipeline";
      return type === "model" ? "deployment.batch.model" : "deployment.batch";
    case "data":
      if (child(node, "embedding") || child(node, "index")) return "data_index";
      return child(node, "source") ? "data_import" : "data";
    default:
      return isKind(start) ? start : undefined;
  }
}

function byType(family: string, otherwise: string, node: SpecNode, findings: Findings): Kind | undefined {
  const given = child(node, "type");
  if (isNull(given) || given === undefined) {
    const kind = `${family}.${otherwise}`;
    return isKind(kind) ? kind : `${family as "job"}.command`;
  }
  const word = textOf(given)?.toLowerCase() ?? "";
  // A schema version may stand before or after the type: `CommandComponent@1`.
  const kind = `${family}.${word.replace(/component(@.*)?$/, "")}`;
  if (isKind(kind)) return kind;
  const types = Object.keys(KINDS).flatMap((name) =>
    name.startsWith(`${family}.`) ? [name.slice(family.length + 1)] : [],
  );
  const near = nearest(word, types);
  findings.error(
    given,
    join("", "type"),
    `unknown ${family} type ${nounOf(given)}; it is one of ${listed(types, 20)}`,
    near === undefined ? undefined : `did you mean \`${near}\`?`,
  );
  return undefined;
}

/** Last part of a schema address without its ending, in lower case. The addresses are never fetched. */
const SCHEMAS: Readonly<Record<string, string>> = {
  commandjob: "job.command",
  sweepjob: "job.sweep",
  pipelinejob: "job.pipeline",
  automljob: "job.automl",
  sparkjob: "job.spark",
  paralleljob: "job.parallel",
  importjob: "job.import",
  finetuningjob: "job.finetuning",
  distillationjob: "job.distillation",
  commandcomponent: "component.command",
  pipelinecomponent: "component.pipeline",
  sparkcomponent: "component.spark",
  parallelcomponent: "component.parallel",
  environment: "environment",
  data: "data",
  dataimport: "data_import",
  index: "data_index",
  dataindex: "data_index",
  model: "model",
  modelversionpackage: "model_package",
  workspace: "workspace",
  hub: "workspace",
  project: "workspace",
  registry: "registry",
  connection: "connection",
  compute: "compute",
  amlcompute: "compute",
  computeinstance: "compute",
  kubernetescompute: "compute",
  vmcompute: "compute",
  virtualmachinecompute: "compute",
  synapsesparkcompute: "compute",
  datastore: "datastore",
  azureblob: "datastore",
  azurefile: "datastore",
  azuredatalakegen1: "datastore",
  azuredatalakegen2: "datastore",
  onelake: "datastore",
  managedonlineendpoint: "endpoint.online",
  onlineendpoint: "endpoint.online",
  kubernetesonlineendpoint: "endpoint.online.k8s",
  batchendpoint: "endpoint.batch",
  managedonlinedeployment: "deployment.online",
  onlinedeployment: "deployment.online",
  kubernetesonlinedeployment: "deployment.online.k8s",
  batchdeployment: "deployment.batch",
  modelbatchdeployment: "deployment.batch",
  pipelinecomponentbatchdeployment: "deployment.batch.pipeline",
  schedule: "schedule",
  monitorschedule: "schedule",
  serverlessendpoint: "serverless_endpoint",
  featureset: "feature_set",
  featurestore: "feature_store",
  featurestoreentity: "feature_store_entity",
  flow: "promptflow",
  run: "promptflow_run",
};

function kindOfSchema(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const name = (address.split(/[/#]/).findLast((part) => part !== "") ?? "")
    .toLowerCase()
    .replace(/(?:\.schema)?\.json$/, "");
  return SCHEMAS[name] ?? (name.endsWith("connection") ? "connection" : undefined);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  sweep: "job.sweep",
  automl: "job.automl",
  finetuning: "job.finetuning",
  distillation: "job.distillation",
  amlcompute: "compute",
  computeinstance: "compute",
  virtualmachine: "compute",
  synapsespark: "compute",
  attached: "compute",
  azure_blob: "datastore",
  azure_file: "datastore",
  azure_data_lake_gen1: "datastore",
  azure_data_lake_gen2: "datastore",
  one_lake: "datastore",
  sftp: "datastore",
  custom_model: "model",
  mlflow_model: "model",
  triton_model: "model",
  uri_file: "data",
  uri_folder: "data",
  mltable: "data",
};

/** A file without a word or a schema: its own fields tell. From the surest sign to the faintest. */
function kindOfFields(node: SpecNode): string | undefined {
  const has = (...names: string[]) => names.some((name) => child(node, name) !== undefined);
  const type = textOf(child(node, "type"))?.toLowerCase();
  if (has("dependencies", "channels") && !has("image", "command")) return "conda_env";
  if (
    has("endpoint_name", "scoring_script", "code_configuration", "instance_type") &&
    !has("command", "inferencing_server")
  )
    return "deployment";
  if (has("trigger")) return "schedule";
  if (has("target_environment", "inferencing_server")) return "model_package";
  if (type !== undefined && Object.hasOwn(TYPE_WORDS, type)) return TYPE_WORDS[type];
  if (type === "kubernetes") return "compute";
  if (type === "local") return has("path") ? "datastore" : "compute";
  if (has("target") && has("credentials", "metadata")) return "connection";
  if (has("credentials", "bucket", "host_key", "base_url")) return "datastore";
  if (has("nodes") && !has("command")) return "promptflow";
  if (has("flow") && has("data", "run", "column_mapping")) return "promptflow_run";
  if (has("jobs", "command", "trial", "entry", "task", "job_definition"))
    return isComponent(node) ? "component" : "job";
  if (type === "pipeline" && has("component")) return "job.pipeline";
  if (has("image", "build", "conda_file")) return "environment";
  if (has("model_id")) return "serverless_endpoint";
  if (has("index_columns") && has("name")) return "feature_store_entity";
  if (has("specification") && has("entities")) return "feature_set";
  if (has("offline_store", "online_store", "compute_runtime")) return "feature_store";
  if (has("replication_locations")) return "registry";
  if (has("auth_mode", "traffic", "mirror_traffic")) return "endpoint.online";
  if (
    has(
      "managed_network",
      "hbi_workspace",
      "storage_account",
      "key_vault",
      "resource_group",
      "image_build_compute",
      "customer_managed_key",
    )
  )
    return "workspace";
  if (has("defaults")) return "endpoint.batch";
  if (has("inputs", "outputs") && keysOf(node).every((key) => ["$schema", "inputs", "outputs"].includes(key)))
    return "batch_invoke_inputs";
  if (has("flavors", "stage")) return "model";
  if (has("location") && has("name")) return "workspace";
  return has("name") && has("path") ? "model" : undefined;
}

/** Fields that tell a kind by themselves; misspelt ones still tell, and the kind's own check names them. */
const TELLING = [
  "command",
  "jobs",
  "trial",
  "endpoint_name",
  "code_configuration",
  "conda_file",
  "image",
  "auth_mode",
  "trigger",
  "dependencies",
];

function respelt(node: MapNode): MapNode {
  const entries = new Map(
    [...node.entries].map(([key, entry]) => [TELLING.includes(key) ? key : (nearest(key, TELLING) ?? key), entry]),
  );
  return { ...node, entries };
}

/** A component declares ports; a job gives values. */
function isComponent(node: SpecNode): boolean {
  if (isNull(child(node, "name"))) return false;
  if (child(node, "experiment_name") || child(node, "compute") || child(node, "objective")) return false;
  if (child(node, "is_deterministic") || child(node, "version")) return true;
  const inputs = child(node, "inputs");
  const ports = keysOf(inputs).map((key) => child(inputs, key));
  if (ports.length > 0)
    return ports.every(
      (port) => port?.form === "map" && child(port, "type") && !child(port, "path") && !child(port, "value"),
    );
  const outputs = child(node, "outputs");
  const made = keysOf(outputs).map((key) => child(outputs, key));
  return made.length > 0 && made.every((port) => child(port, "type") && !child(port, "path"));
}
