import { stringify } from "yaml";
import { isAppError } from "../../contract/errors.ts";
import type { Job } from "../../contract/jobs.ts";
import type { LineageKind, LineageNode } from "../../contract/lineage.ts";
import type { Client } from "../client.ts";
import { eachOf } from "../each-of.ts";
import { listFiles, openFile } from "../files.ts";
import { filesOf, type Place, readFrom } from "../import-mlflow/files.ts";
import { type Json, listOf, type Mlflow, numberOf, pairsOf, recordOf, textOf } from "../import-mlflow/rest.ts";
import { files as fileRoutes, jobs, lineage } from "../routes.ts";
import type { Batch } from "./batches.ts";
import type { ExportFolder } from "./folder.ts";

/** What gathering works with. */
export interface Gather {
  readonly client: Client;
  readonly mlflow: Mlflow;
  readonly workspace: string;
  readonly folder: ExportFolder;
  /** Without files of runs and models, snapshots and logs. */
  readonly tablesOnly: boolean;
  readonly onPoints: (count: number) => void;
  readonly onFile: (bytes: number) => void;
  /** Snapshots that this process has looked at. */
  readonly snapshots: Set<string>;
  /** Whether a registered model is exported, too: its versions then tell what they came from. */
  readonly exportsModel: (name: string) => boolean;
}

const KEYS_AT_ONCE = 8;
const FILES_AT_ONCE = 4;
const PAGE = "25000";

/** Everything of one run: `run` is what the server's search tells of it. */
export async function gatherRun(it: Gather, batch: Batch, run: Json): Promise<void> {
  const info = recordOf(run.info);
  const data = recordOf(run.data);
  const id = textOf(info.run_id);
  batch.add("runs", {
    run_id: id,
    experiment_id: textOf(info.experiment_id),
    run_name: textOf(info.run_name),
    user_id: textOf(info.user_id),
    status: textOf(info.status),
    start_time: numberOf(info.start_time),
    end_time: numberOf(info.end_time),
    lifecycle_stage: textOf(info.lifecycle_stage),
    artifact_uri: textOf(info.artifact_uri),
  });
  const tags = pairsOf(data.tags);
  for (const [key, value] of pairsOf(data.params)) batch.add("params", { run_id: id, key, value });
  for (const [key, value] of tags) batch.add("tags", { run_id: id, key, value });
  addInputs(batch, id, run);
  await addHistory(
    it,
    batch,
    id,
    listOf(data.metrics).map((metric) => textOf(metric.key)),
  );
  await addLineage(it, batch, "run", id);
  const place: Place = { server: it.mlflow, kind: "run", id, uri: textOf(info.artifact_uri) };
  const artifacts = await addFiles(it, batch, place, `runs/${id}`);
  if (tags.get("mlflow.source.type") === "JOB") await addJob(it, batch, id, artifacts);
}

function addInputs(batch: Batch, id: string, run: Json): void {
  const inputs = recordOf(run.inputs);
  for (const input of listOf(inputs.dataset_inputs)) {
    const dataset = recordOf(input.dataset);
    batch.add("inputs", {
      run_id: id,
      name: textOf(dataset.name),
      digest: textOf(dataset.digest),
      source_type: textOf(dataset.source_type),
      source: textOf(dataset.source),
      schema: textOf(dataset.schema) || undefined,
      profile: textOf(dataset.profile) || undefined,
      tags: JSON.stringify(Object.fromEntries(pairsOf(input.tags))),
    });
  }
  const models = [
    ...listOf(inputs.model_inputs).map((model) => ({ ...model, role: "input" })),
    ...listOf(recordOf(run.outputs).model_outputs).map((model) => ({ ...model, role: "output" })),
  ] as readonly Json[];
  for (const model of models)
    batch.add("run_models", {
      run_id: id,
      model_id: textOf(model.model_id),
      role: textOf(model.role),
      step: numberOf(model.step) ?? 0,
    });
}

/** Every point, page by page; the first pages of a few keys are asked for at once. */
async function addHistory(it: Gather, batch: Batch, id: string, keys: readonly string[]): Promise<void> {
  const page = (key: string, token?: string) =>
    it.mlflow.get("/metrics/get-history", { run_id: id, metric_key: key, max_results: PAGE, page_token: token });
  const first = keys.slice(0, KEYS_AT_ONCE).map((key) => page(key));
  for (const each of first) each.catch(() => undefined);
  for (const [i, key] of keys.entries()) {
    for (let asked = first.shift(); asked !== undefined; ) {
      const { metrics, next_page_token } = await asked;
      const points = listOf(metrics);
      for (const point of points) {
        batch.add("metrics", {
          run_id: id,
          key,
          step: numberOf(point.step) ?? 0,
          timestamp: numberOf(point.timestamp) ?? 0,
          value: Number(point.value ?? 0),
        });
      }
      it.onPoints(points.length);
      const token = textOf(next_page_token);
      asked = token === "" ? undefined : page(key, token);
    }
    const next = keys[i + KEYS_AT_ONCE];
    if (next === undefined) continue;
    const asked = page(next);
    asked.catch(() => undefined);
    first.push(asked);
  }
}

