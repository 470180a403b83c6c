import { isAppError } from "../../contract/errors.ts";
import { eachOf } from "../each-of.ts";
import { imports } from "../routes.ts";
import { copyFiles } from "./files.ts";
import { type Json, listOf, type Mlflow, numberOf, pairsOf, recordOf, textOf } from "./rest.ts";
import { copyRun, type Ends, type Pair } from "./runs.ts";

const AT_ONCE = 4;

/** Copies experiments by name: made where there is none, with their logged models and runs. */
export async function copyExperiments(ends: Ends): Promise<void> {
  const search = (server: Mlflow) =>
    server.pages("POST", "/experiments/search", "experiments", { view_type: "ALL", max_results: 1000 });
  const there = new Map<string, Json>();
  for await (const experiment of search(ends.to)) there.set(textOf(experiment.name), experiment);
  for await (const source of search(ends.from)) {
    const name = textOf(source.name);
    ends.tally.found("experiments");
    try {
      await copyExperiment(ends, source, there.get(name));
    } catch (error) {
      ends.tally.problem(`experiment \`${name}\``, error);
    }
  }
}

async function copyExperiment(ends: Ends, source: Json, known: Json | undefined): Promise<void> {
  const { from, to, tally } = ends;
  const fromId = textOf(source.experiment_id);
  const deleted = textOf(source.lifecycle_stage) === "deleted";
  let isDeleted = textOf(known?.lifecycle_stage) === "deleted";
  const tags = pairsOf(source.tags);
  let toId = textOf(known?.experiment_id);
  if (known === undefined) {
    const made = await to.send("POST", "/experiments/create", {
      name: source.name,
      tags: Array.from(tags, ([key, value]) => ({ key, value })),
    });
    toId = textOf(made.experiment_id);
    tally.copied("experiments");
  }
  const wake = async () => {
    if (!isDeleted) return;
    isDeleted = false;
    await to.send("POST", "/experiments/restore", { experiment_id: toId });
  };
  if (isDeleted && !deleted) await wake();
  const standing = known === undefined ? tags : pairsOf(known.tags);
  for (const [key, value] of tags) {
    if (standing.get(key) === value) continue;
    await wake();
    await to.send("POST", "/experiments/set-experiment-tag", { experiment_id: toId, key, value });
  }
  const models = await loggedModels(from, fromId);
  const modelPoints = Map.groupBy(
    models.flatMap((model) => listOf(recordOf(model.data).metrics)),
    (metric) => textOf(metric.run_id),
  );
  const pair: Pair = { toId, deleted, modelPoints, wake };
  await eachOf(models, AT_ONCE, (model) => copyLoggedModel(ends, pair, model));
  const runs = from.pages("POST", "/runs/search", "runs", {
    experiment_ids: [fromId],
    run_view_type: "ALL",
    max_results: 200,
    order_by: ["attributes.start_time ASC"],
  });
  await eachOf(runs, AT_ONCE, (run) => copyRun(ends, pair, run));
  if (deleted && !isDeleted) await to.send("POST", "/experiments/delete", { experiment_id: toId });
  const after = recordOf((await to.get("/experiments/get", { experiment_id: toId })).experiment);
  const same = textOf(after.lifecycle_stage) === textOf(source.lifecycle_stage);
  const now = pairsOf(after.tags);
  if (same && [...tags].every(([key, value]) => now.get(key) === value)) tally.equal("experiments");
  else tally.differs(`experiment \`${textOf(source.name)}\``, "still differs from the source in its tags or state");
}

/** Servers before MLflow 3 have none. */
async function loggedModels(server: Mlflow, experimentId: string): Promise<Json[]> {
  const models: Json[] = [];
  try {
    const pages = server.pages("POST", "/logged-models/search", "models", {
      experiment_ids: [experimentId],
      max_results: 50,
    });
    for await (const model of pages) models.push(model);
  } catch (error) {
    if (!(isAppError(error) && ["NotFound", "MethodNotAllowed", "NotSupported"].includes(error.code))) throw error;
  }
  return models;
}

async function copyLoggedModel(ends: Ends, pair: Pair, source: Json): Promise<void> {
  const { from, to, tally } = ends;
  const info = recordOf(source.info);
  const id = textOf(info.model_id);
  const tags = pairsOf(info.tags);
  tally.found("logged_models");
  try {
    const place = `/logged-models/${encodeURIComponent(id)}`;
    let target = await to.find(place, {});
    if (target === undefined) {
      await pair.wake();
      const made = await ends.client.call(imports.loggedModel, {
        params: { workspace: ends.workspace, model: id },
        body: {
          experiment_id: pair.toId,
          name: textOf(info.name),
          model_type: textOf(info.model_type) || undefined,
          source_run_id: textOf(info.source_run_id) || undefined,
          creation_time: numberOf(info.creation_timestamp_ms),
          params: Object.fromEntries(pairsOf(recordOf(source.data).params)),
          tags: Object.fromEntries(tags),
        },
      });
      if (made.made) tally.copied("logged_models");
      target = await to.get(place);
    }
    const standing = recordOf(recordOf(target.model).info);
    await copyFiles(
      { server: from, kind: "model", id, uri: textOf(info.artifact_uri) },
      { server: to, kind: "model", id, uri: textOf(standing.artifact_uri) },
      tally,
    );
    const there = pairsOf(standing.tags);
    const missing = [...tags]
      .filter(([key, value]) => there.get(key) !== value)
      .map(([key, value]) => ({ key, value }));
    if (missing.length > 0) await to.send("PATCH", `${place}/tags`, { tags: missing });
    const status = statusOf(info.status);
    if (status !== statusOf(standing.status) && status !== "LOGGED_MODEL_PENDING")
      await to.send("PATCH", place, { model_id: id, status });
    const after = recordOf(recordOf((await to.get(place)).model).info);
    const now = pairsOf(after.tags);
    if (statusOf(after.status) === status && [...tags].every(([key, value]) => now.get(key) === value))
      tally.equal("logged_models");
    else tally.differs(`logged model \`${id}\``, "still differs from the source in its tags or status");
  } catch (error) {
    tally.problem(`logged model \`${id}\``, error);
  }
}

/** A name, or the number some servers answer. */
function statusOf(status: unknown): string {
  const names = ["", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"];
  return typeof status === "number" ? (names[status] ?? "") : textOf(status);
}
