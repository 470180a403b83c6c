import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pick, without } from "../../../../src/core/endpoints/traffic.ts";

describe("pick", () => {
  it("gives every deployment its share of the points", () => {
    const shares = fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(shares, (list) => {
        const traffic = Object.fromEntries(list.map((share, i) => [`d${i}`, share]));
        const sum = list.reduce((a, b) => a + b, 0);
        const points = 1000;
        const counts: Record<string, number> = {};
        for (let i = 0; i < points; i++) {
          const name = pick(traffic, i / points) ?? "nobody";
          counts[name] = (counts[name] ?? 0) + 1;
        }
        if (sum === 0) {
          expect(counts).toEqual({ nobody: points });
          return;
        }
        for (const [name, share] of Object.entries(traffic)) {
          expect(Math.abs((counts[name] ?? 0) - (points * share) / sum)).toBeLessThanOrEqual(list.length);
        }
      }),
    );
  });

  it("never picks a deployment without a share", () => {
    expect(pick({ a: 0, b: 100 }, 0)).toBe("b");
    expect(pick({ a: 100, b: 0 }, 0.999999)).toBe("a");
    expect(pick({}, 0.5)).toBeUndefined();
  });
});

describe("without", () => {
  it("leaves the others as they are", () => {
    expect(without({ a: 1, b: 2 }, "a")).toEqual({ b: 2 });
  });
});
