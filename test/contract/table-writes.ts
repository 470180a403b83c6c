import { describe, expect, test } from "vitest";
import { ABSENT, type Item, PRESENT, type Write } from "../../src/core/ports/table.ts";
import { expectCode } from "../helpers/ports.ts";
import { allItems, bytesOf, putAll, record, type TableSuite } from "./describe-table.ts";

const ITEM_LIMIT = 400 * 1024;

/** Single writes, transactions, sizes. */
export function describeTableWrites({ table, pk }: TableSuite): void {
  describe("items", () => {
    test("answers undefined for an absent key", async () => {
      expect(await table().get({ pk: pk(), sk: "a" })).toBeUndefined();
    });

    test("gives back every kind of value as it was", async () => {
      const item = record(pk(), "a", {
        text: "Grüße, 世界 🚂 \u0000 \u001f",
        empty: "",
        int: 42,
        negative: -7,
        large: Number.MAX_SAFE_INTEGER,
        fraction: 0.1,
        tiny: 1.5e-100,
        huge: -9.5e125,
        yes: true,
        no: false,
        nothing: null,
        list: [1, "two", [3], { four: 4 }, null],
        map: { "odd key: ü/#.": { deep: [true, { deeper: "x" }] }, empty: {} },
        emptyList: [],
      });

      await putAll(table(), [item]);

      expect(await table().get({ pk: item.pk, sk: "a" })).toEqual(item);
    });

    test("keeps byte attributes beside others, empty ones too", async () => {
      const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 256);
      const item = record(pk(), "a", { first: bytes, second: Uint8Array.of(0, 255), note: "x" });

      await putAll(table(), [item]);
      const back = await table().get(item);

      expect(bytesOf(back?.first)).toEqual([...bytes]);
      expect(bytesOf(back?.second)).toEqual([0, 255]);
      expect(back?.note).toBe("x");
    });

    test("does not see what the caller changes after the call", async () => {
      const list = [1];
      const bytes = Uint8Array.of(1);
      const item = record(pk(), "a", { list, bytes });

      const done = table().transact([{ kind: "put", item }]);
      list.push(2);
      bytes[0] = 9;
      await done;

      const back = await table().get(item);
      expect(back?.list).toEqual([1]);
      expect(bytesOf(back?.bytes)).toEqual([1]);
    });

    test("does not see what the caller changes after an update or a condition either", async () => {
      const item = record(pk(), "a", { n: 1 });
      await putAll(table(), [item]);
      const list = [1];
      const values = [1];

      const done = table().transact([
        { kind: "update", key: item, set: { list }, when: [{ attr: "n", op: "in", values }] },
      ]);
      list.push(2);
      values[0] = 9;

      expect(await done).toEqual({ ok: true });
      expect((await table().get(item))?.list).toEqual([1]);
    });

    test("a put replaces the whole item", async () => {
      const first = record(pk(), "a", { old: 1, bytes: Uint8Array.of(1) });
      await putAll(table(), [first]);

      await putAll(table(), [record(first.pk, "a", { fresh: 2 })]);

      expect(await table().get(first)).toEqual(record(first.pk, "a", { fresh: 2 }));
    });

    test("drops attributes that are undefined", async () => {
      const item = record(pk(), "a", { gone: undefined });

      await putAll(table(), [item]);

      expect(Object.keys((await table().get(item)) ?? {})).not.toContain("gone");
    });

    test.each([
      ["NaN", Number.NaN],
      ["infinity", Number.POSITIVE_INFINITY],
      ["a number beyond 1e126", 1e126],
      ["a number below 1e-130", 1e-131],
    ])("refuses %s", async (_, value) => {
      await expectCode(
        () => table().transact([{ kind: "put", item: record(pk(), "a", { value }) }]),
        "InvalidArgument",
      );
    });

    test.each([
      ["an empty sk", (p: string) => record(p, "")],
      ["an empty pk", () => record("", "a")],
      ["a pk over 2048 bytes", (p: string) => record(p + "ü".repeat(1024), "a")],
      ["an sk over 1024 bytes", (p: string) => record(p, "ü".repeat(513))],
      ["a lone surrogate in a key", (p: string) => record(p, "a\ud800")],
      ["half of an index pair", (p: string) => record(p, "a", { gsi1pk: "x" })],
      ["an empty index key", (p: string) => record(p, "a", { gsi2pk: "x", gsi2sk: "" })],
    ])("refuses %s", async (_, item: (p: string) => Item) => {
      await expectCode(() => table().transact([{ kind: "put", item: item(pk()) }]), "InvalidArgument");
    });

    test("takes keys of the longest length", async () => {
      const base = pk();
      const item = record(base + "x".repeat(2048 - base.length), "ü".repeat(512), { n: 1 });

      await putAll(table(), [item]);

      expect(await table().get(item)).toEqual(item);
    });

    test("takes an item just under 400 KB and refuses one over it", async () => {
      const fits = record(pk(), "a", { blob: new Uint8Array(ITEM_LIMIT - 200) });
      await putAll(table(), [fits]);
      expect(bytesOf((await table().get(fits))?.blob)).toHaveLength(ITEM_LIMIT - 200);

      await expectCode(
        () => table().transact([{ kind: "put", item: record(pk(), "a", { text: "x".repeat(ITEM_LIMIT) }) }]),
        "TooLarge",
      );
      await expectCode(
        () => table().transact([{ kind: "put", item: record(pk(), "a", { text: "ü".repeat(ITEM_LIMIT / 2) }) }]),
        "TooLarge",
      );
    });

    test("refuses an update that grows an item over 400 KB, and leaves it as it was", async () => {
      const item = record(pk(), "a", { half: "x".repeat(ITEM_LIMIT / 2) });
      await putAll(table(), [item]);

      await expectCode(
        () => table().transact([{ kind: "update", key: item, set: { other: "y".repeat(ITEM_LIMIT / 2) } }]),
        "TooLarge",
      );

      expect(await table().get(item)).toEqual(item);
    });

    test("batchGet answers the items that exist, once each, for any number of keys", async () => {
      const partition = pk();
      const items = Array.from({ length: 130 }, (_, at) => record(partition, `k${at}`, { at }));
      await putAll(table(), items);

      const keys = items.flatMap((item) => [item, { pk: partition, sk: `absent-${item.sk}` }]);
      const found = await table().batchGet([...keys, { pk: partition, sk: "k0" }]);

      expect(found.map((item) => item.at).sort((a, b) => Number(a) - Number(b))).toEqual(items.map((item) => item.at));
      expect(await table().batchGet([])).toEqual([]);
    });
  });

  describe("updates", () => {
    test("sets, removes and adds in one step", async () => {
      const key = { pk: pk(), sk: "a" };
      await putAll(table(), [record(key.pk, "a", { count: 5, old: "x", kept: "k" })]);

      await table().transact([
        {
          kind: "update",
          key,
          set: { fresh: { a: [1] }, bytes: Uint8Array.of(7) },
          remove: ["old", "never"],
          add: { count: -2, made: 1.5 },
        },
      ]);

      const item = await table().get(key);
      expect(item).toMatchObject({ ...record(key.pk, "a"), kept: "k", fresh: { a: [1] }, count: 3, made: 1.5 });
      expect(bytesOf(item?.bytes)).toEqual([7]);
      expect(item).not.toHaveProperty("old");
    });

    test("makes an absent item, unless told not to", async () => {
      const key = { pk: pk(), sk: "a" };

      expect(await table().transact([{ kind: "update", key, set: { x: 1 }, when: PRESENT }])).toEqual({
        ok: false,
        failed: [{ index: 0 }],
      });
      expect(await table().get(key)).toBeUndefined();
      await table().transact([{ kind: "update", key, set: { type: "test", v: 1 }, add: { n: 2 } }]);

      expect(await table().get(key)).toEqual(record(key.pk, "a", { n: 2 }));
    });

    test("loses no addition among concurrent ones", async () => {
      const key = { pk: pk(), sk: "a" };

      await Promise.all(Array.from({ length: 40 }, () => table().transact([{ kind: "update", key, add: { n: 1 } }])));

      expect((await table().get(key))?.n).toBe(40);
    });

    test.each<[string, Partial<Extract<Write, { kind: "update" }>>]>([
      ["a key attribute", { set: { sk: "b" } }],
      ["one attribute twice", { set: { x: 1 }, add: { x: 1 } }],
      ["an addition to text", { add: { text: 1 } }],
    ])("refuses an update of %s", async (_, update) => {
      const item = record(pk(), "a", { text: "t" });
      await putAll(table(), [item]);

      await expectCode(() => table().transact([{ kind: "update", key: item, ...update }]), "InvalidArgument");

      expect(await table().get(item)).toEqual(item);
    });
  });

  describe("transactions", () => {
    test("writes 100 items in several partitions at once", async () => {
      const partitions = [pk(), pk()];
      const writes = Array.from(
        { length: 100 },
        (_, at): Write => ({ kind: "put", item: record(partitions[at % 2] ?? "", `k${at}`) }),
      );

      expect(await table().transact(writes)).toEqual({ ok: true });

      expect(await allItems(table(), { pk: partitions[0] ?? "" })).toHaveLength(50);
      expect(await allItems(table(), { pk: partitions[1] ?? "" })).toHaveLength(50);
    });

    test("refuses 101 writes, and none", async () => {
      const partition = pk();
      const writes = Array.from(
        { length: 101 },
        (_, at): Write => ({ kind: "put", item: record(partition, `k${at}`) }),
      );

      await expectCode(() => table().transact(writes), "TooLarge");
      await expectCode(() => table().transact([]), "InvalidArgument");

      expect(await allItems(table(), { pk: partition })).toEqual([]);
    });

    test("refuses more than 4 MB of items", async () => {
      const partition = pk();
      const writes = Array.from(
        { length: 12 },
        (_, at): Write => ({ kind: "put", item: record(partition, `k${at}`, { text: "x".repeat(380_000) }) }),
      );

      await expectCode(() => table().transact(writes), "TooLarge");

      expect(await allItems(table(), { pk: partition })).toEqual([]);
    });

    test("refuses two writes on one key", async () => {
      const item = record(pk(), "a");

      await expectCode(
        () =>
          table().transact([
            { kind: "put", item },
            { kind: "check", key: item, when: ABSENT },
          ]),
        "InvalidArgument",
      );

      expect(await table().get(item)).toBeUndefined();
    });

    test("is all or nothing, and names each failed write with what stood in the way", async () => {
      const partition = pk();
      const there = record(partition, "there", { owner: "ann", bytes: Uint8Array.of(1, 2) });
      await putAll(table(), [there, record(partition, "doomed")]);

      const result = await table().transact([
        { kind: "put", item: record(partition, "fresh") },
        { kind: "put", item: record(partition, "there"), when: ABSENT },
        { kind: "delete", key: { pk: partition, sk: "doomed" } },
        { kind: "update", key: { pk: partition, sk: "missing" }, set: { x: 1 }, when: PRESENT },
      ]);

      expect(result.ok).toBe(false);
      const failed = result.ok ? [] : [...result.failed].sort((a, b) => a.index - b.index);
      expect(failed.map((entry) => entry.index)).toEqual([1, 3]);
      expect(failed[0]?.item).toMatchObject({ pk: partition, sk: "there", owner: "ann" });
      expect(bytesOf(failed[0]?.item?.bytes)).toEqual([1, 2]);
      expect(failed[1]).not.toHaveProperty("item");
      expect((await allItems(table(), { pk: partition })).map((item) => item.sk)).toEqual(["doomed", "there"]);
    });

    test("a delete is fine with an absent key, and repeats", async () => {
      const item = record(pk(), "a");
      await putAll(table(), [item]);

      expect(await table().transact([{ kind: "delete", key: item }])).toEqual({ ok: true });
      expect(await table().transact([{ kind: "delete", key: item }])).toEqual({ ok: true });

      expect(await table().get(item)).toBeUndefined();
    });

    test("one write that is refused for its shape does not hurt those beside it", async () => {
      const partition = pk();

      const results = await Promise.allSettled([
        table().transact([{ kind: "put", item: record(partition, "a") }]),
        table().transact([{ kind: "put", item: record(partition, "b", { text: "x".repeat(ITEM_LIMIT + 1) }) }]),
        table().transact([{ kind: "put", item: record(partition, "c") }]),
      ]);

      expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect((await allItems(table(), { pk: partition })).map((item) => item.sk)).toEqual(["a", "c"]);
    });
  });

  describe("expiry", () => {
    test("leaves items whose time has not come, and lets expired ones be written anew", async () => {
      const partition = pk();
      const later = record(partition, "later", { expires: 4_000_000_000 });
      await putAll(table(), [later, record(partition, "past", { expires: 1_000_000_000 })]);

      await putAll(table(), [record(partition, "past", { again: true })]);

      expect(await table().get(later)).toEqual(later);
      expect(await table().get({ pk: partition, sk: "past" })).toEqual(record(partition, "past", { again: true }));
    });
  });
}
