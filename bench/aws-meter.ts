import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compose } from "../lambdas/home/compose.ts";
import { openHome } from "../src/adapters/local/home.ts";
import { signUserToken } from "../src/core/auth/tokens.ts";
import type { Item, Key, Table, Write } from "../src/core/ports/table.ts";
import { checkItem } from "../src/core/ports/table-rules.ts";
import { makeActivityWrite } from "../src/store/activities.ts";

/** What DynamoDB would bill: write units of 1 KB (twice that inside a transaction), read units of 4 KB (strongly consistent), bytes kept. */
export interface Units {
  writes: number;
  reads: number;
  keptBytes: number;
}

const WRITE_BYTES = 1024;
const READ_BYTES = 4096;
/** What is billed for an item beside its attributes. */
const ITEM_BYTES = 100;

/** A table that counts as DynamoDB bills: a write by the larger of the item before and after, and again for each index it stands in. */
function metered(table: Table, units: Units): Table {
  const readUnits = (bytes: number) => Math.max(1, Math.ceil(bytes / READ_BYTES));
  const sizeOf = (item: Item | undefined) => (item === undefined ? 0 : checkItem(item));
  const writeUnits = (bytes: number) => Math.max(1, Math.ceil(bytes / WRITE_BYTES));
  const keyOf = (write: Write): Key =>
    write.kind === "put" ? { pk: write.item.pk, sk: write.item.sk } : { pk: write.key.pk, sk: write.key.sk };

  return {
    async get(key) {
      const item = await table.get(key);
      units.reads += readUnits(sizeOf(item));
      return item;
    },
    async batchGet(keys) {
      const items = await table.batchGet(keys);
      units.reads += keys.length - items.length;
      for (const item of items) units.reads += readUnits(sizeOf(item));
      return items;
    },
    async query(query) {
      const page = await table.query(query);
      units.reads += readUnits(page.items.reduce((sum, item) => sum + sizeOf(item), 0));
      return page;
    },
    async transact(writes) {
      const before = await Promise.all(writes.map((write) => table.get(keyOf(write))));
      const result = await table.transact(writes);
      const times = writes.length === 1 ? 1 : 2;
      for (const [i, write] of writes.entries()) {
        const after = result.ok ? await table.get(keyOf(write)) : before[i];
        const [sizeBefore, sizeAfter] = [sizeOf(before[i]), sizeOf(after)];
        units.writes += times * writeUnits(Math.max(sizeBefore, sizeAfter));
        if (!result.ok) continue;
        const indexes = Number(after?.gsi1pk !== undefined) + Number(after?.gsi2pk !== undefined);
        units.writes += indexes * writeUnits(sizeAfter);
        const kept = (bytes: number) => (bytes === 0 ? 0 : bytes + ITEM_BYTES);
        units.keptBytes += (1 + indexes) * (kept(sizeAfter) - kept(sizeBefore));
      }
      return result;
    },
  };
}

export interface MeteredHome {
  readonly units: Units;
  /** An MLflow call; its answer. Throws where it is refused. */
  call(method: "GET" | "POST", path: string, body?: unknown): Promise<string>;
  close(): Promise<void>;
}

/** What the AWS home's function composes, over a metered table on this machine: the items are the same, byte by byte. */
export async function openMeteredHome(): Promise<MeteredHome> {
  const dir = mkdtempSync(join(tmpdir(), "trainyard-bench-meter-"));
  const home = await openHome({ dir });
  const units: Units = { writes: 0, reads: 0, keptBytes: 0 };
  const { handle } = compose({
    ...home,
    table: metered(home.table, units),
    activity: makeActivityWrite(home),
    log: { info: () => undefined, fault: (message, error) => console.error(message, error) },
    address: () => "http://home.test",
  });
  const token = await signUserToken(home.signer, { name: "owner", roles: { "*": "owner" }, id: "bench" });
  return {
    units,
    async call(method, path, body) {
      const response = await handle(
        new Request(`http://home.test/w/default${path}`, {
          method,
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      );
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
      return text;
    },
    async close() {
      await home.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
