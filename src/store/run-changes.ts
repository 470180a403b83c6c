import type { MetricPoint, MetricSummary, Run, RunChange } from "../core/tracking/ports.ts";
import { withPoint } from "./metric-codec.ts";
import type { RunDoc } from "./run-items.ts";

const FINAL = new Set(["FINISHED", "FAILED", "KILLED"]);

export function isFinal(run: Pick<Run, "status" | "lifecycle">): boolean {
  return FINAL.has(run.status) || run.lifecycle === "deleted";
}

/** A run under change: maps are copied once, whatever the number of requests written together. */
export interface Draft {
  doc: RunDoc;
  readonly touched: Set<string>;
  readonly points: MetricPoint[];
  readonly newDatasets: { readonly index: number; readonly dataset: NonNullable<RunChange["datasets"]>[number] }[];
  readonly owned: { tags: boolean; params: boolean; metrics: boolean };
}

export function draftOf(doc: RunDoc): Draft {
  return {
    doc,
    touched: new Set(),
    points: [],
    newDatasets: [],
    owned: { tags: false, params: false, metrics: false },
  };
}

/** Applies one request's change to the draft. */
export function applyChange(draft: Draft, change: RunChange): void {
  const doc = draft.doc;
  let { tags, params, metrics, datasets, datasetCount } = doc;
  if (change.tags !== undefined && change.tags.size > 0) {
    const next = draft.owned.tags ? (tags as Map<string, string>) : new Map(tags);
    draft.owned.tags = true;
    for (const [key, value] of change.tags) {
      if (value === null) next.delete(key);
      else next.set(key, value);
      draft.touched.add(key);
    }
    tags = next;
  }
  if (change.params !== undefined && change.params.size > 0) {
    const next = draft.owned.params ? (params as Map<string, string>) : new Map(params);
    draft.owned.params = true;
    for (const [key, value] of change.params) {
      next.set(key, value);
      draft.touched.add(key);
    }
    params = next;
  }
  if (change.points !== undefined && change.points.length > 0) {
    const next = draft.owned.metrics ? (metrics as Map<string, MetricSummary>) : new Map(metrics);
    draft.owned.metrics = true;
    for (const point of change.points) {
      next.set(point.key, withPoint(next.get(point.key), point));
      draft.touched.add(point.key);
      draft.points.push(point);
    }
    metrics = next;
  }
  for (const input of change.datasets ?? []) {
    const context = input.tags.find((tag) => tag.key === "mlflow.data.context")?.value;
    const { name, digest } = input.dataset;
    draft.newDatasets.push({ index: datasetCount, dataset: input });
    datasetCount += 1;
    datasets = [...datasets, { name, digest, ...(context === undefined ? {} : { context }) }];
  }
  draft.doc = {
    ...doc,
    name: change.name ?? doc.name,
    status: change.status ?? doc.status,
    startMs: change.startMs ?? doc.startMs,
    endMs: change.endMs ?? doc.endMs,
    lifecycle: change.lifecycle ?? doc.lifecycle,
    deletedMs: change.deletedMs ?? doc.deletedMs,
    tags,
    params,
    metrics,
    datasets,
    datasetCount,
    modelInputs: change.modelInputs ?? doc.modelInputs,
    modelOutputs: change.modelOutputs ?? doc.modelOutputs,
  };
}
