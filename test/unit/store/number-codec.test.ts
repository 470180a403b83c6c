import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodePoints } from "../../../src/store/metric-codec.ts";
import { Reader, Writer } from "../../../src/store/number-codec.ts";

const number = fc.oneof(
  fc.double(),
  fc.float(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.integer({ min: -50, max: 50 }).map((n) => n / 100),
  fc.integer().map((n) => n / 1e6),
  fc.constantFrom(
    0,
    -0,
    2 ** 51,
    -(2 ** 51),
    2 ** 51 + 1,
    2 ** 53,
    1e300,
    5e-324,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ),
);
/** Repeats, and steps of one size, as logs have them. */
const column = fc
  .array(fc.tuple(number, fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 1, 150)), { maxLength: 8 })
  .map((runs) =>
    Float64Array.from(runs.flatMap(([start, count, by]) => Array.from({ length: count }, (_, i) => start + i * by))),
  );
const columnOfKind = fc.oneof(
  column,
  fc.array(fc.integer()).map((numbers) => Float64Array.from(numbers)),
  fc.array(fc.float()).map((numbers) => Float64Array.from(numbers)),
);

describe("columns of numbers", () => {
  it("are the same after being written and read, one after the other", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(columnOfKind, fc.boolean()), { maxLength: 4 }), (columns) => {
        const writer = new Writer();
        for (const [each, areValues] of columns) {
          if (areValues) writer.values(each);
          else writer.wholes(each);
        }
        const reader = new Reader(writer.done());
        for (const [each] of columns) {
          const read = reader.column(each.length);
          each.forEach((value, i) => {
            expect(Object.is(read[i], value)).toBe(true);
          });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("are small where they are as training loops make them", () => {
    const batch = (value: (i: number) => number) =>
      encodePoints(
        Array.from({ length: 1000 }, (_, i) => ({
          key: `metric ${i % 150}`,
          value: value(i),
          step: Math.floor(i / 150),
          timestamp: 1_700_000_000_000 + Math.floor(i / 150) * 1013,
        })),
      ).data.length;

    expect(batch((i) => 1 / (i + 1))).toBeLessThan(8500);
    expect(batch((i) => Math.fround(1 / (i + 1)))).toBeLessThan(4500);
    expect(batch((i) => Math.round(1e4 / (i + 1)) / 1e4)).toBeLessThan(2500);
    expect(batch(() => 0)).toBeLessThan(150);
  });
});
