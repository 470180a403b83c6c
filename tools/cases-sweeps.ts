import type { CaseHome } from "./cases-home.ts";

/** What a `run` case expects of a sweep. */
export interface SweepExpectation {
  readonly status?: string;
  readonly sweep?: {
    readonly trials?: number;
    readonly max_concurrent?: number;
    readonly metric?: string;
    readonly goal?: "minimize" | "maximize";
  };
}

export const SWEEP_KEYS = ["status", "sweep"];

interface Facts {
  readonly status: string;
  readonly status_reason?: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly started_at?: string;
  readonly ended_at?: string;
}

/** What does not match, in words. */
export async function judgeSweep(home: CaseHome, name: string, expected: SweepExpectation): Promise<readonly string[]> {
  const read = async <T>(path: string): Promise<T> =>
    (await (await home.get(`/api/v1/workspaces/default/jobs${path}`)).json()) as T;
  const job = await read<Facts>(`/${name}`);
  const { items } = await read<{ items: { name: string }[] }>(`?parent_job_name=${name}&limit=1000`);
  const trials = await Promise.all(items.map((trial) => read<Facts>(`/${trial.name}`)));
  const wrong: string[] = [];
  if (expected.status !== undefined && job.status !== expected.status) {
    wrong.push(`status is ${job.status} (${job.status_reason})`);
  }
  const { trials: count, max_concurrent: most, metric = "", goal } = expected.sweep ?? {};
  const completed = trials.filter(({ status }) => status === "Completed");
  if (count !== undefined && completed.length !== count)
    wrong.push(`${completed.length} trials completed, not ${count}`);
  const together = Math.max(...trials.map((trial) => trials.filter((other) => overlaps(trial, other)).length));
  if (most !== undefined && together > most) wrong.push(`${together} trials ran at once, more than ${most}`);
  const values = completed.map(({ metrics }) => metrics[metric] ?? Number.NaN);
  const best = goal === "maximize" ? Math.max(...values) : Math.min(...values);
  if (!(job.metrics[metric] === best)) wrong.push(`\`${metric}\` is ${job.metrics[metric]}, and the best of ${values}`);
  return wrong;
}

/** Whether the other one was under way when this one began. */
function overlaps({ started_at: at = "" }: Facts, { started_at: from = "~", ended_at: to = "~" }: Facts): boolean {
  return from <= at && at < to;
}
