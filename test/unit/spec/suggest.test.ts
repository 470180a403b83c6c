import { describe, expect, it } from "vitest";
import { listed, nearest } from "../../../src/spec/suggest.ts";

describe("nearest", () => {
  it.each([
    ["enviroment_variables", ["environment", "environment_variables"], "environment_variables"],
    ["comand", ["command", "compute"], "command"],
    ["trian", ["train", "trial"], "train"],
    ["instanceCount", ["instance_count", "instance_type"], "instance_count"],
    ["display-name", ["display_name"], "display_name"],
    ["zzz", ["command", "code"], undefined],
    ["x", ["y", "z"], undefined],
  ])("%s", (word, words, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });
});

describe("listed", () => {
  it("cuts long lists", () => {
    expect(listed(["a", "b", "c"], 2)).toBe("`a`, `b` and 1 more");
    expect(listed([])).toBe("none");
  });
});
