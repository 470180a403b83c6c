import { describe, expect, test } from "vitest";
import type { EarlyTermination } from "../../../../src/contract/sweeps.ts";
import { forget, judge, NO_MEMORY, type Policy, type StopperMemory } from "../../../../src/core/sweeps/stoppers.ts";

function policy(stopper: EarlyTermination, goal: Policy["goal"] = "maximize"): Policy {
  return { stopper, goal, metric: "score" };
}

function stoppedBy(of: Policy, series: Record<string, number[]>, memory: StopperMemory = NO_MEMORY): string[] {
  return judge(of, memory, series).stops.map(({ trial }) => trial);
}

describe("the bandit policy", () => {
  test("stops below best / (1 + slack_factor), where more is better", () => {
    const bandit = policy({ type: "bandit", slack_factor: 0.2 });
    // 0.8 / 1.2 = 0.6667
    expect(stoppedBy(bandit, { a: [0.8], b: [0.66], c: [0.67] })).toEqual(["b"]);
  });

  test("stops above best * (1 + slack_factor), where less is better", () => {
    const bandit = policy({ type: "bandit", slack_factor: 0.2 }, "minimize");
    expect(stoppedBy(bandit, { a: [0.5], b: [0.59], c: [0.61] })).toEqual(["c"]);
  });

  test("never stops the best, nor what is near it, where values are negative", () => {
    const up = policy({ type: "bandit", slack_factor: 0.2 });
    expect(stoppedBy(up, { a: [-1], b: [-1.1], c: [-1.3] })).toEqual(["c"]);
    const down = policy({ type: "bandit", slack_factor: 0.2 }, "minimize");
    expect(stoppedBy(down, { a: [-1], b: [-0.9], c: [-0.8] })).toEqual(["c"]);
  });

  test("takes an amount instead of a ratio", () => {
    const bandit = policy({ type: "bandit", slack_amount: 0.1 });
    expect(stoppedBy(bandit, { a: [0.8], b: [0.71], c: [0.69] })).toEqual(["c"]);
  });

  test("judges by the best value so far, not the latest", () => {
    const bandit = policy({ type: "bandit", slack_amount: 0.1, delay_evaluation: 3 });
    expect(stoppedBy(bandit, { a: [0.1, 0.5, 0.8], b: [0.75, 0.2, 0.1] })).toEqual([]);
  });

  test("compares trials that came as far, however far others are", () => {
    const bandit = policy({ type: "bandit", slack_amount: 0.1, evaluation_interval: 2 });
    const ahead = judge(bandit, NO_MEMORY, { old: [0.1, 0.2, 0.8, 0.9] });
    // At two values the older trial had 0.2 too.
    expect(stoppedBy(bandit, { young: [0.1, 0.15] }, ahead.memory)).toEqual([]);
    expect(stoppedBy(bandit, { young: [0.1, 0.15, 0.2, 0.3] }, ahead.memory)).toEqual(["young"]);
  });

  test("says why", () => {
    const { stops } = judge(policy({ type: "bandit", slack_factor: 0.2 }), NO_MEMORY, { a: [0.8], b: [0.66] });
    expect(stops[0]?.reason).toBe(
      "its best `score` of 1 logged, 0.66, is not within 0.666667, the slack of the best trial's 0.8 (bandit)",
    );
  });
});

describe("median stopping", () => {
  const median = policy({ type: "median_stopping", evaluation_interval: 1, delay_evaluation: 2 });

  test("stops whose best is worse than the median of the running averages", () => {
    // Averages of two values: 0.3, 0.5, 0.75; median 0.5. Best: 0.4, 0.6, 0.8.
    expect(stoppedBy(median, { a: [0.2, 0.4], b: [0.4, 0.6], c: [0.7, 0.8] })).toEqual(["a"]);
  });

  test("counts trials that have ended", () => {
    let memory = NO_MEMORY;
    for (const [trial, values] of Object.entries({ a: [0.7, 0.8], b: [0.7, 0.9] })) {
      memory = forget(median, judge(median, memory, { [trial]: values }).memory, trial, values);
    }
    expect(memory.done).toEqual({});
    // Averages: 0.75, 0.8 and its own 0.45; median 0.75.
    expect(stoppedBy(median, { late: [0.4, 0.5] }, memory)).toEqual(["late"]);
  });

  test("counts what a trial logged between the last look and its end", () => {
    const memory = forget(median, NO_MEMORY, "a", [0.7, 0.8]);
    expect(memory.levels.map(({ values }) => values)).toEqual([[0.75]]);
  });

  // Unlike a pruner that compares with the trials that have completed: the very first ones are compared with each other.
  test("compares running trials before any has completed", () => {
    expect(stoppedBy(median, { a: [0.1, 0.1], b: [0.5, 0.5], c: [0.6, 0.6] })).toEqual(["a"]);
  });

  test("stops nobody where all do the same", () => {
    expect(stoppedBy(median, { a: [0.5, 0.5], b: [0.5, 0.5], c: [0.5, 0.5] })).toEqual([]);
  });
});

