import type { JobRecord } from "../jobs/record.ts";
import type { Run, RunStore } from "../tracking/ports.ts";
import type { SweepPlan } from "./plan.ts";

type Runs = Pick<RunStore, "change" | "history">;

/** As Azure names them, so that its tools find the best trial of a sweep. */
const BEST_TRIAL = "azureml.best_child_run_id";
const BEST_SCORE = "azureml.score";

/** The best value of the primary metric that a run logged; undefined where it logged none that is a number. */
export function metricOf({ metrics }: Pick<Run, "metrics">, { metric, goal }: SweepPlan): number | undefined {
  const summary = metrics.get(metric);
  const best = goal === "maximize" ? summary?.max : summary?.min;
  return Number.isFinite(best) ? best : undefined;
}

/** Values of the primary metric, in order. */
export async function valuesOf(
  runs: Runs,
  workspace: string,
  run: string,
  { metric }: SweepPlan,
): Promise<readonly number[]> {
  return [...(await runs.history(workspace, run, metric)).values];
}

/**
 * Puts a trial's parameters on its run, but for those that its script has logged itself: what is logged can't be changed, so they are
 * not put there before the script may log them in its own spelling.
 */
export async function keepParameters(runs: Runs, trial: JobRecord, names: readonly string[]): Promise<void> {
  const values = names.flatMap((name) => {
    const value = trial.inputs[name]?.value;
    return value === undefined ? [] : [[name, value] as const];
  });
  await runs.change(trial.workspace, trial.name, ({ params }) => {
    const missing = values.filter(([name]) => !params.has(name));
    return missing.length === 0 ? undefined : { params: new Map(missing) };
  });
}

/** Puts a trial's metric on the sweep's run, where it is the best so far: the run's history shows how the search went on. */
export async function keepBest(runs: Runs, trial: JobRecord, plan: SweepPlan, value: number): Promise<void> {
  const { workspace, name, parent, endedMs = trial.createdMs } = trial;
  if (parent === undefined) return;
  await runs.change(workspace, parent, ({ metrics }) => {
    const known = metrics.get(plan.metric);
    const isBetter = known === undefined || (plan.goal === "maximize" ? value > known.max : value < known.min);
    if (!isBetter) return undefined;
    const tags = new Map([
      [BEST_TRIAL, name],
      [BEST_SCORE, String(value)],
    ]);
    return { tags, points: [{ key: plan.metric, value, timestamp: endedMs, step: known?.count ?? 0 }] };
  });
}
