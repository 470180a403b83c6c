import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bindingsOf, renderCommand, renderKnown, tokenize, wholeBinding } from "../../../src/contract/expressions.ts";

describe("tokenize", () => {
  it("gives every token its offset", () => {
    expect(tokenize("a ${{ inputs.x }} $[[--y ${{inputs.y}}]] b")).toEqual([
      { kind: "text", raw: "a ", start: 0 },
      { kind: "binding", raw: "${{ inputs.x }}", path: ["inputs", "x"], start: 2 },
      { kind: "text", raw: " ", start: 17 },
      {
        kind: "group",
        raw: "$[[--y ${{inputs.y}}]]",
        start: 18,
        tokens: [
          { kind: "text", raw: "--y ", start: 21 },
          { kind: "binding", raw: "${{inputs.y}}", path: ["inputs", "y"], start: 25 },
        ],
      },
      { kind: "text", raw: " b", start: 40 },
    ]);
  });

  it.each(["${{inputs.x", "${{}}", "${{inputs.x + 1}}", "${{inputs['x']}}"])("marks %s as broken", (text) => {
    expect(tokenize(text)[0]?.kind).toBe("broken");
  });

  it("leaves shell text alone", () => {
    expect(tokenize("echo $HOME ${X} $[1+2] {{y}}").every((token) => token.kind === "text")).toBe(true);
  });

  it("reads a long text of nothing but openings", () => {
    const tokens = tokenize("${{".repeat(40_000) + "$[[".repeat(40_000));

    expect(tokens.map((token) => token.kind)).toEqual(["broken"]);
  });

  it("loses no character of any text", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("${{", "}}", "$[[", "]]", "]", "a.b", " ", "$"), { maxLength: 12 }),
        (parts) => {
          const text = parts.join("");

          expect(
            tokenize(text)
              .map((token) => token.raw)
              .join(""),
          ).toBe(text);
        },
      ),
    );
  });
});

describe("renderCommand", () => {
  const values = {
    inputs: { lr: "1e-3", opt: undefined, "g.x": "in group" },
    outputs: { model: "/out/m" },
    searchSpace: { c: "0.5" },
  };

  it("substitutes plain text", () => {
    const command = "train --lr ${{inputs.lr}} --c ${{search_space.c}} -o ${{outputs.model}}/m ${{inputs.g.x}}";

    expect(renderCommand(command, values)).toBe("train --lr 1e-3 --c 0.5 -o /out/m/m in group");
  });

  it("drops a group whose input is not given and keeps the others", () => {
    expect(renderCommand("t $[[--o ${{inputs.opt}}]] $[[--lr ${{inputs.lr}}]]", values)).toBe("t  --lr 1e-3");
  });

  it("keeps a group without any binding", () => {
    expect(renderCommand("t $[[--flag]]", values)).toBe("t --flag");
  });

  it("refuses an input that is not given outside a group", () => {
    expect(() => renderCommand("t ${{inputs.opt}}", values)).toThrow("`${{inputs.opt}}` has no value");
  });

  it("refuses a name that does not exist", () => {
    expect(() => renderCommand("t ${{inputs.lrr}}", values)).toThrow("`${{inputs.lrr}}` is not defined");
  });

  it("does not take names of Object.prototype for inputs", () => {
    expect(() => renderCommand("${{inputs.constructor}}", values)).toThrow("is not defined");
  });

  it("does not expand what a value contains", () => {
    expect(renderCommand("${{inputs.a}}", { inputs: { a: "${{inputs.b}}", b: "x" } })).toBe("${{inputs.b}}");
  });
});

describe("renderKnown", () => {
  it("leaves names it has no value for", () => {
    const text = "azureml://datastores/${{default_datastore}}/paths/${{name}}/${{inputs.day}}";

    expect(renderKnown(text, { inputs: { day: "mon" }, names: { name: "job1" } })).toBe(
      "azureml://datastores/${{default_datastore}}/paths/job1/mon",
    );
  });
});

describe("wholeBinding and bindingsOf", () => {
  it("tells a binding from a text with a binding in it", () => {
    expect(wholeBinding(" ${{parent.inputs.x}} ")?.path).toEqual(["parent", "inputs", "x"]);
    expect(wholeBinding("a ${{parent.inputs.x}}")).toBeUndefined();
    expect(wholeBinding("${{a.b}}${{c.d}}")).toBeUndefined();
  });

  it("finds those in groups too", () => {
    expect(bindingsOf("${{inputs.a}} $[[${{inputs.b}}]]").map((token) => token.path[1])).toEqual(["a", "b"]);
  });
});
