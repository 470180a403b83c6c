import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ChildOrder, CompositeEvent, Effect } from "../../../../src/core/coordinator/machine.ts";
import { sweepMachine } from "../../../../src/core/sweeps/machine.ts";
import type { SweepPlan } from "../../../../src/core/sweeps/plan.ts";
import type { SweepState } from "../../../../src/core/sweeps/state.ts";

const PLAN: SweepPlan = {
  space: { x: { type: "uniform", min_value: 0, max_value: 1 } },
  sampling: { type: "random", rule: "random", seed: 1 },
  goal: "minimize",
  metric: "loss",
  trials: 6,
  together: 2,
};

/** A sweep that is told events one after another, its state through JSON each time. */
class Told {
  state: SweepState;
  effects: readonly Effect[] = [];
  private readonly plan: SweepPlan;

  constructor(change: Partial<SweepPlan> = {}) {
    this.plan = { ...PLAN, ...change };
    this.state = sweepMachine.start(this.plan);
    this.tell({ kind: "begin", atMs: 0 });
  }

  tell(event: CompositeEvent): this {
    const next = sweepMachine.step(this.plan, this.state, event);
    this.state = JSON.parse(JSON.stringify(next.state));
    this.effects = next.effects;
    return this;
  }

  ends(child: number, metric?: number, status: "Completed" | "Failed" | "Canceled" = "Completed"): this {
    const measured = metric === undefined ? {} : { metric };
    return this.tell({ kind: "ended", child: String(child), status, atMs: 1, ...measured });
  }

  get ordered(): readonly ChildOrder[] {
    return this.effects.flatMap((effect) => (effect.kind === "submit" ? effect.children : []));
  }

  get canceled(): readonly string[] {
    return this.effects.flatMap((effect) => (effect.kind === "cancel" ? [effect.child] : []));
  }

  get finish() {
    return this.effects.find((effect) => effect.kind === "finish");
  }

  complete(order: ChildOrder): ChildOrder | undefined {
    return sweepMachine.complete?.(this.plan, this.state, order);
  }

  get open(): readonly ChildOrder[] {
    return sweepMachine.open(this.plan, this.state);
  }
}

test("keeps as many trials open as may be, then ends with the best", () => {
  const sweep = new Told();
  expect(sweep.ordered.map(({ child }) => child)).toEqual(["0", "1"]);
  expect(sweep.ordered[0]).toMatchObject({ node: "trial", parameters: { x: expect.stringMatching(/^0\.\d+$/) } });
  for (const [trial, metric] of [0.5, 0.4, 0.9, 0.2].entries()) {
    sweep.ends(trial, metric);
    expect(sweep.ordered.map(({ child }) => child)).toEqual([String(trial + 2)]);
  }
  sweep.ends(5, 0.3);
  expect(sweep.effects).toEqual([]);
  sweep.ends(4, 0.8);
  expect(sweep.finish).toEqual({
    kind: "finish",
    status: "Completed",
    reason: "trial 3 is the best: `loss` 0.2, of 6 trials",
  });
  expect(sweep.state.best).toBe(3);
  expect(sweepMachine.isOver(sweep.state)).toBe(true);
});

test("what it knows changes nothing, and late words neither", () => {
  const sweep = new Told();
  sweep.ends(0, 0.5);
  const before = sweep.state;
  for (const child of ["0", "17", "x", "-1"]) {
    sweep.tell({ kind: "ended", child, status: "Failed", atMs: 2 });
    sweep.tell({ kind: "begin", atMs: 3 });
    expect(sweep.effects).toEqual([]);
    expect(sweep.state).toEqual(before);
  }
});

test("orders again what it ordered before, with the same parameters", () => {
  const sweep = new Told({ sampling: { type: "bayesian", seed: 3 }, trials: 12, together: 3 });
  const ordered = new Map(sweep.ordered.map((order) => [order.child, order]));
  for (let trial = 0; trial < 9; trial++) {
    sweep.ends(trial, trial);
    for (const order of sweep.ordered) ordered.set(order.child, order);
  }
  expect(sweep.open.map(({ child }) => child)).toEqual(["9", "10", "11"]);
  for (const order of sweep.open) {
    expect(order).toEqual(ordered.get(order.child));
    expect(sweep.complete({ child: order.child, node: order.node })).toEqual(order);
  }
});

