import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeMask } from "../../../src/runner/mask.ts";

/** What is shown of a text that comes in these pieces. */
function shown(values: readonly string[], pieces: readonly string[]): string {
  const mask = makeMask(values);
  return [...pieces.map((piece) => mask.take(Buffer.from(piece))), mask.rest()].map(String).join("");
}

describe("a mask", () => {
  test.each([
    ["a value", ["hunter2"], ["password=hunter2\n"], "password=***\n"],
    ["each time", ["hunter2"], ["hunter2hunter2 hunter2"], "****** ***"],
    ["in pieces", ["hunter2"], ["hun", "te", "r2!"], "***!"],
    ["nothing that only begins so", ["hunter2"], ["hunter", "s\n"], "hunters\n"],
    ["the longer of two", ["hunter", "hunter2"], ["hunter2"], "***"],
    ["lines of several", ["begin\nmiddle\nend"], ["middle\nbegi", "n"], "***\n***"],
    ["nothing short", ["abc", ""], ["abc"], "abc"],
    ["text of several bytes", ["pässwörd"], ["a pässw", "örd b"], "a *** b"],
  ])("hides %s", (_, values, pieces, expected) => {
    expect(shown(values, pieces)).toBe(expected);
  });

  test("keeps nothing back that can't be a secret", () => {
    const mask = makeMask(["hunter2"]);

    expect(String(mask.take(Buffer.from("Password: ")))).toBe("Password: ");
    expect(String(mask.take(Buffer.from("hu")))).toBe("");
    expect(String(mask.take(Buffer.from("h")))).toBe("hu");
  });

  test("hides the same, however a text is cut, and nothing else", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 40 });
    const secret = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 4, maxLength: 6 });
    fc.assert(
      fc.property(secret, fc.array(letters, { maxLength: 6 }), (value, pieces) => {
        const text = pieces.join("");
        expect(shown([value], pieces)).toBe(text.replaceAll(value, "***"));
      }),
    );
  });
});
