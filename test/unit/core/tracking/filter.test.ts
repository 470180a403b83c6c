import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../../src/contract/errors.ts";
import { artifactPath } from "../../../../src/core/tracking/artifact-paths.ts";
import { parseFilter, parseOrderBy } from "../../../../src/core/tracking/filter.ts";
import {
  EXPERIMENTS,
  LOGGED_MODELS,
  MODEL_VERSIONS,
  REGISTERED_MODELS,
  RUNS,
} from "../../../../src/core/tracking/grammars.ts";
import { compareSort, firstInOrder, likeMatcher, textMatcher } from "../../../../src/core/tracking/match.ts";
import { normalized } from "../../../../src/core/tracking/names.ts";
import { decodeToken, encodeToken } from "../../../../src/core/tracking/paging.ts";

describe("filters", () => {
  it("are read with every kind of quote, operator and entity", () => {
    expect(parseFilter("metrics.`a b` >= -1.5e-3 AnD params.\"x/y\" != 'it'", RUNS)).toEqual([
      { entity: "metric", key: "a b", op: ">=", value: -0.0015 },
      { entity: "parameter", key: "x/y", op: "!=", value: "it" },
    ]);
    expect(parseFilter("run_id NOT IN ('a', \"b\") AND tags.x IS NOT NULL", RUNS)).toEqual([
      { entity: "attribute", key: "run_id", op: "NOT IN", value: ["a", "b"] },
      { entity: "tag", key: "x", op: "IS NOT NULL" },
    ]);
    expect(parseFilter("name = 'andy AND bob'", EXPERIMENTS)).toEqual([
      { entity: "attribute", key: "name", op: "=", value: "andy AND bob" },
    ]);
    expect(parseFilter("metrics.a.b.c > 1", RUNS)).toEqual([{ entity: "metric", key: "a.b.c", op: ">", value: 1 }]);
  });

  it("have lists as Python writes them", () => {
    const list = (text: string) => parseFilter(`run_id IN ${text}`, RUNS)[0]?.value;

    expect(list("('a',)")).toEqual(["a"]);
    expect(list("('it\\'s', \"x''y\", 'x''y', 'a\\%', 'back\\\\')")).toEqual(["it's", "x''y", "xy", "a\\%", "back\\"]);
    expect(() => list("('a', 1)")).toThrow("got '1' at position 16");
  });

  it.each([
    ["metrics.a <> 1 AND nope.a = 'x' AND (", "'(' at position 36; expected a name"],
    ["params.a > 'x' AND nope.a = 'x'", "Invalid entity type 'nope'"],
    ["params.a > 1", "Expected a quoted string value for parameter"],
    ["params.a <> 'x'", "Invalid comparator '<>' not one of '=', '!=', 'LIKE', 'ILIKE', 'IS NULL'"],
    ["params.a NOT LIKE 'x'", "Invalid comparator 'NOT LIKE' not one of '='"],
  ])("are refused for syntax first, then for names and values, then for operators: %s", (text, message) => {
    expect(() => parseFilter(text, RUNS)).toThrow(message);
  });

  it("name the attributes that they take", () => {
    expect(() => parseFilter("creation_timestamp > 1", REGISTERED_MODELS)).toThrow(
      "Invalid attribute key 'creation_timestamp' specified. Valid keys are '{'name'}'",
    );
    expect(() => parseFilter("attributes.name = 'x'", MODEL_VERSIONS)).toThrow(
      "Invalid entity type 'attributes'. Valid entity types are ('attribute', 'tag', 'tags')",
    );
  });

  it("whatever they are, are read or refused, never worse", () => {
    const pieces = fc.constantFrom(
      "metrics",
      "params.",
      ".",
      "`a b`",
      "'x'",
      '"y"',
      "=",
      "!=",
      "LIKE",
      "IN",
      "(",
      ")",
      ",",
      "AND",
      "OR",
      "NOT",
      "IS",
      "NULL",
      "1",
      "-2.5",
      "run_id",
      "name",
      ";",
      "'",
      "`",
      "\u0000",
      "é",
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(" ")),
    );
    fc.assert(
      fc.property(
        texts,
        fc.constantFrom(RUNS, EXPERIMENTS, REGISTERED_MODELS, MODEL_VERSIONS, LOGGED_MODELS),
        (text, grammar) => {
          for (const read of [() => parseFilter(text, grammar), () => parseOrderBy([text], grammar)]) {
            try {
              read();
            } catch (error) {
              if (!(isAppError(error) && error.code === "InvalidArgument")) throw error;
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("never find an inherited property for a name", () => {
    for (const word of ["constructor", "__proto__", "toString"]) {
      expect(() => parseFilter(`${word} = 'x'`, RUNS)).toThrow(/Invalid attribute key/);
      expect(() => parseFilter(`${word}.x = 'x'`, RUNS)).toThrow(/Invalid entity type/);
    }
  });
});

describe("LIKE", () => {
  it("means what the same pattern means as an expression", () => {
    const alphabet = fc.constantFrom("a", "b", "%", "_", ".", "*", "A");
    const words = fc.array(alphabet, { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(words, words, (text, pattern) => {
        const expression = pattern
          .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
          .replaceAll("%", "[^]*")
          .replaceAll("_", "[^]");
        expect(likeMatcher(pattern, false)(text)).toBe(new RegExp(`^${expression}$`, "u").test(text));
        expect(likeMatcher(pattern, true)(text)).toBe(new RegExp(`^${expression}$`, "iu").test(text));
      }),
    );
  });

  it("is quick for patterns made to be slow", () => {
    const matches = likeMatcher(`${"%a".repeat(2000)}b`, false);

    expect(matches("a".repeat(4000))).toBe(false);
  });

  it("fits no text that is not there", () => {
    expect(textMatcher({ entity: "tag", key: "k", op: "!=", value: "x" })(undefined)).toBe(false);
    expect(textMatcher({ entity: "tag", key: "k", op: "LIKE", value: "%" })(undefined)).toBe(false);
    expect(textMatcher({ entity: "tag", key: "k", op: "IS NULL" })(undefined)).toBe(true);
  });
});

describe("order", () => {
  const values = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(null), fc.constant("NaN"));

  it("puts numbers first, then NaN, then what is missing, in both directions", () => {
    const sorted = (descending: boolean) => ["NaN", 1, null, -1, 5].sort((a, b) => compareSort(a, b, descending));

    expect(sorted(false)).toEqual([-1, 1, 5, "NaN", null]);
    expect(sorted(true)).toEqual([5, 1, -1, "NaN", null]);
  });

  it("the first few by heap are the first few by sorting", () => {
    fc.assert(
      fc.property(
        fc.array(values, { maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        (list, limit, descending) => {
          const compare = (a: number, b: number): number =>
            compareSort(list[a] ?? null, list[b] ?? null, descending) || a - b;
          const all = Array.from(list.keys()).sort(compare);
          const count = Math.min(limit, list.length);

          expect([...firstInOrder(Uint32Array.from(list.keys()), count, compare)]).toEqual(all.slice(0, count));
        },
      ),
    );
  });
});

describe("page tokens", () => {
  it("carry any values of their own query, and no other's", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.constant(null))),
        (scope, after) => {
          expect(decodeToken(scope, encodeToken(scope, after))).toEqual(after);
          expect(() => decodeToken(`${scope}!`, encodeToken(scope, after))).toThrow(/Invalid page token/);
        },
      ),
    );
  });

  it.each(["", "x", "!!!", btoa("{}"), btoa("[1,[2]]")])("that are junk are refused: %j", (token) => {
    expect(() => decodeToken("s", token)).toThrow(/Invalid page token/);
  });
});

describe("artifact paths", () => {
  it("that pass have clean segments, and stay inside however often they are decoded", () => {
    const pieces = fc.constantFrom(
      "..",
      ".",
      "/",
      "\\",
      "%2e",
      "%2E",
      "%252e",
      "%2f",
      "%5c",
      "a",
      "b c",
      "#",
      "%",
      "ü",
      ":",
      "\u0000",
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join("")),
        (path) => {
          let clean: string;
          try {
            clean = artifactPath(path);
          } catch (error) {
            expect(isAppError(error) && error.code).toBe("InvalidPath");
            return;
          }
          for (let text = clean, round = 0; round < 20; round++) {
            expect(text.split("/").every((segment) => segment !== ".." && segment !== ".")).toBe(true);
            expect(["\\", "#", "\u0000"].some((character) => text.includes(character))).toBe(false);
            expect(clean === "" || normalized(clean) === clean).toBe(true);
            try {
              text = decodeURIComponent(text);
            } catch {
              break;
            }
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