test("a grid ends where it ends", () => {
  const grid: SweepPlan["space"] = { a: { type: "choice", values: ["1", "2"] }, b: { type: "choice", values: ["x"] } };
  const sweep = new Told({ space: grid, sampling: { type: "grid" }, together: 10 });
  expect(sweep.ordered.map(({ parameters }) => parameters)).toEqual([
    { a: "1", b: "x" },
    { a: "2", b: "x" },
  ]);
  sweep.ends(0, 1).ends(1, 1);
  expect(sweep.state.best).toBe(0);
});

test("more is better where the goal says so", () => {
  const sweep = new Told({ goal: "maximize", trials: 3, together: 3 });
  sweep.ends(2, 5).ends(0, 7).ends(1, 6);
  expect(sweep.state.best).toBe(0);
});

describe("failures", () => {
  test("of some trials are counted, and the best of the others is the best", () => {
    const sweep = new Told({ trials: 4, together: 4 });
    sweep.ends(0, undefined, "Failed").ends(1, 0.3).ends(2).ends(3, 0.1, "Canceled");
    expect(sweep.finish).toMatchObject({
      status: "Completed",
      reason: "trial 1 is the best: `loss` 0.3, of 4 trials, 1 failed, 1 completed without `loss`, 1 canceled",
    });
  });

  test("of the first three trials end the sweep", () => {
    const sweep = new Told({ together: 4 });
    sweep.tell({ kind: "ended", child: "1", status: "Failed", reason: "exit code 2", atMs: 1 });
    sweep.ends(0, undefined, "Failed").ends(2, undefined, "Failed");
    expect(sweep.canceled).toEqual(["3", "4", "5"]);
    sweep.ends(3, 0.5).ends(4, undefined, "Canceled").ends(5, undefined, "Canceled");
    expect(sweep.finish).toMatchObject({ status: "Failed", reason: "the first 3 trials failed: exit code 2" });
  });

  test("after a trial that completed do not", () => {
    const sweep = new Told();
    sweep.ends(0, 0.5);
    for (const trial of [1, 2, 3, 4]) sweep.ends(trial, undefined, "Failed");
    expect(sweep.canceled).toEqual([]);
    expect(sweep.ends(5, 0.6).finish).toMatchObject({ status: "Completed" });
  });

  test("to log the metric leave the sweep without a best trial: it fails and says so", () => {
    const sweep = new Told({ trials: 2 });
    sweep.ends(0).ends(1, Number.NaN);
    expect(sweep.finish).toMatchObject({ status: "Failed", reason: expect.stringContaining("no trial logged") });
  });

  test("to be submitted count as failures", () => {
    const sweep = new Told({ trials: 1 });
    sweep.tell({ kind: "refused", child: "0", reason: "no compute `gpu`", atMs: 1 });
    expect(sweep.finish).toMatchObject({ status: "Failed", reason: "no trial completed: no compute `gpu`" });
  });
});

describe("a cancel", () => {
  const cancel = { kind: "cancel", by: "ann", reason: "canceled", atMs: 5 } as const;

  test("cancels what is open, begins nothing, and ends when all have", () => {
    const sweep = new Told().tell(cancel);
    expect(sweep.canceled).toEqual(["0", "1"]);
    expect(sweep.tell(cancel).effects).toEqual([]);
    sweep.ends(0, 0.5);
    expect(sweep.effects).toEqual([]);
    expect(sweep.ends(1, undefined, "Canceled").finish).toMatchObject({
      status: "Canceled",
      reason: "canceled (by ann)",
    });
  });

  test("before the begin ends it at once", () => {
    const { state, effects } = sweepMachine.step(PLAN, sweepMachine.start(PLAN), cancel);
    expect(effects.map(({ kind }) => kind)).toEqual(["finish"]);
    expect(sweepMachine.isOver(state)).toBe(true);
  });
});

