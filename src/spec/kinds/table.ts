import { anything, type Type } from "../schema.ts";
import { condaFile, dataAsset, dataImport, dataIndex, environmentAsset, modelAsset, modelPackage } from "./assets.ts";
import { automlJob } from "./automl.ts";
import { distillationJob, finetuningJob, importJob } from "./azure-jobs.ts";
import { connection, featureSet, featureStore, featureStoreEntity, registry, workspace } from "./azure-resources.ts";
import { commandComponent, foreignComponent, parallelComponent, sparkComponent } from "./components.ts";
import { compute } from "./computes.ts";
import { datastore } from "./datastores.ts";
import { commandJob, parallelJob, sparkJob } from "./jobs.ts";
import { pipelineComponent, pipelineJob } from "./pipeline.ts";
import { schedule } from "./schedule.ts";
import {
  batchEndpoint,
  batchInvokeInputs,
  kubernetesDeployment,
  kubernetesEndpoint,
  legacyBatchDeployment,
  modelBatchDeployment,
  onlineDeployment,
  onlineEndpoint,
  pipelineBatchDeployment,
  serverlessEndpoint,
} from "./serving.ts";
import { sweepJob } from "./sweep.ts";

export interface KindFacts {
  readonly type: Type;
  /** With its article, for messages. */
  readonly noun: string;
  /** Understood and accepted, but only Azure itself can run it: said as a warning. */
  readonly azureOnly?: boolean;
}

/** Every kind of spec file by the name it has in reports. The part before the first dot is the noun of the command line. */
export const KINDS = {
  "job.command": { type: commandJob, noun: "a command job" },
  "job.sweep": { type: sweepJob, noun: "a sweep job" },
  "job.pipeline": { type: pipelineJob, noun: "a pipeline job" },
  "job.parallel": { type: parallelJob, noun: "a parallel job" },
  "job.automl": { type: automlJob, noun: "an AutoML job" },
  "job.spark": { type: sparkJob, noun: "a spark job" },
  "job.import": { type: importJob, noun: "an import job", azureOnly: true },
  "job.data_transfer": { type: importJob, noun: "a data transfer job", azureOnly: true },
  "job.finetuning": { type: finetuningJob, noun: "a finetuning job", azureOnly: true },
  "job.distillation": { type: distillationJob, noun: "a distillation job", azureOnly: true },
  "component.command": { type: commandComponent, noun: "a command component" },
  "component.pipeline": { type: pipelineComponent, noun: "a pipeline component" },
  "component.parallel": { type: parallelComponent, noun: "a parallel component" },
  "component.spark": { type: sparkComponent, noun: "a spark component" },
  "component.import": { type: foreignComponent, noun: "an import component", azureOnly: true },
  "component.automl": { type: foreignComponent, noun: "an AutoML component", azureOnly: true },
  "component.data_transfer": { type: foreignComponent, noun: "a data transfer component", azureOnly: true },
  "component.promptflow_parallel": { type: foreignComponent, noun: "a prompt flow component", azureOnly: true },
  environment: { type: environmentAsset, noun: "an environment" },
  conda_env: { type: condaFile, noun: "a conda environment" },
  data: { type: dataAsset, noun: "a data asset" },
  data_import: { type: dataImport, noun: "a data import", azureOnly: true },
  data_index: { type: dataIndex, noun: "a data index", azureOnly: true },
  datastore: { type: datastore, noun: "a datastore" },
  compute: { type: compute, noun: "a compute" },
  model: { type: modelAsset, noun: "a model" },
  model_package: { type: modelPackage, noun: "a model package", azureOnly: true },
  workspace: { type: workspace, noun: "a workspace" },
  registry: { type: registry, noun: "a registry", azureOnly: true },
  connection: { type: connection, noun: "a connection", azureOnly: true },
  "endpoint.online": { type: onlineEndpoint, noun: "an online endpoint" },
  "endpoint.online.k8s": { type: kubernetesEndpoint, noun: "a Kubernetes online endpoint" },
  "endpoint.batch": { type: batchEndpoint, noun: "a batch endpoint" },
  "deployment.online": { type: onlineDeployment, noun: "an online deployment" },
  "deployment.online.k8s": { type: kubernetesDeployment, noun: "a Kubernetes online deployment" },
  "deployment.batch": { type: legacyBatchDeployment, noun: "a batch deployment" },
  "deployment.batch.model": { type: modelBatchDeployment, noun: "a model batch deployment" },
  "deployment.batch.pipeline": { type: pipelineBatchDeployment, noun: "a pipeline batch deployment" },
  schedule: { type: schedule, noun: "a schedule" },
  batch_invoke_inputs: { type: batchInvokeInputs, noun: "inputs of a batch job" },
  serverless_endpoint: { type: serverlessEndpoint, noun: "a serverless endpoint", azureOnly: true },
  feature_set: { type: featureSet, noun: "a feature set", azureOnly: true },
  feature_store: { type: featureStore, noun: "a feature store", azureOnly: true },
  feature_store_entity: { type: featureStoreEntity, noun: "a feature store entity", azureOnly: true },
  promptflow: { type: anything, noun: "a prompt flow", azureOnly: true },
  promptflow_run: { type: anything, noun: "a prompt flow run", azureOnly: true },
} as const satisfies Readonly<Record<string, KindFacts>>;

export type Kind = keyof typeof KINDS;

export function factsOf(kind: Kind): KindFacts {
  return KINDS[kind];
}

export function isKind(name: string): name is Kind {
  return Object.hasOwn(KINDS, name);
}
