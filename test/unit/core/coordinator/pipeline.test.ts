import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { CompositeEvent, Effect, EndStatus } from "../../../../src/core/coordinator/machine.ts";
import { planProblems } from "../../../../src/core/coordinator/pipeline/graph.ts";
import { pipelineMachine as machine } from "../../../../src/core/coordinator/pipeline/pipeline.ts";
import type { PipelineNode, PipelinePlan } from "../../../../src/core/coordinator/pipeline/plan.ts";
import type { PipelineState } from "../../../../src/core/coordinator/pipeline/state.ts";

const job = (name: string, ...after: string[]): PipelineNode => ({ kind: "job", name, after });
const planOf = (nodes: readonly PipelineNode[], continueOnStepFailure = true): PipelinePlan => ({
  continueOnStepFailure,
  nodes,
});

type End = Omit<CompositeEvent & { kind: "ended" }, "kind" | "child" | "atMs" | "status"> & { status?: EndStatus };

/** Tells a machine what happens, and hears what it asks for. */
function run(plan: PipelinePlan) {
  let state: PipelineState = machine.start(plan);
  const tell = (event: CompositeEvent): string[] => {
    const result = machine.step(plan, state, event);
    state = result.state;
    return result.effects.flatMap(word);
  };
  return {
    begin: () => tell({ kind: "begin", atMs: 0 }),
    ended: (child: string, { status = "Completed", ...end }: End = {}) =>
      tell({ kind: "ended", child, status, ...end, atMs: 0 }),
    refused: (child: string, reason: string) => tell({ kind: "refused", child, reason, atMs: 0 }),
    cancel: (reason = "enough") => tell({ kind: "cancel", by: "user:a", reason, atMs: 0 }),
    open: () => machine.open(plan, state).map(({ child }) => child),
    get state() {
      return state;
    },
  };
}

function word(effect: Effect): string[] {
  switch (effect.kind) {
    case "submit":
      return effect.children.map(({ child, item }) => (item === undefined ? child : `${child}=${item}`));
    case "cancel":
      return [`cancel ${effect.child}`];
    case "finish":
      return [effect.status, ...(effect.reason === undefined ? [] : [effect.reason])];
    case "look":
      return ["look"];
  }
}

