import { expect, test } from "vitest";
import { fitsPattern } from "../../../../src/core/schedules/name-pattern.ts";

test.each([
  ["*.csv", "a.csv", true],
  ["*.csv", "in/a.csv", false],
  ["**/*.csv", "a.csv", true],
  ["**/*.csv", "in/deep/a.csv", true],
  ["in/**", "in/deep/a", true],
  ["train-?", "train-1", true],
  ["train-?", "train-12", false],
  ["a.b", "axb", false],
  ["job.*", "job.failed", true],
  ["*", "job.failed", true],
  ["(a|b)+", "a", false],
  ["é*", "éa\n", true],
  ["a*", "a/b", false],
  ["**/", "a/b/", true],
  ["", "", true],
  ["*a".repeat(200), `${"a".repeat(300)}b`, false],
  ["*a".repeat(200), "a".repeat(300), true],
])("`%s` and `%s`: %s", (pattern, name, fits) => {
  expect(fitsPattern(pattern, name)).toBe(fits);
});

test("any name fits no pattern", () => {
  expect(fitsPattern(undefined, "x")).toBe(true);
});
