import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Item, Table, Value } from "../core/ports/table.ts";
import { ABSENT } from "../core/ports/table.ts";
import type { LoggedModel, LoggedModelMetric, LoggedModelStatus, LoggedModelStore } from "../core/tracking/ports.ts";
import { loggedModelKey, loggedModelList, loggedModelListKey } from "./facts/keys.ts";
import { edgeWrites } from "./lineage.ts";
import { decodePoints, encodePoints } from "./metric-codec.ts";

const TRIES = 50;
/** Type of a model's item while gc has the model in its trash: no reader knows it. */
export const LOGGED_MODEL_IN_TRASH = "LOGGED-MODEL-TRASH";

/** MLflow 3's logged models: one item each, and one in the list of their experiment. */
export function openLoggedModelStore(deps: {
  readonly table: Table;
  readonly activity: ActivityWrite;
}): LoggedModelStore {
  const { table, activity } = deps;

  async function get(workspace: string, modelId: string): Promise<LoggedModel | undefined> {
    const item = await table.get(loggedModelKey(workspace, modelId));
    return item === undefined || item.type === LOGGED_MODEL_IN_TRASH ? undefined : fromItem(item);
  }

  return {
    get,
    async list(workspace, experimentId) {
      const models: LoggedModel[] = [];
      let cursor: string | undefined;
      do {
        const page = await table.query({
          pk: loggedModelList(workspace, experimentId),
          ...(cursor === undefined ? {} : { cursor }),
        });
        const items = await table.batchGet(page.items.map((item) => loggedModelKey(workspace, item.sk)));
        models.push(...items.filter(({ type }) => type !== LOGGED_MODEL_IN_TRASH).map(fromItem));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return models;
    },
    async create(model, actor) {
      const { workspace, modelId, experimentId } = model;
      const result = await table.transact([
        { kind: "put", item: toItem(model), when: ABSENT },
        {
          kind: "put",
          item: { ...loggedModelListKey(workspace, experimentId, modelId), type: "LOGGED-MODEL-ENTRY", v: 1 },
        },
        ...edgeWrites(workspace, [
          {
            of: { kind: "run", name: model.sourceRunId },
            direction: "down",
            step: { thing: { kind: "logged_model", name: modelId }, role: "output" },
          },
        ]),
        activity({
          workspace,
          actor,
          resource: "logged-model",
          name: modelId,
          action: "create",
          summary: `logged model \`${model.name}\` made`,
        }),
      ]);
      if (!result.ok) throw new AppError("AlreadyExists", `Logged model with ID '${modelId}' already exists.`);
    },
    async change(workspace, modelId, decide, recorded) {
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const before = await get(workspace, modelId);
        if (before === undefined) throw new AppError("NotFound", `Logged model with ID '${modelId}' not found.`);
        const change = decide(before);
        if (change === undefined) return before;
        const after: LoggedModel = { ...before, ...change, rev: before.rev + 1 };
        const result = await table.transact([
          { kind: "put", item: toItem(after), when: [{ attr: "rev", op: "eq", value: before.rev }] },
          ...(recorded === undefined
            ? []
            : [activity({ workspace, resource: "logged-model", name: modelId, ...recorded })]),
        ]);
        if (result.ok) return after;
      }
      throw new AppError("Unavailable", `logged model \`${modelId}\` could not be changed: too many writers at once`);
    },
  };
}

function toItem(model: LoggedModel): Item {
  const { metrics, tags, params, ...rest } = model;
  const { keys, data } = encodePoints(metrics);
  const about = metrics.map(({ runId, datasetName, datasetDigest }) => ({
    runId,
    ...(datasetName === undefined ? {} : { datasetName }),
    ...(datasetDigest === undefined ? {} : { datasetDigest }),
  }));
  return {
    ...loggedModelKey(model.workspace, model.modelId),
    type: "LOGGED-MODEL",
    v: 1,
    ...rest,
    tags: { ...tags },
    params: { ...params },
    ...(metrics.length === 0 ? {} : { metricKeys: [...keys], metricData: data, metricAbout: about as Value }),
  };
}

function fromItem(item: Item): LoggedModel {
  if (item.type !== "LOGGED-MODEL" || item.v !== 1)
    throw new AppError("Internal", `record \`${item.pk}\` is no logged model of version 1`);
  const about = (item.metricAbout ?? []) as { runId: string; datasetName?: string; datasetDigest?: string }[];
  const points =
    item.metricData instanceof Uint8Array
      ? decodePoints({ keys: item.metricKeys as string[], data: item.metricData })
      : [];
  return {
    workspace: String(item.workspace),
    modelId: String(item.modelId),
    rev: Number(item.rev),
    experimentId: String(item.experimentId),
    name: String(item.name),
    createdMs: Number(item.createdMs),
    updatedMs: Number(item.updatedMs),
    artifactUri: String(item.artifactUri),
    status: item.status as LoggedModelStatus,
    creator: String(item.creator),
    modelType: String(item.modelType),
    sourceRunId: String(item.sourceRunId),
    deleted: item.deleted === true,
    tags: item.tags as Record<string, string>,
    params: item.params as Record<string, string>,
    metrics: points.map((point, i): LoggedModelMetric => ({ ...point, ...(about[i] ?? { runId: "" }) })),
  };
}