/** What came of a thing is told by what came of it, but where that is not exported for itself: each edge is told once. */
function tellsItself(it: Gather, { kind, ref }: LineageNode): boolean {
  if (kind === "model") return it.exportsModel(/^azureml:(.+):[^:]+$/.exec(ref)?.[1] ?? ref);
  return kind === "run" || kind === "logged_model";
}

export async function addLineage(it: Gather, batch: Batch, kind: LineageKind, ref: string): Promise<void> {
  const graph = await it.client.call(lineage.get, {
    params: { workspace: it.workspace },
    query: { ref, kind, direction: "both", depth: 1 },
  });
  if (graph.truncated !== undefined) batch.problem(`lineage of ${kind} \`${ref}\``, graph.truncated);
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  for (const edge of graph.edges) {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
    if (from === undefined || to === undefined) continue;
    if (edge.to !== graph.root && (edge.from !== graph.root || tellsItself(it, to))) continue;
    batch.add("lineage", {
      from_kind: from.kind,
      from_ref: from.ref,
      to_kind: to.kind,
      to_ref: to.ref,
      role: edge.role,
      name: edge.name,
    });
  }
}

/** The artifacts of a run or logged model, below `under`; answers their paths. */
export async function addFiles(
  it: Gather,
  batch: Batch,
  place: Place,
  under: string,
): Promise<ReadonlyMap<string, unknown>> {
  if (it.tablesOnly) return new Map();
  if (!place.uri.startsWith("mlflow-artifacts:")) {
    batch.problem(
      `artifacts of ${place.kind} \`${place.id}\``,
      `they are not kept by the workspace but at \`${place.uri}\``,
    );
    return new Map();
  }
  const files = await filesOf(place);
  await eachOf(files, FILES_AT_ONCE, async ([path, size]) => {
    await store(it, batch, `${under}/artifacts/${path}`, size, () => readFrom(place, path));
  });
  return files;
}

async function store(
  it: Gather,
  batch: Batch,
  path: string,
  size: number | undefined,
  open: () => Promise<ReadableStream<Uint8Array>>,
): Promise<void> {
  try {
    const { fact } = await it.folder.fetch(path, size, open);
    batch.file(fact);
    it.onFile(fact.size_bytes);
  } catch (error) {
    // A file that was deleted while it was asked for, or whose name this machine can't hold.
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["NotFound", "InvalidPath", "ENAMETOOLONG", "ENOTDIR", "EISDIR", "EEXIST", "EINVAL"].includes(code))
      throw error;
    batch.problem(`file \`${path}\``, error);
  }
}

async function addJob(it: Gather, batch: Batch, id: string, artifacts: ReadonlyMap<string, unknown>): Promise<void> {
  const params = { workspace: it.workspace, name: id };
  let job: Job;
  try {
    job = await it.client.call(jobs.get, { params });
  } catch (error) {
    // A client may have set the tag.
    if (isAppError(error) && error.code === "NotFound") return;
    throw error;
  }
  batch.add("jobs", {
    run_id: id,
    experiment_name: job.experiment_name,
    type: job.type,
    status: job.status,
    status_reason: job.status_reason,
    compute: job.compute ?? "",
    exit_code: job.exit_code,
    snapshot: job.snapshot,
    created_at: Date.parse(job.created_at),
    created_by: job.created_by,
    started_at: timeOf(job.started_at),
    ended_at: timeOf(job.ended_at),
    spec: JSON.stringify(job.spec),
  });
  batch.file(await it.folder.write(`runs/${id}/job.json`, `${JSON.stringify(job, null, 2)}\n`));
  batch.file(await it.folder.write(`runs/${id}/job.yml`, stringify(job.spec, { lineWidth: 0 })));
  if (it.tablesOnly) return;
  const { items } = await it.client.call(jobs.logs, { params });
  for (const log of items) {
    // The logs of a job that is over are among its artifacts.
    if (artifacts.has(log.name)) continue;
    const uri = `azureml://jobs/${id}/outputs/artifacts/paths/${log.name}`;
    await store(it, batch, `runs/${id}/logs/${log.name}`, log.size_bytes, async () => {
      const { body } = await it.client.call(fileRoutes.read, { params: { workspace: it.workspace }, query: { uri } });
      return body ?? new Blob([]).stream();
    });
  }
  if (job.snapshot !== undefined) await addTree(it, batch, job.snapshot, `snapshots/${treeName(job.snapshot)}`);
}

function timeOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}

function treeName(uri: string): string {
  return uri.replace(/\/+$/, "").split("/").at(-1) ?? uri;
}

/** Files under a URI, once a process: jobs share snapshots. */
export async function addTree(it: Gather, batch: Batch, uri: string, under: string): Promise<void> {
  if (it.tablesOnly || it.snapshots.has(under)) return;
  it.snapshots.add(under);
  try {
    const listing = await listFiles(it.client, it.workspace, uri);
    await eachOf(listing.files, FILES_AT_ONCE, (entry) =>
      store(it, batch, `${under}/${entry.path}`, entry.size_bytes, () => openFile(it.client, entry)),
    );
  } catch (error) {
    if (!isAppError(error) || !["NotFound", "NotSupported", "InvalidArgument"].includes(error.code)) throw error;
    batch.problem(`files at \`${uri}\``, error);
  }
}
