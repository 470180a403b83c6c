import { AppError } from "../../contract/errors.ts";
import { type Json, listOf, type Mlflow, recordOf, textOf } from "../import-mlflow/rest.ts";

/** What to export; with no names at all, everything. */
export interface Selection {
  /** By name: with their runs and logged models. */
  readonly experiments: readonly string[];
  /** By id. */
  readonly runs: readonly string[];
  /** Registered models by name: with their versions and the runs these came from. */
  readonly models: readonly string[];
  /** Only runs that started then or later; milliseconds since the epoch. */
  readonly since?: number | undefined;
}

const PAGE = 200;

export function isAll({ experiments, runs, models }: Selection): boolean {
  return experiments.length + runs.length + models.length === 0;
}

/** What is read once, before runs. */
export interface Ground {
  readonly experiments: readonly Json[];
  /** Those whose runs are all wanted. */
  readonly wholeExperiments: readonly string[];
  readonly registered: readonly { readonly model: Json; readonly versions: readonly Json[] }[];
  readonly runIds: readonly string[];
}

/** Throws NotFound for a name that the workspace does not have. */
export async function survey(mlflow: Mlflow, selection: Selection): Promise<Ground> {
  const experiments: Json[] = [];
  const search = { view_type: "ALL", max_results: 1000 };
  for await (const experiment of mlflow.pages("POST", "/experiments/search", "experiments", search))
    experiments.push(experiment);
  const byName = new Map(experiments.map((experiment) => [textOf(experiment.name), textOf(experiment.experiment_id)]));
  const wholeExperiments = isAll(selection)
    ? [...byName.values()]
    : selection.experiments.map((name) => byName.get(name) ?? missing("experiment", name));
  const registered: { model: Json; versions: Json[] }[] = [];
  for (const model of await registeredModels(mlflow, selection))
    registered.push({ model, versions: await versionsOf(mlflow, textOf(model.name)) });
  const ofModels = isAll(selection)
    ? []
    : registered.flatMap(({ versions }) => versions.map((it) => textOf(it.run_id)));
  const runIds = [...new Set([...selection.runs, ...ofModels])].filter((id) => id !== "");
  return { experiments, wholeExperiments, registered, runIds };
}

function missing(kind: string, name: string): never {
  throw new AppError("NotFound", `the workspace has no ${kind} \`${name}\``);
}

async function registeredModels(mlflow: Mlflow, selection: Selection): Promise<Json[]> {
  if (isAll(selection)) {
    const models: Json[] = [];
    for await (const found of mlflow.pages("GET", "/registered-models/search", "registered_models", {
      max_results: "100",
    }))
      models.push(await registeredModel(mlflow, textOf(found.name)));
    return models;
  }
  return Promise.all(selection.models.map((name) => registeredModel(mlflow, name)));
}

async function registeredModel(mlflow: Mlflow, name: string): Promise<Json> {
  const found = await mlflow.find("/registered-models/get", { name });
  return recordOf(found?.registered_model ?? missing("registered model", name));
}

export async function versionsOf(mlflow: Mlflow, name: string): Promise<Json[]> {
  const filter = `name=${name.includes("'") ? `"${name}"` : `'${name}'`}`;
  const versions: Json[] = [];
  const pages = mlflow.pages("GET", "/model-versions/search", "model_versions", { filter, max_results: "200" });
  for await (const version of pages) versions.push(version);
  return versions.sort((a, b) => Number(a.version) - Number(b.version));
}

/** Runs in a settled order, each once. */
export async function* selectedRuns(mlflow: Mlflow, selection: Selection, ground: Ground): AsyncGenerator<Json> {
  const { since } = selection;
  const seen = new Set<string>();
  for (const id of ground.wholeExperiments) {
    yield* mlflow.pages("POST", "/runs/search", "runs", {
      experiment_ids: [id],
      run_view_type: "ALL",
      max_results: PAGE,
      order_by: ["attributes.start_time ASC"],
      ...(since === undefined ? {} : { filter: `attributes.start_time >= ${since}` }),
    });
    seen.add(id);
  }
  for (const id of ground.runIds) {
    const found = await mlflow.find("/runs/get", { run_id: id });
    if (found === undefined && !selection.runs.includes(id)) continue;
    const run = recordOf(found?.run ?? missing("run", id));
    const info = recordOf(run.info);
    if (!seen.has(textOf(info.experiment_id)) && Number(info.start_time ?? 0) >= (since ?? 0)) yield run;
  }
}

/** Ids of logged models that a run read or made. */
export function modelsOfRun(run: Json): string[] {
  const lists = [recordOf(run.inputs).model_inputs, recordOf(run.outputs).model_outputs];
  return lists.flatMap(listOf).map((model) => textOf(model.model_id));
}

/** Logged models of whole experiments, and those named. */
export async function* selectedModels(
  mlflow: Mlflow,
  { wholeExperiments, registered }: Ground,
  named: ReadonlySet<string>,
): AsyncGenerator<Json> {
  const seen = new Set<string>();
  for (const id of wholeExperiments) {
    const query = { experiment_ids: [id], max_results: 50 };
    for await (const model of mlflow.pages("POST", "/logged-models/search", "models", query)) {
      seen.add(textOf(recordOf(model.info).model_id));
      yield model;
    }
  }
  const ofVersions = registered.flatMap(({ versions }) => versions.map((version) => textOf(version.model_id)));
  for (const id of new Set([...named, ...ofVersions])) {
    if (id === "" || seen.has(id)) continue;
    const found = await mlflow.find(`/logged-models/${encodeURIComponent(id)}`, {});
    // One that was deleted is named all the same.
    if (found !== undefined) yield recordOf(found.model);
  }
}
