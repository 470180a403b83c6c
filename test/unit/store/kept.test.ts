import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openTable } from "../../../src/adapters/local/table.ts";
import type { Table, Write } from "../../../src/core/ports/table.ts";
import { makeActivityWrite } from "../../../src/store/activities.ts";
import { openRunStore } from "../../../src/store/run-store.ts";
import { keepReads, watchTable } from "../../../src/store/table-watch.ts";
import { makeTempDir } from "../../helpers/ports.ts";

/** A real table that counts what is read of it. */
function openCounted() {
  const folder = makeTempDir();
  const real = openTable({ path: join(folder.path, "yard.db") });
  onTestFinished(() => {
    real.close();
    folder.remove();
  });
  const counts = { gets: 0, queries: 0 };
  const table: Table = {
    ...real,
    get: (key) => {
      counts.gets++;
      return real.get(key);
    },
    query: (query) => {
      counts.queries++;
      return real.query(query);
    },
  };
  return { table, counts };
}

const key = { pk: "p", sk: "s" };
const put = (n: number): Write => ({ kind: "put", item: { ...key, type: "T", v: 1, n } });

it("keeps an item that was read until it is written", async () => {
  const { table, counts } = openCounted();
  const watched = watchTable(table);
  const kept = keepReads(watched);

  expect(await kept.get(key)).toBeUndefined();
  await watched.transact([put(1)]);
  expect((await kept.get(key))?.n).toBe(1);
  expect((await kept.get(key))?.n).toBe(1);
  expect(counts.gets).toBe(2);
  await kept.transact([put(2)]);
  expect((await kept.get(key))?.n).toBe(2);
  await watched.transact([{ kind: "delete", key }]);
  expect(await kept.get(key)).toBeUndefined();
});

it("keeps nothing of a table that others write too", async () => {
  const { table, counts } = openCounted();
  const kept = keepReads(table);

  await kept.get(key);
  await kept.get(key);

  expect(counts.gets).toBe(2);
});

const points = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    key: "loss",
    value: from + i,
    timestamp: 1000 + from + i,
    step: from + i,
  }));

it("keeps a long history until the run's log grows, whoever logs", async () => {
  const { table, counts } = openCounted();
  const clock = { now: () => Date.now() };
  const activity = makeActivityWrite({ clock, ids: { hex32: () => "1".repeat(32), secret: () => "" } });
  const [runs, other] = [openRunStore({ table, clock, activity }), openRunStore({ table, clock, activity })];
  const run = { workspace: "w", runId: "r", experimentId: "1", name: "r", userId: "u", status: "RUNNING" as const };
  await runs.create({ ...run, tags: {}, source: "client", createdMs: 1 }, "u");
  for (let i = 0; i < 6; i++) await runs.change("w", "r", () => ({ points: points(i * 1000, 1000) }));

  expect((await runs.history("w", "r", "loss")).length).toBe(6000);
  const before = counts.queries;
  expect((await runs.history("w", "r", "loss")).length).toBe(6000);
  expect(counts.queries).toBe(before);
  await other.change("w", "r", () => ({ points: points(6000, 10) }));
  const after = await runs.history("w", "r", "loss");
  expect(after.length).toBe(6010);
  expect(after.values[6009]).toBe(6009);
});
