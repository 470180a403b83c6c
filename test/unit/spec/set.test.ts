import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/spec/diagnostics.ts";
import { toPlain } from "../../../src/spec/nodes.ts";
import { applyChanges, splitPath } from "../../../src/spec/set.ts";
import { parseYaml } from "../../../src/spec/yaml-load.ts";

function change(text: string, sets: string[], overrides: Record<string, string | number | boolean> = {}) {
  const findings = new Findings();
  const root = parseYaml("f.yml", text, findings);
  if (!root) throw new Error("the sample is not YAML");
  applyChanges(root, sets, overrides, findings);
  return { data: toPlain(root), errors: findings.errors };
}

describe("--set", () => {
  it.each([
    ["limits.timeout=60", { a: 1, limits: { timeout: 60 } }],
    ["a=2.5", { a: 2.5 }],
    ["a=text with = in it", { a: "text with = in it" }],
    ['a="3"', { a: "3" }],
    ["a=true", { a: true }],
    ["a=", { a: null }],
    ["a=[1, x]", { a: [1, "x"] }],
    ["inputs.d={type: uri_file, path: x}", { a: 1, inputs: { d: { type: "uri_file", path: "x" } } }],
    ['tags."a.b"=c', { a: 1, tags: { "a.b": "c" } }],
    ["a.b.c=1", { a: { b: { c: 1 } } }],
  ])("%s", (argument, expected) => {
    expect(change("a: 1\n", [argument])).toEqual({ data: expected, errors: [] });
  });

  it("reaches into lists and appends at their end", () => {
    const { data } = change("l: [{x: 1}, {x: 2}]\n", ["l[1].x=5", "l.2=new"]);

    expect(data).toEqual({ l: [{ x: 1 }, { x: 5 }, "new"] });
  });

  it("says which argument cannot be applied", () => {
    const { errors } = change("l: [1]\n", ["nothing", "l[7]=1", "a=[1"]);

    expect(errors.map((error) => error.file)).toEqual(["--set nothing", "--set l[7]=1", "--set a=[1"]);
  });

  it("takes overrides as they are", () => {
    expect(change("a: 1\n", [], { name: "007" }).data).toEqual({ a: 1, name: "007" });
  });

  it("splits paths", () => {
    expect(splitPath('a.b[0]."c.d".e')).toEqual(["a", "b", "0", "c.d", "e"]);
  });
});