describe("early termination", () => {
  const stopper = { type: "bandit", slack_amount: 0.1 } as const;

  test("looks at open trials and stops the poor ones", () => {
    const sweep = new Told({ stopper });
    expect(sweep.effects).toContainEqual({ kind: "look", atMs: 2000 });
    sweep.tell({ kind: "looked", metrics: { 0: [0.2], 1: [0.9] }, atMs: 2100 });
    expect(sweep.canceled).toEqual(["1"]);
    expect(sweep.effects).toContainEqual({ kind: "look", atMs: 4100 });
    sweep.ends(1, 0.9, "Canceled");
    expect(sweep.state.marks).toBe("opo");
    expect(sweep.state.best).toBeUndefined();
  });

  test("an old look, or one at trials that have ended, changes nothing", () => {
    const sweep = new Told({ stopper });
    sweep.tell({ kind: "looked", metrics: { 0: [0.2] }, atMs: 2100 });
    const before = sweep.state;
    expect(sweep.tell({ kind: "looked", metrics: { 0: [0.2], 1: [9] }, atMs: 2100 }).state).toEqual(before);
    sweep.tell({ kind: "looked", metrics: { 7: [9] }, atMs: 4200 });
    expect(sweep.canceled).toEqual([]);
  });

  test("compares with trials that have ended, by all they logged", () => {
    const sweep = new Told({ stopper });
    sweep.tell({ kind: "ended", child: "0", status: "Completed", metric: 0.1, metrics: [0.4, 0.1], atMs: 1 });
    sweep.tell({ kind: "looked", metrics: { 1: [0.45] }, atMs: 2100 });
    expect(sweep.canceled).toEqual([]);
    sweep.tell({ kind: "looked", metrics: { 1: [0.45, 0.4] }, atMs: 5000 });
    expect(sweep.canceled).toEqual(["1"]);
  });

  test("a trial that completed all the same counts as completed", () => {
    const sweep = new Told({ stopper, trials: 2 });
    sweep.tell({ kind: "looked", metrics: { 0: [0.2], 1: [0.9] }, atMs: 2100 });
    sweep.ends(1, 0.05).ends(0, 0.2);
    expect(sweep.state.best).toBe(1);
  });
});

describe("the timeout of a sweep", () => {
  test("cancels what is open, and the best so far is the best", () => {
    const sweep = new Told({ timeoutSec: 60 });
    expect(sweep.effects).toContainEqual({ kind: "look", atMs: 60_000 });
    sweep.ends(0, 0.5);
    sweep.tell({ kind: "looked", metrics: {}, atMs: 60_001 });
    expect(sweep.canceled).toEqual(["1", "2"]);
    sweep.ends(1, undefined, "Canceled").ends(2, undefined, "Canceled");
    expect(sweep.finish).toMatchObject({ status: "Completed", reason: expect.stringContaining("timeout of 60 s") });
  });

  test("of weeks is looked at by the hour, and no look is early", () => {
    const sweep = new Told({ timeoutSec: 5_184_000 });
    expect(sweep.effects).toContainEqual({ kind: "look", atMs: 3_600_000 });
    expect(sweepMachine.nextLook?.(sweep.state)).toBe(3_600_000);
    sweep.tell({ kind: "looked", metrics: {}, atMs: 3_600_000 });
    expect(sweep.canceled).toEqual([]);
    expect(sweep.effects).toEqual([{ kind: "look", atMs: 7_200_000 }]);
  });

  test("before any trial completed cancels the sweep", () => {
    const sweep = new Told({ timeoutSec: 60 });
    sweep.tell({ kind: "looked", metrics: {}, atMs: 60_001 });
    sweep.ends(1, undefined, "Canceled").ends(0, undefined, "Canceled");
    expect(sweep.finish).toMatchObject({ status: "Canceled" });
  });
});

describe("a large sweep", () => {
  const kept = (state: SweepState) => deflateRawSync(JSON.stringify(state)).byteLength;

  test("of 10,000 trials at once, with a policy, keeps under 400 KB", () => {
    const plan: SweepPlan = { ...PLAN, trials: 10_000, together: 10_000, stopper: { type: "median_stopping" } };
    let state = sweepMachine.step(plan, sweepMachine.start(plan), { kind: "begin", atMs: 0 }).state;
    expect(sweepMachine.open(plan, state)).toHaveLength(10_000);
    for (let trial = 0; trial < 10_000; trial++) {
      const metrics = Array.from({ length: 20 }, (_, step) => 1 / (1 + step) + Math.sin(trial * 12.9898) * 0.37);
      const event = { kind: "ended", child: String(trial), status: "Completed", atMs: 1 } as const;
      state = sweepMachine.step(plan, state, { ...event, metric: Math.min(...metrics), metrics }).state;
    }
    expect(sweepMachine.isOver(state)).toBe(true);
    expect(kept(state)).toBeLessThan(400_000);
  });

  test("by Bayes keeps the points of its trials, under 400 KB too", () => {
    const space = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`p${i}`, { type: "uniform", min_value: 0, max_value: 1 } as const]),
    );
    const plan: SweepPlan = { ...PLAN, space, sampling: { type: "bayesian", seed: 1 }, trials: 1000, together: 1000 };
    const { state } = sweepMachine.step(plan, sweepMachine.start(plan), { kind: "begin", atMs: 0 });
    expect(state.points).toHaveLength(1000);
    expect(kept(state)).toBeLessThan(400_000);
  });
});
