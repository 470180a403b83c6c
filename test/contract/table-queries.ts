import { describe, expect, test } from "vitest";
import type { Item, Query } from "../../src/core/ports/table.ts";
import { expectCode, until } from "../helpers/ports.ts";
import { allItems, allPages, putAll, record, type TableSuite } from "./describe-table.ts";

/** Sort keys in bytewise order; JavaScript's own order puts U+1F682 before U+FF5E. */
const BYTEWISE = [
  "\u0001",
  " ",
  "!",
  "A",
  "Z",
  "a",
  "a b",
  "a#",
  "a/",
  "a0",
  "aa",
  "b",
  "~",
  "\u007f",
  "ä",
  "é",
  "世",
  "\ud7ff",
  "\ue000",
  "\uff5e",
  "\u{1F682}",
  "\u{10FFFF}",
];

export function describeTableQueries({ table, pk, quirks }: TableSuite): void {
  const keys = (items: readonly Item[]): string[] => items.map((item) => item.sk);
  const numbered = (partition: string, count: number): Item[] =>
    Array.from({ length: count }, (_, at) => record(partition, `k${String(at).padStart(5, "0")}`, { at }));

  /** The items of an index query, once they number `count`. */
  async function indexed(query: Query, count: number): Promise<readonly Item[]> {
    if (quirks.indexLags !== true) {
      return allItems(table(), query);
    }
    return until(async () => {
      const items = await allItems(table(), query);
      return items.length === count ? items : undefined;
    }, `${count} items in \`${query.index}\``);
  }

  describe("queries", () => {
    test("orders sort keys by their bytes, both ways", async () => {
      const partition = pk();
      await putAll(
        table(),
        [...BYTEWISE].reverse().map((sk) => record(partition, sk)),
      );

      expect(keys(await allItems(table(), { pk: partition }))).toEqual(BYTEWISE);
      expect(keys(await allItems(table(), { pk: partition, reverse: true }))).toEqual([...BYTEWISE].reverse());
    });

    test("answers an empty page for an empty partition", async () => {
      expect(await table().query({ pk: pk() })).toEqual({ items: [] });
    });

    test("keeps partitions apart, also when one name starts with the other", async () => {
      const partition = pk();
      await putAll(table(), [
        record(partition, "a"),
        record(`${partition}2`, "b"),
        record(partition.slice(0, -1), "c"),
      ]);

      expect(keys(await allItems(table(), { pk: partition }))).toEqual(["a"]);
    });

    test("bounds are inclusive, and may meet or cross", async () => {
      const partition = pk();
      await putAll(
        table(),
        ["a", "b", "b1", "c", "d"].map((sk) => record(partition, sk)),
      );
      const range = async (sk: NonNullable<Query["sk"]>): Promise<string[]> =>
        keys(await allItems(table(), { pk: partition, sk }));

      expect(await range({ from: "b", to: "c" })).toEqual(["b", "b1", "c"]);
      expect(await range({ from: "b0" })).toEqual(["b1", "c", "d"]);
      expect(await range({ to: "b0" })).toEqual(["a", "b"]);
      expect(await range({ from: "c", to: "c" })).toEqual(["c"]);
      expect(await range({ from: "d", to: "a" })).toEqual([]);
      expect(keys(await allItems(table(), { pk: partition, sk: { from: "b", to: "c" }, reverse: true }))).toEqual([
        "c",
        "b1",
        "b",
      ]);
    });

    test("a prefix matches all that start with it and nothing else", async () => {
      const partition = pk();
      await putAll(
        table(),
        ["run", "run#", "run#1", "run#\u{10FFFF}", "run#\u{10FFFF}x", "run$", "ruo", "\u{10FFFF}", "\u{10FFFF}z"].map(
          (sk) => record(partition, sk),
        ),
      );
      const prefixed = async (prefix: string): Promise<string[]> =>
        keys(await allItems(table(), { pk: partition, sk: { prefix } }));

      expect(await prefixed("run#")).toEqual(["run#", "run#1", "run#\u{10FFFF}", "run#\u{10FFFF}x"]);
      expect(await prefixed("run#\u{10FFFF}")).toEqual(["run#\u{10FFFF}", "run#\u{10FFFF}x"]);
      expect(await prefixed("\u{10FFFF}")).toEqual(["\u{10FFFF}", "\u{10FFFF}z"]);
      expect(await prefixed("x")).toEqual([]);
      expect(keys(await allItems(table(), { pk: partition, sk: { prefix: "run#" }, reverse: true }))[0]).toBe(
        "run#\u{10FFFF}x",
      );
    });

    test("a prefix ending before the surrogate range matches nothing beyond it", async () => {
      const partition = pk();
      await putAll(
        table(),
        ["\ud7ff", "\ud7ffx", "\ue000", "\u{1F682}"].map((sk) => record(partition, sk)),
      );

      expect(keys(await allItems(table(), { pk: partition, sk: { prefix: "\ud7ff" } }))).toEqual(["\ud7ff", "\ud7ffx"]);
    });

    test("a prefix does not read `%`, `_`, `*` or case as wildcards", async () => {
      const partition = pk();
      await putAll(
        table(),
        ["a%b", "a_b", "a*b", "A%b", "axb"].map((sk) => record(partition, sk)),
      );

      expect(keys(await allItems(table(), { pk: partition, sk: { prefix: "a%" } }))).toEqual(["a%b"]);
      expect(keys(await allItems(table(), { pk: partition, sk: { prefix: "a_" } }))).toEqual(["a_b"]);
      expect(keys(await allItems(table(), { pk: partition, sk: { prefix: "a*" } }))).toEqual(["a*b"]);
    });

    test.each([1, 3, 10, 11, 12])("pages of %i give each item once, in order", async (limit) => {
      const partition = pk();
      const items = numbered(partition, 11);
      await putAll(table(), items);

      const forward = await allPages(table(), { pk: partition, limit });
      const backward = await allPages(table(), { pk: partition, limit, reverse: true });

      expect(forward.flatMap((page) => page.items)).toEqual(items);
      expect(backward.flatMap((page) => page.items)).toEqual([...items].reverse());
      expect(Math.max(...forward.map((page) => page.items.length))).toBeLessThanOrEqual(limit);
    });

    test("a page holds 1000 items at most, and the rest follows", async () => {
      const partition = pk();
      const items = numbered(partition, 1003);
      await putAll(table(), items);

      const pages = await allPages(table(), { pk: partition });

      expect(pages[0]?.items.length).toBeLessThanOrEqual(1000);
      expect(pages.flatMap((page) => keys(page.items))).toEqual(keys(items));
    });

    test("large items come in pages too", async () => {
      const partition = pk();
      const items = Array.from({ length: 8 }, (_, at) =>
        record(partition, `k${at}`, { text: "x".repeat(390_000), at }),
      );
      for (const item of items) {
        await putAll(table(), [item]);
      }

      const found = await allItems(table(), { pk: partition });

      expect(found.map((item) => item.at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    });

    test("paging goes on past items that were deleted or added behind it", async () => {
      const partition = pk();
      await putAll(table(), numbered(partition, 6));
      const first = await table().query({ pk: partition, limit: 3 });

      await table().transact([
        { kind: "delete", key: { pk: partition, sk: "k00002" } },
        { kind: "delete", key: { pk: partition, sk: "k00003" } },
        { kind: "put", item: record(partition, "k00000x") },
      ]);
      const rest = await allItems(table(), { pk: partition, limit: 3, cursor: first.cursor ?? "" });

      expect(keys(rest)).toEqual(["k00004", "k00005"]);
    });

    test("a cursor serves its own query only, whatever the limit", async () => {
      const partition = pk();
      const other = pk();
      await putAll(table(), [...numbered(partition, 9), ...numbered(other, 9)]);
      const query: Query = { pk: partition, sk: { prefix: "k" }, limit: 3 };
      const { cursor = "" } = await table().query(query);

      expect(keys((await table().query({ ...query, limit: 2, cursor })).items)).toEqual(["k00003", "k00004"]);
      for (const foreign of [
        { pk: other },
        { reverse: true },
        { sk: { prefix: "k0" } },
        { sk: { from: "k" } },
        { index: "gsi1" as const },
      ]) {
        await expectCode(() => table().query({ ...query, ...foreign, cursor }), "InvalidCursor");
      }
      const bounded: Query = { pk: partition, sk: { from: "k", to: "l" }, limit: 3 };
      const { cursor: ofBounded = "" } = await table().query(bounded);
      for (const foreign of [{ from: "k", to: "m" }, { from: "j", to: "l" }, { from: "k" }]) {
        await expectCode(() => table().query({ ...bounded, sk: foreign, cursor: ofBounded }), "InvalidCursor");
      }
      for (const junk of [
        "",
        "x",
        "e30",
        Buffer.from('["a","b"]').toString("base64url"),
        `${cursor}!`.slice(4),
        "\u0000",
      ]) {
        await expectCode(() => table().query({ ...query, cursor: junk }), "InvalidCursor");
      }
    });

    test("refuses a limit out of bounds and a prefix with bounds", async () => {
      for (const limit of [0, -1, 1001, 1.5, Number.NaN]) {
        await expectCode(() => table().query({ pk: "p", limit }), "InvalidArgument");
      }
      await expectCode(() => table().query({ pk: "p", sk: { prefix: "a", from: "a" } }), "InvalidArgument");
    });
  });

  describe("indexes", () => {
    test("hold the items that carry both attributes, whole and in order", async () => {
      const partition = pk();
      const status = pk();
      const items = ["c", "a", "b"].map((sk, at) =>
        record(partition, sk, { gsi1pk: status, gsi1sk: `t${at}`, extra: { at }, bytes: Uint8Array.of(at) }),
      );
      await putAll(table(), [...items, record(partition, "outside")]);

      const found = await indexed({ index: "gsi1", pk: status }, 3);

      expect(found).toEqual(items);
      expect(keys(await allItems(table(), { index: "gsi1", pk: status, reverse: true }))).toEqual(["b", "a", "c"]);
      expect(keys(await allItems(table(), { index: "gsi1", pk: status, sk: { from: "t1" } }))).toEqual(["a", "b"]);
      expect(await allItems(table(), { index: "gsi2", pk: status })).toEqual([]);
    });

    test("follow an item that moves, and forget one that leaves or is deleted", async () => {
      const partition = pk();
      const [from, to, other] = [pk(), pk(), pk()];
      const entry = (sk: string): Item =>
        record(partition, sk, { gsi1pk: from, gsi1sk: sk, gsi2pk: other, gsi2sk: sk });
      await putAll(table(), ["moves", "leaves", "dies", "replaced", "stays"].map(entry));
      await indexed({ index: "gsi1", pk: from }, 5);

      await table().transact([
        { kind: "update", key: { pk: partition, sk: "moves" }, set: { gsi1pk: to } },
        { kind: "update", key: { pk: partition, sk: "leaves" }, remove: ["gsi1pk", "gsi1sk"] },
        { kind: "delete", key: { pk: partition, sk: "dies" } },
        { kind: "put", item: record(partition, "replaced") },
      ]);

      expect(keys(await indexed({ index: "gsi1", pk: from }, 1))).toEqual(["stays"]);
      expect(keys(await indexed({ index: "gsi1", pk: to }, 1))).toEqual(["moves"]);
      expect(keys(await indexed({ index: "gsi2", pk: other }, 3))).toEqual(["leaves", "moves", "stays"]);
    });

    test("page through items that share one sort key, each once", async () => {
      const status = pk();
      const items = Array.from({ length: 25 }, (_, at) =>
        record(`${status}-${at % 7}`, `k${at}`, { gsi2pk: status, gsi2sk: "same", at }),
      );
      await putAll(table(), items);
      await indexed({ index: "gsi2", pk: status }, 25);

      for (const reverse of [false, true]) {
        const found = await allItems(table(), { index: "gsi2", pk: status, limit: 4, reverse });
        expect(found.map((item) => Number(item.at)).sort((a, b) => a - b)).toEqual(items.map((item) => item.at));
      }
    });
  });
}
