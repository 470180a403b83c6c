import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../../src/adapters/local/database.ts";
import { openTable } from "../../../src/adapters/local/table.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { allItems, record } from "../describe-table.ts";

test("a full table refuses writes, keeps what it acknowledged, and works on when room is made", async () => {
  const folder = makeTempDir();
  const database = openDatabase({ path: join(folder.path, "yard.db"), maxPages: 100 });
  onTestFinished(() => {
    database.close();
    folder.remove();
  });
  const table = openTable({ database });
  const put = (sk: string) => table.transact([{ kind: "put", item: record("p", sk, { text: "x".repeat(10_000) }) }]);

  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => put(`early-${at}`)));
  const late = await Promise.allSettled(Array.from({ length: 60 }, (_, at) => put(`late-${at}`)));

  expect(outcomes.every((outcome) => outcome.status === "fulfilled")).toBe(true);
  const refused = late.filter((outcome) => outcome.status === "rejected");
  expect(refused.length).toBeGreaterThan(0);
  for (const { reason } of refused) {
    expect(reason).toMatchObject({ name: "AppError", code: "StorageFull" });
  }
  const stored = (await allItems(table, { pk: "p" })).map((item) => item.sk);
  expect(stored.length).toBe(80 - refused.length);

  await table.transact(stored.map((sk) => ({ kind: "delete", key: { pk: "p", sk } })));
  expect(await put("again")).toEqual({ ok: true });
});

test("an object that does not fit is refused and leaves no trace", () => {
  const folder = makeTempDir();
  onTestFinished(folder.remove);
  const filler = fileURLToPath(new URL("./filler.ts", import.meta.url));

  // A file size limit stops writes as a full disk does, for this one process.
  const run = spawnSync("sh", ["-c", 'ulimit -f 200 && exec "$0" "$@"', process.execPath, filler, folder.path], {
    encoding: "utf8",
  });

  expect(run.stderr).toBe("");
  expect(JSON.parse(run.stdout)).toEqual({ bytes: "StorageFull", stream: "StorageFull", small: 1000 });
  expect(readdirSync(folder.path)).toEqual(["%tmp", "a"]);
  expect(readdirSync(join(folder.path, "%tmp"))).toEqual([]);
});
