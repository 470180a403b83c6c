import { describe, expect, test } from "vitest";
import type { NumberParameter, SearchSpace } from "../../../../src/contract/sweeps.ts";
import { shareBelow } from "../../../../src/core/sweeps/distributions.ts";
import { drawPoint } from "../../../../src/core/sweeps/draw.ts";
import { SOBOL_DIMENSIONS, sobolAt } from "../../../../src/core/sweeps/sobol.ts";
import { parametersOf, slotsOf } from "../../../../src/core/sweeps/space.ts";
import { distance, excess, LIKELY, normalShare } from "./statistics.ts";

const DRAWS = 4000;

function draws(parameter: NumberParameter, logBase?: number, rule: "random" | "sobol" = "random"): number[] {
  const slots = slotsOf({ x: parameter });
  const sampling = { rule, seed: 20, ...(logBase === undefined ? {} : { logBase }) };
  return Array.from({ length: DRAWS }, (_, index) => drawPoint(slots, sampling, index)[0] ?? Number.NaN);
}

const even = (low: number, high: number) => (value: number) => (value - low) / (high - low);
const bell = (mu: number, sigma: number) => (value: number) => normalShare((value - mu) / sigma);

describe.each(["random", "sobol"] as const)("draws by rule `%s`", (rule) => {
  test("are uniform between the bounds", () => {
    const seen = draws({ type: "uniform", min_value: -2, max_value: 6 }, undefined, rule);
    expect(distance(seen, even(-2, 6))).toBeLessThan(LIKELY);
  });

  test("have a uniform logarithm, whose bounds are exponents", () => {
    const seen = draws({ type: "loguniform", min_value: -6, max_value: -1 }, undefined, rule);
    expect(Math.min(...seen)).toBeGreaterThan(Math.exp(-6));
    expect(Math.max(...seen)).toBeLessThan(Math.exp(-1));
    expect(distance(seen.map(Math.log), even(-6, -1))).toBeLessThan(LIKELY);
  });

  test("are powers of the base given", () => {
    const seen = draws({ type: "loguniform", min_value: -4, max_value: -1 }, 10, rule);
    expect(distance(seen.map(Math.log10), even(-4, -1))).toBeLessThan(LIKELY);
  });

  test("are normal", () => {
    const seen = draws({ type: "normal", mu: 10, sigma: 3 }, undefined, rule);
    expect(distance(seen, bell(10, 3))).toBeLessThan(LIKELY);
  });

  test("have a normal logarithm", () => {
    const seen = draws({ type: "lognormal", mu: 1, sigma: 0.5 }, undefined, rule);
    expect(distance(seen.map(Math.log), bell(1, 0.5))).toBeLessThan(LIKELY);
  });

  test("are whole numbers below `upper`, equally often", () => {
    const seen = draws({ type: "randint", upper: 7 }, undefined, rule);
    const counts = Array.from({ length: 7 }, (_, value) => seen.filter((one) => one === value).length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(DRAWS);
    expect(excess(counts, Array(7).fill(1 / 7))).toBeLessThan(4);
  });

  // round(x / q) * q: a value stands for all that is nearer to it than to others, the first and last for half of that.
  test.each<[NumberParameter, (value: number) => number]>([
    [{ type: "quniform", min_value: 1, max_value: 10, q: 2 }, even(1, 10)],
    [{ type: "quniform", min_value: 0, max_value: 1, q: 0.1 }, even(0, 1)],
    [{ type: "qloguniform", min_value: 0, max_value: 4, q: 5 }, (value) => Math.log(Math.max(1, value)) / 4],
    [{ type: "qnormal", mu: 20, sigma: 6, q: 3 }, bell(20, 6)],
    [{ type: "qlognormal", mu: 2, sigma: 0.7, q: 4 }, (value) => (value <= 0 ? 0 : bell(2, 0.7)(Math.log(value)))],
  ])("are rounded to steps of q: %j", (parameter, below) => {
    const { q } = parameter as { q: number };
    const seen = draws(parameter, undefined, rule);
    const steps = seen.map((value) => Math.round(value / q));
    expect(seen).toEqual(steps.map((step) => Number((step * q).toPrecision(12)) || 0));
    const lowest = Math.min(...steps);
    const shareTo = (edge: number) => Math.min(1, Math.max(0, below(edge * q)));
    const shares = Array.from(
      { length: Math.max(...steps) - lowest + 1 },
      (_, i) => shareTo(lowest + i + 0.5) - shareTo(lowest + i - 0.5),
    );
    const counts = shares.map((_, i) => steps.filter((step) => step === lowest + i).length);
    expect(excess(counts, shares)).toBeLessThan(4);
  });
});

describe("random draws", () => {
  const space: SearchSpace = {
    lr: { type: "loguniform", min_value: -6, max_value: -1 },
    units: { type: "quniform", min_value: 16, max_value: 128, q: 16 },
    dropout: { type: "quniform", min_value: 0, max_value: 1, q: 0.1 },
  };
  const at = (seed: number, index: number) => drawPoint(slotsOf(space), { rule: "random", seed }, index);

  test("belong to seed and index, whatever was drawn before", () => {
    expect(at(7, 900)).toEqual(at(7, 900));
    expect(at(7, 900)).not.toEqual(at(7, 901));
    expect(at(7, 900)).not.toEqual(at(8, 900));
    expect(at(2 ** 40 + 7, 900)).not.toEqual(at(7, 900));
  });

  test("of neighbouring indexes and parameters have nothing to do with each other", () => {
    const pairs = Array.from({ length: DRAWS }, (_, i) => [at(3, i), at(3, i + 1)] as const);
    const lr = pairs.map(([point]) => Math.log(point[0] ?? 1));
    const later = pairs.map(([, point]) => Math.log(point[0] ?? 1));
    const units = pairs.map(([point]) => point[1] ?? 0);
    expect(Math.abs(correlation(lr, later)) * Math.sqrt(DRAWS)).toBeLessThan(3.3);
    expect(Math.abs(correlation(lr, units)) * Math.sqrt(DRAWS)).toBeLessThan(3.3);
  });

  test("go into the command as the shortest text, whole numbers without a point", () => {
    const texts = Array.from({ length: 200 }, (_, i) => parametersOf(space, at(1, i)));
    for (const { lr, units, dropout } of texts) {
      expect(String(Number(lr))).toBe(lr);
      expect(units).toMatch(/^\d+$/);
      expect(dropout).toMatch(/^(?:0|1|0\.\d)$/);
    }
  });
});

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = mean(a.map((value, i) => (value - meanA) * ((b[i] ?? 0) - meanB)));
  return (
    product / Math.sqrt(mean(a.map((value) => (value - meanA) ** 2)) * mean(b.map((value) => (value - meanB) ** 2)))
  );
}