describe("steps", () => {
  test("begin together unless one needs another, and the pipeline completes with the last", () => {
    const pipeline = run(
      planOf([job("join", "left", "right"), job("left", "root"), job("root"), job("right", "root")]),
    );

    expect(pipeline.begin()).toEqual(["root"]);
    expect(pipeline.ended("root")).toEqual(["left", "right"]);
    expect(pipeline.open()).toEqual(["left", "right"]);
    expect(pipeline.ended("right")).toEqual([]);
    expect(pipeline.ended("left")).toEqual(["join"]);
    expect(pipeline.ended("join")).toEqual(["Completed"]);
    expect(machine.isOver(pipeline.state)).toBe(true);
  });

  test("answers the very same state to what it knows already, or what comes too late", () => {
    const pipeline = run(planOf([job("a"), job("b", "a")]));
    pipeline.begin();
    pipeline.ended("a");
    const known = pipeline.state;

    expect([pipeline.begin(), pipeline.ended("a", { status: "Failed" }), pipeline.ended("nobody")].flat()).toEqual([]);
    expect(pipeline.state).toBe(known);
    pipeline.ended("b");
    const over = pipeline.state;
    expect([pipeline.cancel(), pipeline.begin()].flat()).toEqual([]);
    expect(pipeline.state).toBe(over);
  });

  test("a failed step fails the pipeline in the end; what does not depend on it goes on", () => {
    const pipeline = run(
      planOf([job("bad"), job("after", "bad"), job("later", "after"), job("good"), job("end", "good")]),
    );
    pipeline.begin();

    expect(pipeline.ended("bad", { status: "Failed", reason: "exit code 1" })).toEqual([]);
    expect(pipeline.ended("good")).toEqual(["end"]);
    expect(pipeline.ended("end")).toEqual(["Failed", "1 of 5 steps failed (`bad`: exit code 1); 2 were not run"]);
    expect(pipeline.state.marks).toBe("fuucc");
  });

  test("the first failure ends the rest where the pipeline says so", () => {
    const pipeline = run(planOf([job("bad"), job("slow"), job("never", "slow")], false));
    pipeline.begin();

    expect(pipeline.ended("bad", { status: "Failed", reason: "exit code 1" })).toEqual(["cancel slow"]);
    expect(pipeline.ended("slow", { status: "Canceled", reason: "told so" })).toEqual([
      "Failed",
      "1 of 3 steps failed (`bad`: exit code 1); 1 was canceled (`slow`: told so); 1 was not run",
    ]);
  });

  test("a step that is refused, or canceled by somebody, has not completed", () => {
    const pipeline = run(planOf([job("a"), job("b"), job("c", "a", "b")]));
    pipeline.begin();

    expect(pipeline.refused("a", "no compute `x`")).toEqual([]);
    expect(pipeline.ended("b", { status: "Canceled" })).toEqual([
      "Failed",
      "1 of 3 steps failed (`a`: no compute `x`); 1 was canceled (`b`); 1 was not run",
    ]);
  });

  test("a cancel ends what is open and begins nothing", () => {
    const pipeline = run(planOf([job("a"), job("b"), job("c", "a")]));
    pipeline.begin();

    expect(pipeline.cancel()).toEqual(["cancel a", "cancel b"]);
    expect(pipeline.cancel("again")).toEqual([]);
    expect(pipeline.ended("a")).toEqual([]);
    expect(pipeline.ended("b", { status: "Canceled" })).toEqual(["Canceled", "enough"]);
    expect(pipeline.open()).toEqual([]);
  });

  test("a cancel that comes before the beginning is the end", () => {
    const pipeline = run(planOf([job("a")]));

    expect(pipeline.cancel()).toEqual(["Canceled", "enough"]);
    expect(pipeline.begin()).toEqual([]);
  });

  test("a pipeline of nothing completes", () => {
    expect(run(planOf([])).begin()).toEqual(["Completed"]);
  });
});

describe("if/else", () => {
  const nodes: readonly PipelineNode[] = [
    job("ask"),
    {
      kind: "if_else",
      name: "fork",
      after: [],
      condition: { node: "ask", output: "big" },
      trueBlock: ["yes"],
      falseBlock: ["no"],
    },
    job("yes"),
    job("no"),
    job("after_no", "no"),
  ];

  test("runs the block that the output says, and nothing of the other", () => {
    const pipeline = run(planOf(nodes));
    pipeline.begin();

    expect(pipeline.ended("ask", { values: { big: "True\n", other: "long" } })).toEqual(["yes"]);
    expect(pipeline.ended("yes")).toEqual(["Completed"]);
    expect(pipeline.state.marks).toBe("cccbb");
    expect(pipeline.state.values).toEqual({ ask: { big: "True\n" } });
  });

  test("fails where the output is neither true nor false", () => {
    const pipeline = run(planOf(nodes));
    pipeline.begin();

    expect(pipeline.ended("ask", { values: { big: "perhaps" } })).toEqual([
      "Failed",
      "1 of 5 steps failed (`fork`: output `big` of `ask` is `perhaps`; it must be true or false); 3 were not run",
    ]);
  });

  test("what needs a failed step and an untaken branch was not run for the failure, whichever came first", () => {
    const both = planOf([
      { kind: "if_else", name: "fork", after: [], condition: true, trueBlock: [], falseBlock: ["untaken"] },
      job("untaken"),
      job("bad"),
      job("both", "untaken", "bad"),
    ]);
    const pipeline = run(both);

    expect(pipeline.begin()).toEqual(["bad"]);
    pipeline.ended("bad", { status: "Failed" });
    expect(pipeline.state.marks).toBe("cbfu");
  });
});

