import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openTable } from "../../../src/adapters/local/table.ts";
import { makeTempDir, until } from "../../helpers/ports.ts";
import { allItems, record } from "../describe-table.ts";

test("expired items are swept by themselves, in time and only they", async () => {
  const folder = makeTempDir();
  let nowMs = 1_000_000_000_000;
  const table = openTable({ path: join(folder.path, "yard.db"), clock: { now: () => nowMs } });
  onTestFinished(() => {
    table.close();
    folder.remove();
  });
  const items = [
    record("p", "past", { expires: 1_000_000_010 }),
    record("p", "later", { expires: 1_000_000_200 }),
    record("p", "ever", { expires: "text" }),
  ];
  await table.transact(items.map((item) => ({ kind: "put", item })));
  expect(await table.sweep()).toBe(0);

  nowMs += 61_000;
  await table.transact([{ kind: "put", item: record("p", "wakes the sweeper") }]);
  await until(async () => (await table.get({ pk: "p", sk: "past" })) === undefined, "the sweep");

  expect((await allItems(table, { pk: "p" })).map((item) => item.sk)).toEqual(["ever", "later", "wakes the sweeper"]);
  nowMs += 200_000;
  expect(await table.sweep()).toBe(1);
});

test("a page of large items is cut short, so that it stays small in memory", async () => {
  const folder = makeTempDir();
  const table = openTable({ path: join(folder.path, "yard.db") });
  onTestFinished(() => {
    table.close();
    folder.remove();
  });
  for (let at = 0; at < 10; at += 1) {
    await table.transact([{ kind: "put", item: record("p", `k${at}`, { text: "x".repeat(390_000) }) }]);
  }

  const page = await table.query({ pk: "p" });

  expect(page.items.length).toBeLessThan(5);
  expect(page.cursor).toBeDefined();
  expect(await allItems(table, { pk: "p" })).toHaveLength(10);
});
