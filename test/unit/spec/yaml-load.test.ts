import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/spec/diagnostics.ts";
import { child, placeAt, toPlain } from "../../../src/spec/nodes.ts";
import { memoryReader } from "../../../src/spec/paths.ts";
import { loadYamlFile, MAX_FILE_BYTES, parseYaml } from "../../../src/spec/yaml-load.ts";

function parse(text: string) {
  const findings = new Findings();
  const root = parseYaml("f.yml", text, findings);
  return { root, data: root && toPlain(root), errors: findings.errors };
}

describe("scalars, as Azure's loader reads them", () => {
  it.each([
    ["off", false],
    ["yes", true],
    ["1e-3", "1e-3"],
    ["1.0e-3", 0.001],
    ["010", 8],
    ["0x1F", 31],
    ["1_000", 1000],
    ["12:30", "12:30"],
    ["2024-01-31", "2024-01-31"],
    ["~", null],
    ['"3"', "3"],
    ["-.inf", Number.NEGATIVE_INFINITY],
    ["notable", "notable"],
  ])("reads %s", (written, value) => {
    expect(parse(`a: ${written}\n`).data).toEqual({ a: value });
  });

  it("keeps the text of a number as written", () => {
    const node = child(parse("a: 0.10\n").root, "a");

    expect(node).toMatchObject({ kind: "float", text: "0.10", value: 0.1 });
  });
});

describe("places", () => {
  it("counts lines and columns from 1", () => {
    const node = child(child(parse("a:\n  b: value\n").root, "a"), "b");

    expect(node && placeAt(node.src, node.start)).toEqual({ file: "f.yml", line: 2, column: 6 });
  });

  it("keeps line numbers when a quoted text is indented less than its key", () => {
    const { root, errors } = parse('jobs:\n  a:\n    text: "one\\n\\\n    two\\n\\\n    three"\n  b: last\n');

    const last = child(child(root, "jobs"), "b");
    expect(errors).toEqual([]);
    expect(last && placeAt(last.src, last.start).line).toBe(6);
    expect(toPlain(child(child(child(root, "jobs"), "a"), "text") ?? fail())).toBe("one\ntwo\nthree");
  });
});

function fail(): never {
  throw new Error("absent");
}

describe("anchors", () => {
  it("merges maps, the nearest key first", () => {
    const { data } = parse("base: &b {x: 1, y: 2}\nmade:\n  <<: *b\n  y: 3\n");

    expect(data).toMatchObject({ made: { x: 1, y: 3 } });
  });

  it("refuses an alias bomb with one error", () => {
    const lines = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [here, before] of ["ba", "cb", "dc", "ed", "fe"].map((pair) => [pair[0], pair[1]])) {
      lines.push(`${here}: &${here} [${Array(9).fill(`*${before}`).join(",")}]`);
    }
    const { root, errors } = parse(lines.join("\n"));

    expect(root).toBeUndefined();
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain("unfold to more than");
  });

  it("refuses an alias that contains itself", () => {
    expect(parse("x: &a [*a]\n").errors[0]?.message).toContain("contains itself");
  });
});

describe("files that are no spec", () => {
  it.each([
    ["a tab", "a:\n\tb: 1\n", 2, "a tab is used for indentation"],
    ["two documents", "a: 1\n---\nb: 2\n", 2, "more than one YAML document"],
    ["a template token", "a: {{REGISTRY}}/x\n", 1, "`{{REGISTRY}}` is a template token"],
    ["a token as value", "a: 1\nb: {{NAME}}\n", 2, "`{{NAME}}` is a template token"],
    ["a key given twice", "a: 1\nb: 2\na: 3\n", 3, "key `a` is given twice, first in line 1"],
    ["an open bracket", "a: [1,\n", 1, "YAML syntax"],
    ["a colon in plain text", "command: echo: hi\n", 1, "YAML syntax"],
    ["binary junk", "a: \u0001\n", 1, "U+0001"],
    ["nothing", "# only a comment\n", 1, "the file is empty"],
    ["deep nesting", "[".repeat(5000), 1, "nested deeper"],
  ])("says what is wrong with %s", (_, text, line, message) => {
    const { root, errors } = parse(text);

    expect(root).toBeUndefined();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ file: "f.yml", line });
    expect(errors[0]?.message).toContain(message);
  });

  it("refuses a huge file before it is parsed", () => {
    const findings = new Findings();
    const reader = { ...memoryReader({ "f.yml": "a: 1" }), sizeBytes: () => MAX_FILE_BYTES + 1 };

    expect(loadYamlFile(reader, "f.yml", findings)).toBeUndefined();
    expect(findings.errors[0]?.message).toContain("too large");
  });

  it("tells a missing file from a folder", () => {
    const findings = new Findings();
    const reader = memoryReader({ "folder/x.yml": "a: 1" });

    loadYamlFile(reader, "nope.yml", findings);
    loadYamlFile(reader, "folder", findings);

    expect(findings.errors.map((error) => error.message)).toEqual([
      "file not found: `nope.yml`",
      "`folder` is a folder, not a file",
    ]);
  });
});