describe("do-while", () => {
  const nodes: readonly PipelineNode[] = [
    { kind: "do_while", name: "loop", after: [], body: "body", condition: "more", maxIterations: 3 },
    job("body"),
    job("after", "body"),
  ];

  test("goes on while the last iteration says so", () => {
    const pipeline = run(planOf(nodes));

    expect(pipeline.begin()).toEqual(["loop#0"]);
    expect(pipeline.ended("loop#0", { values: { more: "true" } })).toEqual(["loop#1"]);
    expect(pipeline.ended("loop#0", { values: { more: "true" } })).toEqual([]);
    expect(pipeline.open()).toEqual(["loop#1"]);
    expect(pipeline.ended("loop#1", { values: { more: "false" } })).toEqual(["after"]);
    expect(pipeline.ended("after")).toEqual(["Completed"]);
  });

  test("ends with the last iteration that is allowed", () => {
    const pipeline = run(planOf(nodes));
    pipeline.begin();
    pipeline.ended("loop#0", { values: { more: "true" } });
    pipeline.ended("loop#1", { values: { more: "true" } });

    expect(pipeline.ended("loop#2", { values: { more: "true" } })).toEqual(["after"]);
  });

  test("fails with an iteration, and without its word", () => {
    const failing = run(planOf(nodes));
    failing.begin();
    expect(failing.ended("loop#0", { status: "Failed", reason: "exit code 2" }).at(-1)).toContain(
      "`loop`: iteration 0: exit code 2",
    );
    const silent = run(planOf(nodes));
    silent.begin();
    expect(silent.ended("loop#0").at(-1)).toContain("output `more` of `body` was not written");
  });

  test("ends with the iteration in which it was canceled", () => {
    const pipeline = run(planOf(nodes));
    pipeline.begin();

    expect(pipeline.cancel()).toEqual(["cancel loop#0"]);
    expect(pipeline.ended("loop#0", { values: { more: "true" } })).toEqual(["Canceled", "enough"]);
  });
});

describe("parallel-for", () => {
  const over = (
    items: (PipelineNode & { kind: "parallel_for" })["items"],
    maxConcurrency?: number,
  ): readonly PipelineNode[] => [
    job("list"),
    {
      kind: "parallel_for",
      name: "each",
      after: [],
      body: "body",
      items,
      ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    },
    job("body"),
    job("after", "each"),
  ];

  test("runs so many items at once, and ends with the last", () => {
    const pipeline = run(planOf(over(["1", "2", "3"], 2)));

    expect(pipeline.begin()).toEqual(["list", "each#0=1", "each#1=2"]);
    expect(pipeline.ended("each#1")).toEqual(["each#2=3"]);
    expect(pipeline.open()).toEqual(["list", "each#0", "each#2"]);
    expect([pipeline.ended("each#1"), pipeline.ended("each#2"), pipeline.ended("list")].flat()).toEqual([]);
    expect(pipeline.ended("each#0")).toEqual(["after"]);
  });

  test("takes its items from an output: a list, or an object's values", () => {
    for (const text of ['[{"a": 1}, "b"]', '{"x": {"a": 1}, "y": "b"}']) {
      const pipeline = run(planOf(over({ node: "list", output: "items" })));
      pipeline.begin();

      expect(pipeline.ended("list", { values: { items: text } })).toEqual(['each#0={"a":1}', 'each#1="b"']);
      expect(JSON.parse(JSON.stringify(pipeline.state))).toEqual(pipeline.state);
    }
  });

  test("completes at once without items, and fails where there is no list", () => {
    const empty = run(planOf(over({ node: "list", output: "items" })));
    empty.begin();
    expect(empty.ended("list", { values: { items: "[]" } })).toEqual(["after"]);
    const wrong = run(planOf(over({ node: "list", output: "items" })));
    wrong.begin();
    expect(wrong.ended("list", { values: { items: "7" } }).at(-1)).toContain("it must be a JSON list of items");
  });

  test("an item that fails does not end the others", () => {
    const pipeline = run(planOf(over(["1", "2", "3"], 1)));
    pipeline.begin();
    pipeline.ended("list");

    expect(pipeline.ended("each#0", { status: "Failed", reason: "exit code 1" })).toEqual(["each#1=2"]);
    pipeline.ended("each#1");
    expect(pipeline.ended("each#2").at(-1)).toContain("`each`: 2 of 3 items completed; `each#0` failed: exit code 1");
  });

  test("the first item that fails ends the rest where the pipeline says so", () => {
    const pipeline = run(planOf(over(["1", "2", "3"], 2), false));
    pipeline.begin();

    expect(pipeline.ended("each#0", { status: "Failed" })).toEqual(["cancel list", "cancel each#1"]);
    pipeline.ended("each#1", { status: "Canceled" });
    expect(pipeline.ended("list", { status: "Canceled" })[0]).toBe("Failed");
  });

  test("a cancel ends the open items and orders no more", () => {
    const pipeline = run(planOf(over(["1", "2", "3"], 2)));
    pipeline.begin();

    expect(pipeline.cancel()).toEqual(["cancel list", "cancel each#0", "cancel each#1"]);
    pipeline.ended("list");
    expect(pipeline.ended("each#0")).toEqual([]);
    expect(pipeline.ended("each#1", { status: "Canceled" })).toEqual(["Canceled", "enough"]);
  });

  test("is reused where every item was", () => {
    const pipeline = run(planOf(over(["1", "2"])));
    pipeline.begin();
    for (const child of ["list", "each#0", "each#1"]) pipeline.ended(child, { reused: true });

    expect(pipeline.state.marks).toBe("rrro");
  });
});

