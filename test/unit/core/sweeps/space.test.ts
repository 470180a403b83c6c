import { describe, expect, test } from "vitest";
import type { SearchSpace } from "../../../../src/contract/sweeps.ts";
import { drawPoint } from "../../../../src/core/sweeps/draw.ts";
import { gridPoint, gridSize } from "../../../../src/core/sweeps/grid.ts";
import { parametersOf, slotsOf } from "../../../../src/core/sweeps/space.ts";

const NESTED: SearchSpace = {
  seed: { type: "choice", values: ["1", "0.10"] },
  model: {
    type: "choice",
    values: [
      { name: "svm", kernel: { type: "choice", values: ["rbf", "linear"] } },
      { name: "forest", trees: { type: "choice", values: ["10", "20", "30"] } },
      "none",
    ],
  },
};

describe("a grid", () => {
  test("is every combination once, the last parameter changing fastest", () => {
    const space: SearchSpace = {
      a: { type: "choice", values: ["x", "y"] },
      b: { type: "choice", values: ["1", "1e-3", "true"] },
    };
    expect(gridSize(space)).toBe(6);
    expect(Array.from({ length: 6 }, (_, i) => parametersOf(space, gridPoint(space, i)))).toEqual([
      { a: "x", b: "1" },
      { a: "x", b: "1e-3" },
      { a: "x", b: "true" },
      { a: "y", b: "1" },
      { a: "y", b: "1e-3" },
      { a: "y", b: "true" },
    ]);
  });

  test("of nested choices has what each option holds, and no more", () => {
    expect(gridSize(NESTED)).toBe(12);
    const all = Array.from({ length: 12 }, (_, i) => parametersOf(NESTED, gridPoint(NESTED, i)));
    expect(all[1]).toEqual({
      seed: "1",
      model: '{"name":"svm","kernel":"linear"}',
      "model.name": "svm",
      "model.kernel": "linear",
    });
    expect(all[4]).toMatchObject({ model: '{"name":"forest","trees":30}', "model.trees": "30" });
    expect(all[11]).toEqual({ seed: "0.10", model: "none" });
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(12);
  });
});

describe("nested choices drawn at random", () => {
  const space: SearchSpace = {
    model: {
      type: "choice",
      values: [
        { kind: "a", lr: { type: "uniform", min_value: 0, max_value: 1 } },
        { kind: "b", depth: { type: "randint", upper: 5 }, lr: { type: "uniform", min_value: 10, max_value: 11 } },
      ],
    },
    last: { type: "randint", upper: 3 },
  };
  const texts = Array.from({ length: 300 }, (_, i) =>
    parametersOf(space, drawPoint(slotsOf(space), { rule: "random", seed: 4 }, i)),
  );

  test("have the members of the option that was taken", () => {
    for (const text of texts) {
      const names = Object.keys(text).sort().join();
      expect(names).toBe(
        text["model.kind"] === "a" ? "last,model,model.kind,model.lr" : "last,model,model.depth,model.kind,model.lr",
      );
      expect(Number(text["model.lr"]) >= 10).toBe(text["model.kind"] === "b");
    }
  });

  test("take each option as often", () => {
    const first = texts.filter((text) => text["model.kind"] === "a").length;
    expect(Math.abs(first - 150)).toBeLessThan(30);
  });

  test("are JSON with numbers as numbers", () => {
    const { model = "", "model.lr": lr } = texts[0] ?? {};
    expect(JSON.parse(model)).toMatchObject({ lr: Number(lr) });
  });
});
