import { invalid, missing } from "../../core/tracking/errors.ts";
import { bulkHistory, metricHistory, SAMPLE_LIMIT, sampledHistory } from "../../core/tracking/history.ts";
import {
  type LogDeps,
  logBatch,
  logInputs,
  logModelJson,
  logOutputs,
  readBatch,
  readMetric,
} from "../../core/tracking/log.ts";
import { checkParam, checkRunId } from "../../core/tracking/names.ts";
import type { DatasetInput, Run } from "../../core/tracking/ports.ts";
import {
  createRun,
  deleteTag,
  getRun,
  type RunDeps,
  setLifecycle,
  setTag,
  updateRun,
} from "../../core/tracking/runs.ts";
import { type SearchDeps, searchRuns } from "../../core/tracking/search-runs.ts";
import type { RawRoute } from "../raw-route.ts";
import { JsonReply } from "../reply.ts";
import { type Args, RUN_STATUS, viewOf } from "./args.ts";
import { requiredTexts } from "./experiments.ts";
import { type Carries, carriedPage } from "./page.ts";
import { runInfoJson } from "./render.ts";
import { bulkReply, historyReply } from "./render-points.ts";
import { newRunText, runText } from "./render-runs.ts";
import { RenderedRuns } from "./rendered-runs.ts";
import { type MlflowCall, mlflowRoutes } from "./route.ts";

export type RunRouteDeps = RunDeps & SearchDeps & LogDeps & { readonly carries?: Carries };

const P = "/2.0/mlflow";
const READ = { resource: "tracking", action: "read" } as const;
const CREATE = { resource: "tracking", action: "create" } as const;
const UPDATE = { resource: "tracking", action: "update" } as const;
const DELETE = { resource: "tracking", action: "delete" } as const;
const BATCH_LIMIT_BYTES = 1_000_000;

/** Clients of old send `run_uuid`. */
function runIdOf(args: Args): string {
  if (args.raw("run_id") === undefined && args.raw("run_uuid") === undefined) throw missing("run_id");
  const runId = args.text("run_id") ?? args.text("run_uuid");
  if (runId === undefined || runId === "") throw missing("run_id");
  return runId;
}

export function runRoutes(deps: RunRouteDeps): RawRoute[] {
  const rendered = new RenderedRuns();

  async function whole(workspace: string, run: Run) {
    const datasets =
      run.datasets.length === 0 ? [] : ((await deps.runs.datasets(workspace, [run])).get(run.runId) ?? []);
    return runText(run, datasets);
  }

  return [
    ...mlflowRoutes("POST", `${P}/runs/create`, CREATE, async (call) => {
      const { args } = call;
      const run = await createRun(deps, {
        ...call,
        experimentId: args.text("experiment_id"),
        userId: args.text("user_id"),
        name: args.text("run_name"),
        startMs: args.int("start_time"),
        tags: args.pairs("tags"),
      });
      return new JsonReply(`{"run":${newRunText(run)}}`);
    }),
    ...mlflowRoutes("GET", `${P}/runs/get`, READ, async ({ args, workspace }) => {
      const run = await getRun(deps, workspace, runIdOf(args));
      return new JsonReply(`{"run":${await whole(workspace, run)}}`);
    }),
    ...mlflowRoutes("POST", `${P}/runs/update`, UPDATE, async (call) => {
      const { args } = call;
      const run = await updateRun(deps, call, runIdOf(args), {
        status: args.oneOf("status", RUN_STATUS),
        endMs: args.int("end_time"),
        name: args.text("run_name"),
      });
      return { run_info: runInfoJson(run) };
    }),
    ...mlflowRoutes("POST", `${P}/runs/delete`, DELETE, (call) =>
      setLifecycle(deps, call, runIdOf(call.args), "deleted"),
    ),
    ...mlflowRoutes("POST", `${P}/runs/restore`, UPDATE, (call) =>
      setLifecycle(deps, call, runIdOf(call.args), "active"),
    ),
    ...mlflowRoutes("POST", `${P}/runs/log-metric`, UPDATE, async (call) => {
      const runId = runIdOf(call.args);
      const { args } = call;
      const metric = readMetric(
        {
          key: args.optional("key"),
          value: args.optional("value"),
          timestamp: args.optional("timestamp"),
          step: args.optional("step"),
          model_id: args.optional("model_id"),
          dataset_name: args.optional("dataset_name"),
          dataset_digest: args.optional("dataset_digest"),
        },
        "",
      );
      await logBatch(deps, call, runId, { metrics: [metric], params: [], tags: [] });
    }),
    ...mlflowRoutes("POST", `${P}/runs/log-parameter`, UPDATE, async (call) => {
      const runId = runIdOf(call.args);
      const param = checkParam(call.args.required("key"), call.args.text("value") ?? "");
      await logBatch(deps, call, runId, { metrics: [], params: [param], tags: [] }, true);
    }),
    ...mlflowRoutes("POST", `${P}/runs/set-tag`, UPDATE, async (call) => {
      await setTag(deps, call, runIdOf(call.args), call.args.required("key"), call.args.text("value") ?? "");
    }),
    ...mlflowRoutes("POST", `${P}/runs/delete-tag`, UPDATE, async (call) => {
      await deleteTag(deps, call, runIdOf(call.args), call.args.required("key"));
    }),
    ...mlflowRoutes(
      "POST",
      `${P}/runs/log-batch`,
      UPDATE,
      async (call) => {
        const { args } = call;
        const runId = runIdOf(args);
        checkRunId(runId);
        await logBatch(
          deps,
          call,
          runId,
          readBatch({ metrics: args.raw("metrics"), params: args.raw("params"), tags: args.raw("tags") }),
        );
      },
      {
        bodyLimit: BATCH_LIMIT_BYTES,
        tooLarge: (size) =>
          invalid(
            `Batched logging API requests must be at most ${BATCH_LIMIT_BYTES} bytes, got a request of size ${size}.`,
          ),
      },
    ),
    ...mlflowRoutes("POST", `${P}/runs/log-model`, UPDATE, async (call) => {
      await logModelJson(deps, call, runIdOf(call.args), call.args.required("model_json"));
    }),
    ...mlflowRoutes("POST", `${P}/runs/log-inputs`, UPDATE, async (call) => {
      const { args } = call;
      const models = args.objects("models").map((model) => model.required("model_id"));
      await logInputs(deps, call, runIdOf(args), args.objects("datasets").map(datasetInput), models);
    }),
    ...mlflowRoutes("POST", `${P}/runs/outputs`, UPDATE, async (call) => {
      if (call.args.raw("models") === undefined) throw missing("models");
      const models = call.args
        .objects("models")
        .map((model) => ({ modelId: model.required("model_id"), step: model.int("step") ?? 0 }));
      await logOutputs(deps, call, runIdOf(call.args), models);
    }),
    ...mlflowRoutes("POST", `${P}/runs/search`, READ, (call) => searchReply(deps, rendered, call)),
    ...historyRoutes(deps),
  ];
}