describe("a plan", () => {
  test("is refused for names that are not there or taken, and for cycles", () => {
    const loop: PipelineNode = {
      kind: "do_while",
      name: "loop",
      after: [],
      body: "b",
      condition: "x",
      maxIterations: 1,
    };

    expect(planProblems(planOf([job("a", "none"), job("a")])).map(({ message }) => message)).toEqual([
      "is there twice",
      "there is no node `none`",
    ]);
    expect(planProblems(planOf([loop, { ...loop, name: "other" }, job("b")]))).toEqual([
      { node: "other", message: "`b` is the body of `loop` already" },
    ]);
    expect(planProblems(planOf([job("start"), job("x", "start", "z"), job("y", "x"), job("z", "y")]))).toEqual([
      { node: "x", message: "waits for itself: `x` -> `y` -> `z` -> `x`" },
    ]);
    expect(planProblems(planOf([loop, job("b", "loop")]))).toEqual([
      { node: "loop", message: "waits for itself: `loop` -> `loop`" },
    ]);
  });

  test("of thousands of nodes or items has a small state", () => {
    const wide = planOf([...Array(1000).keys()].map((i) => job(`step_${i}`, ...(i < 10 ? [] : [`step_${i % 10}`]))));
    const steps = run(wide);
    steps.begin();
    for (let i = 0; i < 1000; i++)
      steps.ended(`step_${i}`, i % 3 === 0 && i >= 10 ? { status: "Failed", reason: `x${i}` } : {});
    expect(steps.state.phase).toBe("over");
    expect(JSON.stringify(steps.state).length).toBeLessThan(20_000);

    const items = JSON.stringify([...Array(10_000).keys()].map((i) => ({ customer: `customer-${i}`, seed: i })));
    const loop = run(
      planOf([
        job("list"),
        { kind: "parallel_for", name: "each", after: [], body: "body", items: { node: "list", output: "all" } },
        job("body"),
      ]),
    );
    loop.begin();
    loop.ended("list", { values: { all: items } });
    for (let i = 0; i < 10_000; i++) loop.ended(`each#${i}`);
    expect(loop.state.phase).toBe("over");
    expect(deflateRawSync(JSON.stringify(loop.state)).length).toBeLessThan(100_000);
  });
});