describe("the Sobol sequence", () => {
  test("fills every 2^k-th part of each dimension once in 2^k points", () => {
    for (let dimension = 0; dimension < SOBOL_DIMENSIONS; dimension++) {
      const parts = new Set(Array.from({ length: 256 }, (_, index) => Math.floor(sobolAt(5, index, dimension) * 256)));
      expect(parts.size).toBe(256);
    }
  });

  test("fills every square of two dimensions once", () => {
    const squares = Array.from(
      { length: 256 },
      (_, index) => Math.floor(sobolAt(5, index, 0) * 16) * 16 + Math.floor(sobolAt(5, index, 1) * 16),
    );
    expect(new Set(squares).size).toBe(256);
  });

  test("is another for another seed", () => {
    expect(sobolAt(5, 3, 1)).not.toBe(sobolAt(6, 3, 1));
  });
});

test.each<NumberParameter>([
  { type: "uniform", min_value: -2, max_value: 6 },
  { type: "loguniform", min_value: -6, max_value: -1 },
  { type: "normal", mu: 1, sigma: 2 },
  { type: "lognormal", mu: 1, sigma: 2 },
])("the share below a value is undone by drawing at it: %j", (parameter) => {
  const shares = draws(parameter).map((value) => shareBelow(parameter, value));
  expect(distance(shares, even(0, 1))).toBeLessThan(LIKELY);
});