describe("truncation selection", () => {
  const truncation = policy({ type: "truncation_selection", truncation_percentage: 40 });

  test("stops the lowest part of the trials at an interval", () => {
    expect(stoppedBy(truncation, { a: [5], b: [4], c: [3], d: [2], e: [1] })).toEqual(["d", "e"]);
  });

  test("stops nobody where the part is less than a trial, or all do the same", () => {
    expect(stoppedBy(truncation, { a: [2], b: [1] })).toEqual([]);
    expect(stoppedBy(truncation, { a: [1], b: [1], c: [1], d: [1], e: [1] })).toEqual([]);
  });

  test("counts trials that have ended, unless told not to", () => {
    const without = policy({ type: "truncation_selection", truncation_percentage: 40, exclude_finished_jobs: true });
    const after = (of: Policy) => ["a", "b", "c"].reduce((memory, trial) => forget(of, memory, trial, [9]), NO_MEMORY);
    const open = { d: [2], e: [1] };
    expect(stoppedBy(truncation, open, after(truncation))).toEqual(["d", "e"]);
    expect(stoppedBy(without, open, after(without))).toEqual([]);
  });
});

describe("intervals", () => {
  const values = (length: number, value: number) => Array<number>(length).fill(value);

  test.each([
    // [evaluation_interval, delay_evaluation, values logged before it is judged first]
    [1, 0, 1],
    [0, 0, 1],
    [2, 0, 2],
    [1, 5, 5],
    [2, 5, 6],
    [3, 3, 3],
  ])("of %i after a delay of %i judge first at %i values", (evaluation_interval, delay_evaluation, first) => {
    const bandit = policy({ type: "bandit", slack_amount: 0, evaluation_interval, delay_evaluation });
    const series = (length: number) => ({ a: values(20, 1), b: values(length, 0) });
    expect(stoppedBy(bandit, series(first - 1))).toEqual([]);
    expect(stoppedBy(bandit, series(first))).toEqual(["b"]);
  });

  test("are judged once each, in however many looks", () => {
    const median = policy({ type: "median_stopping" });
    const series = { a: [0.5, 0.6, 0.7], b: [0.4, 0.65, 0.6] };
    const once = judge(median, NO_MEMORY, series);
    let memory = NO_MEMORY;
    for (const length of [1, 2, 2, 3]) {
      memory = judge(median, memory, { a: series.a.slice(0, length), b: series.b.slice(0, length) }).memory;
    }
    expect(memory).toEqual(once.memory);
  });
});

test("a trial that diverged is the worst, and spoils no memory", () => {
  const median = policy({ type: "median_stopping" }, "minimize");
  const { memory, stops } = judge(median, NO_MEMORY, { a: [1], b: [2], c: [Number.NaN] });
  expect(stops.map(({ trial }) => trial)).toContain("c");
  expect(JSON.parse(JSON.stringify(memory))).toEqual(memory);
});

test("what is remembered of 1,000 trials of 300 values each is a fair sample, and small", () => {
  const median = policy({ type: "median_stopping" });
  let memory = NO_MEMORY;
  for (let trial = 0; trial < 1000; trial++) {
    memory = forget(median, memory, String(trial), Array(300).fill(trial / 1000));
  }
  expect(JSON.stringify(memory).length).toBeLessThan(400_000);
  const [level] = memory.levels;
  const sorted = [...(level?.values ?? [])].sort((a, b) => a - b);
  expect(level?.count).toBe(1000);
  expect(Math.abs((sorted[sorted.length >> 1] ?? 0) - 0.5)).toBeLessThan(0.15);
});
