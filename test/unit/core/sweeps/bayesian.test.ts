import { describe, expect, test } from "vitest";
import type { SearchSpace } from "../../../../src/contract/sweeps.ts";
import { fitShape } from "../../../../src/core/sweeps/bayesian/fit.ts";
import { Process } from "../../../../src/core/sweeps/bayesian/process.ts";
import { suggestPoint, type Tried } from "../../../../src/core/sweeps/bayesian/suggest.ts";
import { drawPoint } from "../../../../src/core/sweeps/draw.ts";
import { type Point, slotsOf } from "../../../../src/core/sweeps/space.ts";

/** Trials one after another, each seeing all before it. */
function search(space: SearchSpace, seed: number, trials: number, lossOf: (point: Point) => number): Tried[] {
  const slots = slotsOf(space);
  const tried: Tried[] = [];
  for (let index = 0; index < trials; index++) {
    const point = suggestPoint(slots, seed, index, tried);
    tried.push({ point, value: lossOf(point) });
  }
  return tried;
}

function best(tried: readonly Tried[]): number {
  return Math.min(...tried.flatMap(({ value }) => (value === undefined ? [] : [value])));
}

const at = (point: Point, slot: number) => point[slot] ?? Number.NaN;

test("finds Branin's minimum in 25 trials", () => {
  const space: SearchSpace = {
    x: { type: "uniform", min_value: -5, max_value: 10 },
    y: { type: "uniform", min_value: 0, max_value: 15 },
  };
  const branin = (point: Point) => {
    const [x, y] = [at(point, 0), at(point, 1)];
    const bowl = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
    return bowl ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
  };
  expect(best(search(space, 1, 25, branin))).toBeLessThan(0.3979 + 0.05);
});

describe("a space of all kinds of parameters", () => {
  const space: SearchSpace = {
    model: {
      type: "choice",
      values: [
        { name: "svm", C: { type: "loguniform", min_value: -7, max_value: 7 } },
        { name: "forest", trees: { type: "quniform", min_value: 10, max_value: 300, q: 10 } },
        "none",
      ],
    },
    scale: { type: "choice", values: ["0", "1"] },
    noise: { type: "normal", mu: 0, sigma: 2 },
  };
  // Best: svm with C = e, scaled, noise = 1.
  const loss = ([model, C, trees, scale, noise]: Point) => {
    const ofModel =
      model === 0 ? (Math.log(C ?? 1) - 1) ** 2 / 10 : model === 1 ? 1 + ((trees ?? 0) - 100) ** 2 / 1e4 : 3;
    return ofModel + (scale === 1 ? 0 : 0.5) + ((noise ?? 0) - 1) ** 2 / 10;
  };
  const tried = search(space, 2, 40, loss);

  test("is searched better than at random", () => {
    const slots = slotsOf(space);
    const random = Array.from({ length: 400 }, (_, i) => ({
      point: [],
      value: loss(drawPoint(slots, { rule: "random", seed: 2 }, i)),
    }));
    expect(best(tried)).toBeLessThan(best(random));
    expect(best(tried)).toBeLessThan(0.05);
  });

  test("draws what each option holds, in steps of q", () => {
    for (const { point } of tried) {
      const [model, C, trees] = point;
      expect([C !== undefined, trees !== undefined]).toEqual([model === 0, model === 1]);
      if (trees !== undefined) expect(trees % 10).toBe(0);
    }
  });
});

test("repeats no trial before a finite space is used up", () => {
  const space: SearchSpace = {
    a: { type: "choice", values: ["1", "2", "3", "4"] },
    b: { type: "randint", upper: 5 },
  };
  const tried = search(space, 3, 20, (point) => at(point, 0) + at(point, 1));
  const later = tried.slice(8).map(({ point }) => point.join());
  expect(new Set(later).size).toBe(later.length);
  expect(best(tried)).toBe(0);
});

test("trials under way are kept clear of", () => {
  const space: SearchSpace = { x: { type: "uniform", min_value: 0, max_value: 1 } };
  const slots = slotsOf(space);
  const tried = search(space, 4, 10, (point) => (at(point, 0) - 0.4) ** 2);
  const first = suggestPoint(slots, 4, 10, tried);
  const together = [first];
  for (let index = 11; index < 14; index++) {
    const pending = together.map((point) => ({ point }));
    together.push(suggestPoint(slots, 4, index, [...tried, ...pending]));
  }
  const places = together.map((point) => at(point, 0)).sort((a, b) => a - b);
  for (const [i, place] of places.slice(1).entries()) expect(place - (places[i] ?? 0)).toBeGreaterThan(1e-4);
});

test("a failed trial counts as the worst, so that its place is left", () => {
  const space: SearchSpace = { x: { type: "uniform", min_value: 0, max_value: 1 } };
  const slots = slotsOf(space);
  const tried: Tried[] = [];
  for (let index = 0; index < 25; index++) {
    const point = suggestPoint(slots, 5, index, tried);
    const x = at(point, 0);
    // The slope leads into a half where nothing runs.
    tried.push(x > 0.5 ? { point, failed: true } : { point, value: -x });
  }
  const failed = tried.slice(8).filter(({ failed }) => failed).length;
  expect(failed).toBeLessThan(9);
  expect(best(tried)).toBeLessThan(-0.45);
});

test("belongs to the seed and to what was seen", () => {
  const space: SearchSpace = { x: { type: "uniform", min_value: 0, max_value: 1 } };
  const slots = slotsOf(space);
  const tried = search(space, 6, 12, (point) => Math.sin(9 * at(point, 0)));
  expect(suggestPoint(slots, 6, 12, tried)).toEqual(suggestPoint(slots, 6, 12, tried));
  expect(suggestPoint(slots, 7, 12, tried)).not.toEqual(suggestPoint(slots, 6, 12, tried));
});

test("values that are all the same, or one that is out of all measure, stop nothing", () => {
  const space: SearchSpace = { x: { type: "uniform", min_value: 0, max_value: 1 } };
  for (const lossOf of [() => 1, (point: Point) => (at(point, 0) < 0.1 ? 1e300 : at(point, 0))]) {
    for (const { point } of search(space, 8, 14, lossOf)) expect(at(point, 0)).toBeLessThan(1);
  }
});

describe("a Gaussian process", () => {
  const places = Array.from({ length: 12 }, (_, i) => Float64Array.of(i / 11, ((i * 7) % 12) / 11));
  const smooth = (place: Float64Array) => Math.sin(4 * (place[0] ?? 0));
  const seen = { places, values: Float64Array.from(places, smooth), choices: [false, false] };

  test("finds which dimension matters", () => {
    const { lengths } = fitShape(seen);
    expect((lengths[1] ?? 0) / (lengths[0] ?? 1)).toBeGreaterThan(3);
  });

  test("goes through what it has seen, and is sure there alone", () => {
    const process = new Process(seen, fitShape(seen));
    for (const place of places) {
      const { mean, deviation } = process.at(place);
      expect(mean).toBeCloseTo(smooth(place), 1);
      expect(deviation).toBeLessThan(0.1);
    }
    expect(process.at(Float64Array.of(3, 0)).deviation).toBeGreaterThan(0.3);
  });
});
