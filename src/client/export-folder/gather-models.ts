import { isAppError } from "../../contract/errors.ts";
import { type Json, listOf, numberOf, pairsOf, recordOf, textOf } from "../import-mlflow/rest.ts";
import type { Batch } from "./batches.ts";
import { addFiles, addLineage, addTree, type Gather } from "./gather-run.ts";

export function gatherExperiment(batch: Batch, experiment: Json): void {
  const id = textOf(experiment.experiment_id);
  batch.add("experiments", {
    experiment_id: id,
    name: textOf(experiment.name),
    lifecycle_stage: textOf(experiment.lifecycle_stage),
    artifact_location: textOf(experiment.artifact_location),
    creation_time: numberOf(experiment.creation_time),
    last_update_time: numberOf(experiment.last_update_time),
  });
  for (const [key, value] of pairsOf(experiment.tags)) batch.add("experiment_tags", { experiment_id: id, key, value });
}

export async function gatherLoggedModel(it: Gather, batch: Batch, model: Json): Promise<void> {
  const info = recordOf(model.info);
  const data = recordOf(model.data);
  const id = textOf(info.model_id);
  const uri = textOf(info.artifact_uri);
  batch.add("logged_models", {
    model_id: id,
    experiment_id: textOf(info.experiment_id),
    name: textOf(info.name),
    status: textOf(info.status),
    model_type: textOf(info.model_type),
    source_run_id: textOf(info.source_run_id),
    creation_timestamp_ms: numberOf(info.creation_timestamp_ms),
    last_updated_timestamp_ms: numberOf(info.last_updated_timestamp_ms),
    artifact_uri: uri,
  });
  for (const [key, value] of pairsOf(data.params)) batch.add("logged_model_params", { model_id: id, key, value });
  for (const [key, value] of pairsOf(info.tags)) batch.add("logged_model_tags", { model_id: id, key, value });
  for (const metric of listOf(data.metrics)) {
    batch.add("logged_model_metrics", {
      model_id: id,
      run_id: textOf(metric.run_id),
      key: textOf(metric.key),
      step: numberOf(metric.step) ?? 0,
      timestamp: numberOf(metric.timestamp) ?? 0,
      value: Number(metric.value ?? 0),
      dataset_name: textOf(metric.dataset_name) || undefined,
      dataset_digest: textOf(metric.dataset_digest) || undefined,
    });
  }
  await addLineage(it, batch, "logged_model", id);
  await addFiles(it, batch, { server: it.mlflow, kind: "model", id, uri }, `logged_models/${id}`);
}

/** A registered model with its versions. Files come along where they are no run's or logged model's. */
export async function gatherRegistered(
  it: Gather,
  batch: Batch,
  model: Json,
  versions: readonly Json[],
): Promise<void> {
  const name = textOf(model.name);
  batch.add("registered_models", {
    name,
    description: textOf(model.description),
    creation_timestamp: numberOf(model.creation_timestamp),
    last_updated_timestamp: numberOf(model.last_updated_timestamp),
  });
  for (const [key, value] of pairsOf(model.tags)) batch.add("registered_model_tags", { name, key, value });
  const aliases = Array.isArray(model.aliases) ? model.aliases.map(recordOf) : [];
  for (const each of aliases)
    batch.add("aliases", { name, alias: textOf(each.alias), version: numberOf(each.version) ?? 0 });
  for (const version of versions) await gatherVersion(it, batch, name, version);
}

async function gatherVersion(it: Gather, batch: Batch, name: string, version: Json): Promise<void> {
  const number = numberOf(version.version) ?? 0;
  const source = textOf(version.source);
  batch.add("model_versions", {
    name,
    version: number,
    description: textOf(version.description),
    current_stage: textOf(version.current_stage),
    status: textOf(version.status),
    source,
    run_id: textOf(version.run_id),
    run_link: textOf(version.run_link),
    model_id: textOf(version.model_id),
    creation_timestamp: numberOf(version.creation_timestamp),
    last_updated_timestamp: numberOf(version.last_updated_timestamp),
  });
  for (const [key, value] of pairsOf(version.tags))
    batch.add("model_version_tags", { name, version: number, key, value });
  try {
    await addLineage(it, batch, "model", `azureml:${name}:${number}`);
  } catch (error) {
    if (!isAppError(error) || error.code !== "NotFound") throw error;
    batch.problem(`lineage of model \`${name}\`, version ${number}`, error);
  }
  if (/^azureml:/.test(source)) await addTree(it, batch, source, `models/${name}/${number}`);
}
