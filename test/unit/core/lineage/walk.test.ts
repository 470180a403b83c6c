import { describe, expect, it } from "vitest";
import type { Direction, Step, Thing } from "../../../../src/core/lineage/ports.ts";
import { type Near, walk } from "../../../../src/core/lineage/walk.ts";

const thing = (name: string): Thing => ({ kind: "run", name });

/** Edges as `a>b`; an edge with a label as `a>b:label`. */
function nearIn(edges: readonly string[]): { readonly near: Near; readonly asked: string[] } {
  const asked: string[] = [];
  const all = edges.map((edge) => /^(\w+)>(\w+)(?::(\w+))?$/.exec(edge) ?? []);
  return {
    asked,
    async near({ name }, direction) {
      asked.push(`${direction} ${name}`);
      const [mine, other] = direction === "down" ? [1, 2] : [2, 1];
      const steps = all
        .filter((edge) => edge[mine] === name)
        .map((edge): Step => {
          const label = edge[3] === undefined ? {} : { label: edge[3] };
          return { thing: thing(edge[other] ?? ""), role: "input", ...label };
        });
      return { steps, more: false };
    },
  };
}

async function walked(
  edges: readonly string[],
  root: string,
  limits = {},
  directions: readonly Direction[] = ["up", "down"],
) {
  const { near, asked } = nearIn(edges);
  const {
    things,
    edges: found,
    cuts,
  } = await walk(thing(root), directions, { depth: 10, nodes: 100, ...limits }, near);
  return {
    things: things.map(({ name }) => name).join(""),
    edges: found
      .map(({ from, to, label }) => `${from.name}>${to.name}${label === undefined ? "" : `:${label}`}`)
      .sort(),
    cuts,
    asked,
  };
}

describe("the walk of a lineage", () => {
  it("finds what the root came from and what came of it, and not what only shares an origin with it", async () => {
    const { things, edges, cuts } = await walked(["a>b", "b>c", "a>x", "y>c"], "b");

    expect(things).toBe("bac");
    expect(edges).toEqual(["a>b", "b>c"]);
    expect(cuts).toEqual([]);
  });

  it("keeps every edge of things that join again, and looks at each thing once", async () => {
    const { things, edges, asked } = await walked(["a>b", "a>c", "b>d", "c>d", "a>d"], "a");

    expect([...things].sort().join("")).toBe("abcd");
    expect(edges).toEqual(["a>b", "a>c", "a>d", "b>d", "c>d"]);
    expect(asked).toEqual(["up a", "down a", "down b", "down c", "down d"]);
  });

  it("ends in a ring", async () => {
    const { things, edges } = await walked(["a>b", "b>c", "c>a"], "a");

    expect([...things].sort().join("")).toBe("abc");
    expect(edges).toEqual(["a>b", "b>c", "c>a"]);
  });

  it("tells of a depth that left something out, and only then", async () => {
    const line = ["a>b", "b>c", "c>d"];

    expect(await walked(line, "a", { depth: 2 })).toMatchObject({
      things: "abc",
      cuts: [expect.stringContaining("depth 2")],
    });
    expect(await walked(line, "a", { depth: 3 })).toMatchObject({ things: "abcd", cuts: [] });
    expect(await walked(line, "a", { depth: 0 })).toMatchObject({ things: "a", edges: [] });
  });

  it("stops at a number of nodes and says so", async () => {
    const star = Array.from({ length: 9 }, (_, i) => `a>b${i}`);

    const { edges, cuts } = await walked(star, "a", { nodes: 4 });

    expect(edges).toHaveLength(3);
    expect(cuts).toEqual([expect.stringContaining("4 nodes")]);
  });

  it("reads little more once the answer is full", async () => {
    const first = Array.from({ length: 90 }, (_, i) => `a>b${i}`);
    const second = Array.from({ length: 90 }, (_, i) => `b${i}>c${i}`);

    const { asked, cuts } = await walked([...first, ...second], "a", { nodes: 91 }, ["down"]);

    expect(cuts).toEqual([expect.stringContaining("91 nodes")]);
    expect(asked).toHaveLength(17);
  });

  it("says that a thing has more neighbours than were read", async () => {
    const near: Near = async () => ({ steps: [], more: true });

    const { cuts } = await walk(thing("a"), ["down"], { depth: 1, nodes: 10 }, near);

    expect(cuts).toEqual([expect.stringContaining("more neighbours")]);
  });

  it("tells a pair once for each name it has, and without one only where there is none", async () => {
    const { edges } = await walked(["a>b", "a>b:train", "a>b", "a>b:test", "a>b:train"], "a", {}, ["down"]);

    expect(edges).toEqual(["a>b:test", "a>b:train"]);
  });
});