async function searchReply(
  deps: RunRouteDeps,
  rendered: RenderedRuns,
  { args, workspace, call }: MlflowCall,
): Promise<JsonReply> {
  const query = {
    experimentIds: args.texts("experiment_ids"),
    filter: args.text("filter"),
    orderBy: args.texts("order_by"),
    view: viewOf(args, "run_view_type"),
    pageToken: args.text("page_token"),
  };
  const page = await carriedPage(
    args.int("max_results"),
    async (maxResults) => {
      const { runs, next } = await searchRuns(deps, workspace, { ...query, maxResults }, (version) =>
        rendered.get(version),
      );
      const datasets = await deps.runs.datasets(
        workspace,
        runs.flatMap(({ run }) => (run === undefined || run.inputs !== undefined ? [] : run)),
      );
      const items = runs.map((found) => {
        if (found.run === undefined) return found.kept;
        const text = runText(found.run, found.run.inputs ?? datasets.get(found.run.runId) ?? []);
        return found.version === undefined ? UTF8.encode(text) : rendered.add(found.version, text);
      });
      return { items, next };
    },
    pageOf,
    (bytes) => deps.carries?.(bytes, call.request.headers) ?? true,
  );
  return new JsonReply([page]);
}

/** A page of rendered runs as one piece. */
function pageOf(runs: readonly Uint8Array[], next: string | undefined): Uint8Array<ArrayBuffer> {
  const token = next === undefined ? "" : `"next_page_token":${JSON.stringify(next)}`;
  if (runs.length === 0) return UTF8.encode(`{${token}}`);
  const end = UTF8.encode(`]${token === "" ? "" : `,${token}`}}`);
  const size = runs.reduce((sum, { length }) => sum + length + 1, PAGE_START.length - 1 + end.length);
  const page = new Uint8Array(size);
  page.set(PAGE_START);
  let at = PAGE_START.length;
  for (const [i, run] of runs.entries()) {
    if (i > 0) page[at++] = COMMA;
    page.set(run, at);
    at += run.length;
  }
  page.set(end, at);
  return page;
}

const UTF8 = new TextEncoder();
const PAGE_START = UTF8.encode('{"runs":[');
const COMMA = 0x2c;

function datasetInput(args: Args): DatasetInput {
  const dataset = args.object("dataset");
  if (dataset === undefined) throw missing("datasets.dataset");
  const optional = (name: "schema" | "profile") => {
    const text = dataset.text(name);
    return text === undefined ? {} : { [name]: text };
  };
  return {
    dataset: {
      name: dataset.required("name"),
      digest: dataset.required("digest"),
      source_type: dataset.required("source_type"),
      source: dataset.required("source"),
      ...optional("schema"),
      ...optional("profile"),
    },
    tags: args.pairs("tags").map(([key, value]) => ({ key, value })),
  };
}

function historyRoutes(deps: RunDeps): RawRoute[] {
  const bulk = mlflowRoutes("GET", `${P}/metrics/get-history-bulk`, READ, async (call) => {
    const { args, workspace } = call;
    const runIds = call.call.url.searchParams.getAll("run_id");
    const key = args.text("metric_key");
    const found = await bulkHistory(deps.runs, workspace, { runIds, key, maxResults: args.int("max_results") });
    // This one answer of MLflow is no protobuf: an empty list is there.
    return found.every(({ points }) => points.length === 0) ? { metrics: [] } : bulkReply(key ?? "", found);
  });
  return [
    ...mlflowRoutes("GET", `${P}/metrics/get-history`, READ, async ({ args, workspace }) => {
      const runId = runIdOf(args);
      const key = args.required("metric_key");
      const { points, next } = await metricHistory(deps.runs, workspace, {
        runId,
        key,
        maxResults: args.int("max_results"),
        pageToken: args.text("page_token"),
      });
      return historyReply(key, points, next);
    }),
    ...bulk,
    ...mlflowRoutes("GET", `${P}/metrics/get-history-bulk-interval`, READ, async (call) => {
      const { args, workspace } = call;
      const runIds = requiredTexts(call, "run_ids");
      const key = args.required("metric_key");
      const found = await sampledHistory(deps.runs, workspace, {
        runIds,
        key,
        startStep: args.int("start_step"),
        endStep: args.int("end_step"),
        maxResults: args.int("max_results") ?? SAMPLE_LIMIT,
      });
      return bulkReply(key, found);
    }),
  ];
}
