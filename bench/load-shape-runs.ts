import type { Metric, Pair, Post } from "./mlflow-calls.ts";

/** The public load shape for trackers. */
export const SHAPE = { experiments: 50, runs: 300, metrics: 150, steps: 20, params: 50, tags: 20 } as const;
export const RUNS = SHAPE.experiments * SHAPE.runs;
export const POINTS_A_RUN = SHAPE.metrics * SHAPE.steps;

const BATCH = 1000;
const BASE_MS = 1_700_000_000_000;

/** Sends one call; its answer. */
export type Send = (call: Post, body: unknown) => Promise<string>;

/** Logs one run as a client does: made with its tags, points step by step in as few batches as the API takes, ended. */
export async function logRun(
  send: Send,
  experiment: string,
  number: number,
  steps: number = SHAPE.steps,
): Promise<string> {
  const made = await send("createRun", { experiment_id: experiment, start_time: BASE_MS, tags: tagsOf(number) });
  const run_id = (JSON.parse(made) as { run: { info: { run_id: string } } }).run.info.run_id;
  const params = paramsOf(number);
  const points = pointsOf(number, steps);
  // A batch takes a thousand things; the first brings the params.
  let from = BATCH - params.length;
  await send("logBatch", { run_id, params, metrics: points.slice(0, from) });
  for (; from < points.length; from += BATCH) {
    await send("logBatch", { run_id, metrics: points.slice(from, from + BATCH) });
  }
  await send("updateRun", { run_id, status: "FINISHED", end_time: BASE_MS + steps * 1000 });
  return run_id;
}

export function tagsOf(number: number): Pair[] {
  return Array.from({ length: SHAPE.tags }, (_, t) => ({ key: `tag-${t}`, value: `value-${(number + t) % 7}` }));
}

/** Four in five take few values, as settings do; the others differ in each run. */
export function paramsOf(number: number): Pair[] {
  return Array.from({ length: SHAPE.params }, (_, p) => ({
    key: `param-${p}`,
    value: p % 5 === 0 ? String(noise(number, p)) : String((number * 7 + p) % 20),
  }));
}

/** Curves that fall, with noise: doubles of full length, which pack worst. */
export function pointsOf(number: number, steps: number): Metric[] {
  const points: Metric[] = [];
  for (let step = 0; step < steps; step++) {
    for (let m = 0; m < SHAPE.metrics; m++) {
      const value = 1 / (step + 1) + noise(number * 1000 + step, m) / 10;
      points.push({ key: `metric-${m}`, value, step, timestamp: BASE_MS + step * 1000 });
    }
  }
  return points;
}

function noise(a: number, b: number): number {
  const mixed = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b);
  return (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
}
