import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanPath, comparePaths, joinUri } from "../../../../src/core/files/paths.ts";

const text = fc.string({ unit: "grapheme" });

describe("comparePaths", () => {
  it("orders as the bytes of UTF-8 do", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    expect(comparePaths("\uFFEE", "\u{1F600}")).toBeLessThan(0);
  });
});

describe("cleanPath", () => {
  it.each([
    ["", ""],
    ["/", ""],
    ["a", "a"],
    ["/a//b/", "a/b"],
    ["./a/./b", "a/b"],
    ["...", "..."],
    ["a/..b/c", "a/..b/c"],
  ])("makes %j into %j", (given, clean) => {
    expect(cleanPath(given)).toBe(clean);
  });

  it.each(["..", "a/..", "../a", "a/../b", "a\0", "\ud800"])("refuses %j", (path) => {
    expect(() => cleanPath(path)).toThrow(expect.objectContaining({ code: "InvalidPath" }));
  });

  it("is stable, and never leaves what it names", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", ".", "", "b.c", " ", "..x")), (parts) => {
        const clean = cleanPath(parts.join("/"));
        expect(cleanPath(clean)).toBe(clean);
        expect(`/${clean}/`).not.toMatch(/\/\.{0,2}\/./);
      }),
    );
  });
});

describe("joinUri", () => {
  it("puts one slash between, and none where there is nothing to add", () => {
    expect(joinUri("x://a/", "b")).toBe("x://a/b");
    expect(joinUri("x://a", "b")).toBe("x://a/b");
    expect(joinUri("x://a", "")).toBe("x://a");
  });
});
