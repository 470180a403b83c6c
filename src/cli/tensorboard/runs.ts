import { type Json, type Mlflow, recordOf, textOf } from "../../client/import-mlflow/rest.ts";
import { AppError, isAppError } from "../../contract/errors.ts";

/** Runs of an experiment that are shown: TensorBoard reads every one into memory. */
const NEWEST = 200;

/** What a word of the command line stands for. */
export type Target =
  | { readonly kind: "run"; readonly id: string }
  | { readonly kind: "experiment"; readonly id: string };

/** A run's or job's id, an experiment's name, or the name of runs. Throws NotFound. */
export async function targetsOf(mlflow: Mlflow, word: string): Promise<Target[]> {
  const run = await findRun(mlflow, word);
  if (run !== undefined) return [{ kind: "run", id: word }];
  const experiment = await mlflow.find("/experiments/get-by-name", { experiment_name: word });
  if (experiment !== undefined)
    return [{ kind: "experiment", id: textOf(recordOf(experiment.experiment).experiment_id) }];
  const named = await runsNamed(mlflow, word);
  if (named.length === 0)
    throw new AppError("NotFound", `the workspace has no run and no experiment \`${word}\``, {
      hint: "a run's or job's id, a run's name, or an experiment's name; `yard experiment list`",
    });
  return named.map((id) => ({ kind: "run", id }));
}

async function findRun(mlflow: Mlflow, id: string): Promise<Json | undefined> {
  try {
    const found = await mlflow.find("/runs/get", { run_id: id });
    return found === undefined ? undefined : recordOf(found.run);
  } catch (error) {
    // Names of experiments may hold what ids can't.
    if (isAppError(error) && error.code === "InvalidArgument") return undefined;
    throw error;
  }
}

async function runsNamed(mlflow: Mlflow, name: string): Promise<string[]> {
  const experiments: string[] = [];
  const all = mlflow.pages("POST", "/experiments/search", "experiments", { max_results: 1000 });
  for await (const experiment of all) experiments.push(textOf(experiment.experiment_id));
  const filter = `attributes.run_name = ${name.includes("'") ? `"${name}"` : `'${name}'`}`;
  const found = await newest(mlflow, experiments, filter);
  return found.map((run) => textOf(recordOf(run.info).run_id));
}

async function newest(mlflow: Mlflow, experiment_ids: readonly string[], filter?: string): Promise<Json[]> {
  const order_by = ["attributes.start_time DESC"];
  const page = await mlflow.send("POST", "/runs/search", {
    experiment_ids,
    max_results: NEWEST,
    order_by,
    ...(filter === undefined ? {} : { filter }),
  });
  return Array.isArray(page.runs) ? page.runs.map(recordOf) : [];
}

/** The runs as they are now; an experiment's come and go. */
export async function runsOf(mlflow: Mlflow, targets: readonly Target[]): Promise<Json[]> {
  const found = new Map<string, Json>();
  for (const { kind, id } of targets) {
    const runs =
      kind === "experiment"
        ? await newest(mlflow, [id])
        : [recordOf((await mlflow.get("/runs/get", { run_id: id })).run)];
    for (const run of runs) found.set(textOf(recordOf(run.info).run_id), run);
  }
  return [...found.values()];
}
