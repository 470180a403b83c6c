import { describe, expect, test } from "vitest";
import { ABSENT, type Clause, PRESENT } from "../../src/core/ports/table.ts";
import { expectCode } from "../helpers/ports.ts";
import { putAll, record, type TableSuite } from "./describe-table.ts";

const ATTRIBUTES = { n: 5, text: "m", flag: true, nothing: null, list: [1, { a: "b" }], map: { x: 1, y: [2] } };

const HOLD: readonly Clause[] = [
  { attr: "n", op: "eq", value: 5 },
  { attr: "n", op: "ne", value: 6 },
  { attr: "n", op: "ne", value: "5" },
  { attr: "n", op: "lt", value: 5.5 },
  { attr: "n", op: "le", value: 5 },
  { attr: "n", op: "gt", value: -1e100 },
  { attr: "n", op: "ge", value: 5 },
  { attr: "n", op: "in", values: [1, "5", 5] },
  { attr: "text", op: "gt", value: "Z" },
  { attr: "text", op: "lt", value: "ma" },
  { attr: "flag", op: "eq", value: true },
  { attr: "nothing", op: "exists" },
  { attr: "nothing", op: "eq", value: null },
  { attr: "list", op: "eq", value: [1, { a: "b" }] },
  { attr: "map", op: "eq", value: { y: [2], x: 1 } },
  { attr: "absent", op: "absent" },
  { attr: "absent", op: "ne", value: 1 },
  { attr: "n", op: "exists" },
];

const FAIL: readonly Clause[] = [
  { attr: "n", op: "eq", value: "5" },
  { attr: "n", op: "eq", value: 4 },
  { attr: "n", op: "ne", value: 5 },
  { attr: "n", op: "lt", value: 5 },
  { attr: "n", op: "lt", value: "6" },
  { attr: "n", op: "gt", value: 5 },
  { attr: "n", op: "in", values: [4, 6] },
  { attr: "text", op: "ge", value: 0 },
  { attr: "flag", op: "eq", value: 1 },
  { attr: "list", op: "eq", value: [{ a: "b" }, 1] },
  { attr: "map", op: "eq", value: { x: 1 } },
  { attr: "absent", op: "exists" },
  { attr: "absent", op: "eq", value: null },
  { attr: "absent", op: "lt", value: 1 },
  { attr: "nothing", op: "absent" },
];

/** What clauses mean, and who wins a race. */
export function describeTableConditions({ table, pk }: TableSuite): void {
  describe("conditions", () => {
    test("clauses hold", async () => {
      const item = record(pk(), "a", ATTRIBUTES);
      await putAll(table(), [item]);

      for (const clause of HOLD) {
        expect([clause, await table().transact([{ kind: "check", key: item, when: [clause] }])]).toEqual([
          clause,
          { ok: true },
        ]);
      }
      expect(await table().transact([{ kind: "check", key: item, when: HOLD }])).toEqual({ ok: true });
    });

    test("clauses fail", async () => {
      const item = record(pk(), "a", ATTRIBUTES);
      await putAll(table(), [item]);

      for (const clause of FAIL) {
        expect([clause, await table().transact([{ kind: "check", key: item, when: [clause] }])]).toEqual([
          clause,
          { ok: false, failed: [{ index: 0, item }] },
        ]);
      }
      expect(
        (await table().transact([{ kind: "check", key: item, when: [...HOLD, { attr: "n", op: "gt", value: 5 }] }])).ok,
      ).toBe(false);
    });

    test("an absent item has no attributes", async () => {
      const key = { pk: pk(), sk: "a" };

      expect((await table().transact([{ kind: "check", key, when: ABSENT }])).ok).toBe(true);
      expect((await table().transact([{ kind: "check", key, when: [{ attr: "n", op: "ne", value: 1 }] }])).ok).toBe(
        true,
      );
      expect(await table().transact([{ kind: "check", key, when: PRESENT }])).toEqual({
        ok: false,
        failed: [{ index: 0 }],
      });
      expect((await table().transact([{ kind: "delete", key, when: [{ attr: "n", op: "eq", value: 1 }] }])).ok).toBe(
        false,
      );
    });

    test("text is compared bytewise, also beyond U+FFFF", async () => {
      const item = record(pk(), "a", { text: "\u{1F682}" });
      await putAll(table(), [item]);

      expect(
        (await table().transact([{ kind: "check", key: item, when: [{ attr: "text", op: "gt", value: "\uFF5E" }] }]))
          .ok,
      ).toBe(true);
    });

    test("clauses look at the item as it was before the write", async () => {
      const key = { pk: pk(), sk: "a" };
      await putAll(table(), [record(key.pk, "a", { n: 1 })]);

      const result = await table().transact([
        { kind: "update", key, add: { n: 1 }, when: [{ attr: "n", op: "eq", value: 1 }] },
      ]);

      expect(result).toEqual({ ok: true });
      expect((await table().get(key))?.n).toBe(2);
    });

    test("refuses clauses without a meaning", async () => {
      const key = { pk: pk(), sk: "a" };

      await expectCode(
        () => table().transact([{ kind: "check", key, when: [{ attr: "n", op: "in", values: [] }] }]),
        "InvalidArgument",
      );
      await expectCode(
        () => table().transact([{ kind: "check", key, when: [{ attr: "n", op: "lt", value: true }] }]),
        "InvalidArgument",
      );
    });

    test("of many creations of one key, one wins and the losers see the winner", async () => {
      const partition = pk();

      const results = await Promise.all(
        Array.from({ length: 20 }, (_, who) =>
          table().transact([{ kind: "put", item: record(partition, "a", { who }), when: ABSENT }]),
        ),
      );

      const winner = await table().get({ pk: partition, sk: "a" });
      expect(results.filter((result) => result.ok)).toHaveLength(1);
      expect(results.findIndex((result) => result.ok)).toBe(winner?.who);
      for (const result of results) {
        expect(result.ok ? winner : result.failed[0]?.item).toEqual(winner);
      }
    });

    test("of two updates from one version, the second loses", async () => {
      const key = { pk: pk(), sk: "a" };
      await putAll(table(), [record(key.pk, "a", { rev: 1 })]);
      const step = (by: string) =>
        table().transact([
          { kind: "update", key, set: { by }, add: { rev: 1 }, when: [{ attr: "rev", op: "eq", value: 1 }] },
        ]);

      const results = await Promise.all([step("left"), step("right")]);

      expect(results.filter((result) => result.ok)).toHaveLength(1);
      expect((await table().get(key))?.rev).toBe(2);
    });

    test("a counter drawn by conditional writes has no gap and no twin", async () => {
      const partition = pk();
      const draw = async (): Promise<number> => {
        for (;;) {
          const last = Number((await table().get({ pk: partition, sk: "counter" }))?.last ?? 0);
          const next = last + 1;
          const result = await table().transact([
            {
              kind: "put",
              item: record(partition, "counter", { last: next }),
              when: last === 0 ? ABSENT : [{ attr: "last", op: "eq", value: last }],
            },
            { kind: "put", item: record(partition, `version#${String(next).padStart(4, "0")}`), when: ABSENT },
          ]);
          if (result.ok) {
            return next;
          }
        }
      };

      const drawn = await Promise.all(Array.from({ length: 12 }, draw));

      expect(drawn.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, at) => at + 1));
    });
  });
}
