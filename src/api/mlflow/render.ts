import type { ModelVersion, RegisteredModel } from "../../core/registry/ports.ts";
import type { VersionAnswer } from "../../core/registry/versions.ts";
import { latestPerStage } from "../../core/registry/versions.ts";
import type { ArtifactEntry } from "../../core/tracking/artifacts.ts";
import type { Experiment, LoggedModel, RunView } from "../../core/tracking/ports.ts";

/** Doubles that JSON lacks travel as text. */
export function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** A list as a field, or no field where it is empty. */
export function listed<K extends string, T>(name: K, items: readonly T[]): { [name in K]?: readonly T[] } {
  return items.length === 0 ? {} : ({ [name]: items } as { [name in K]?: readonly T[] });
}

function filled<K extends string>(name: K, text: string): { [name in K]?: string } {
  return text === "" ? {} : ({ [name]: text } as { [name in K]?: string });
}

function tagsOf(tags: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

export function experimentJson(experiment: Experiment, workspace: string) {
  return {
    experiment_id: experiment.id,
    name: experiment.name,
    artifact_location:
      experiment.artifactLocation === "" ? `mlflow-artifacts:/${experiment.id}` : experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    last_update_time: experiment.updatedMs,
    creation_time: experiment.createdMs,
    ...listed("tags", tagsOf(experiment.tags)),
    workspace,
  };
}

export function runInfoJson(run: RunView) {
  return {
    run_uuid: run.runId,
    experiment_id: run.experimentId,
    run_name: run.name,
    user_id: run.userId,
    status: run.status,
    ...(run.startMs === undefined ? {} : { start_time: run.startMs }),
    // 0 takes an end back.
    ...(run.endMs ? { end_time: run.endMs } : {}),
    artifact_uri: run.artifactUri,
    lifecycle_stage: run.lifecycle,
    run_id: run.runId,
  };
}

export function loggedModelJson(model: LoggedModel) {
  return {
    info: {
      model_id: model.modelId,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.createdMs,
      last_updated_timestamp_ms: model.updatedMs,
      artifact_uri: model.artifactUri,
      status: model.status,
      model_type: model.modelType,
      source_run_id: model.sourceRunId,
      ...listed("tags", tagsOf(model.tags)),
    },
    data: {
      ...listed("params", tagsOf(model.params)),
      ...listed(
        "metrics",
        model.metrics.map((metric) => ({
          key: metric.key,
          value: double(metric.value),
          timestamp: metric.timestamp,
          step: metric.step,
          ...filled("dataset_name", metric.datasetName ?? ""),
          ...filled("dataset_digest", metric.datasetDigest ?? ""),
          model_id: model.modelId,
          run_id: metric.runId,
        })),
      ),
    },
  };
}

export function filesJson(entries: readonly (ArtifactEntry & { readonly path: string })[]) {
  return entries.map(({ path, isDir, sizeBytes }) => ({
    path,
    is_dir: isDir,
    ...(sizeBytes ? { file_size: sizeBytes } : {}),
  }));
}

export function modelJson(model: RegisteredModel, versions: readonly ModelVersion[]) {
  return {
    name: model.name,
    creation_timestamp: model.createdMs,
    last_updated_timestamp: model.updatedMs,
    ...filled("description", model.description),
    ...listed(
      "latest_versions",
      latestPerStage(versions).map((version) => versionJson({ model, version }, false)),
    ),
    ...listed("tags", tagsOf(model.tags)),
    ...listed(
      "aliases",
      Object.entries(model.aliases).map(([alias, version]) => ({ alias, version })),
    ),
  };
}

export function versionJson({ model, version }: VersionAnswer, withAliases = true) {
  const aliases = Object.entries(model.aliases).flatMap(([alias, target]) =>
    target === version.version ? [alias] : [],
  );
  return {
    name: model.name,
    version: version.version,
    creation_timestamp: version.createdMs,
    last_updated_timestamp: version.updatedMs,
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.runId,
    status: "READY",
    ...listed("tags", tagsOf(version.tags)),
    run_link: version.runLink,
    ...(withAliases ? listed("aliases", aliases) : {}),
    ...filled("model_id", version.modelId),
  };
}
