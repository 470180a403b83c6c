import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Item, Key, Page, Query, Table, TransactResult, Write } from "../../core/ports/table.ts";
import { checkKey, checkWrites, TRANSACTION_LIMIT_BYTES } from "../../core/ports/table-rules.ts";
import { makeClock } from "../node/clock.ts";
import { type Database, openDatabase } from "./database.ts";
import { clausesHold, frozenClause } from "./table-clause.ts";
import { decodeItem, type EncodedItem, encodeItem } from "./table-item.ts";
import { planQuery } from "./table-query.ts";
import { applyUpdate, frozenUpdate } from "./table-update.ts";

/** Rows fetched first and at most at a time, and text of a page at most, so that a page of large items stays small in memory. */
const FIRST_ROWS = 16;
const ROWS_AT_A_TIME = 128;
const PAGE_LIMIT_CHARS = 1024 * 1024;
const SWEEP_EVERY_MS = 60_000;
const SWEEP_ROWS = 1000;

type Row = [body: string, names: string | null, bytes: Uint8Array | null, ...position: string[]];

/** The Table port on SQLite. */
export interface LocalTable extends Table {
  /** Removes expired items; answers how many. Also runs by itself, at most once a minute, after writes. */
  sweep(): Promise<number>;
  /** Closes the database if `openTable` opened it. */
  close(): void;
}

/** Opens the record store in the file `path`, or in a database shared with the bus and the timer. */
export function openTable(
  options: ({ readonly path: string } | { readonly database: Database }) & { readonly clock?: Clock },
): LocalTable {
  const database = "database" in options ? options.database : openDatabase({ path: options.path });
  const clock = options.clock ?? makeClock();
  database.exec(SCHEMA);
  const select = database.prepare("SELECT body, names, bytes FROM items WHERE pk = ? AND sk = ?");
  const upsert = database.prepare(UPSERT);
  const remove = database.prepare("DELETE FROM items WHERE pk = ? AND sk = ?");
  const sweepRows = database.prepare(
    `DELETE FROM items WHERE (pk, sk) IN (SELECT pk, sk FROM items WHERE expires <= ? ORDER BY expires LIMIT ${SWEEP_ROWS})`,
  );
  let sweptMs = clock.now();

  function read(key: Key): Item | undefined {
    const row = select.get(key.pk, key.sk) as Row | undefined;
    return row === undefined ? undefined : decodeItem(row[0], row[1], row[2]);
  }

  function store(row: EncodedItem): void {
    upsert.run(
      row.key.pk,
      row.key.sk,
      row.gsi1pk,
      row.gsi1sk,
      row.gsi2pk,
      row.gsi2sk,
      row.expires,
      row.body,
      row.names,
      row.bytes,
    );
  }

  /** Conditions first, then writes: a transaction whose conditions fail has nothing to undo. */
  function run(steps: readonly Step[]): TransactResult {
    const failed: { index: number; item?: Item }[] = [];
    const before = steps.map((step, index) => {
      const item = step.when.length > 0 || step.reads ? read(step.key) : undefined;
      if (!clausesHold(step.when, item)) {
        failed.push(item === undefined ? { index } : { index, item });
      }
      return item;
    });
    if (failed.length > 0) {
      return { ok: false, failed };
    }
    let sizeBytes = 0;
    steps.forEach((step, index) => {
      const row = step.apply(before[index]);
      if (row === "delete") {
        remove.run(step.key.pk, step.key.sk);
      } else if (row !== "keep") {
        sizeBytes += row.sizeBytes;
        store(row);
      }
    });
    if (sizeBytes > TRANSACTION_LIMIT_BYTES) {
      throw new AppError(
        "TooLarge",
        `the records of one transaction have ${sizeBytes} bytes; at most ${TRANSACTION_LIMIT_BYTES} are possible`,
      );
    }
    return { ok: true };
  }

  function sweep(): Promise<number> {
    sweptMs = clock.now();
    return database.write(() => Number(sweepRows.run(Math.floor(sweptMs / 1000)).changes));
  }

  return {
    async get(key) {
      checkKey(key);
      return read(key);
    },
    async batchGet(keys) {
      const unique = new Map(keys.map((key) => [JSON.stringify([key.pk, key.sk]), key]));
      const items: Item[] = [];
      for (const key of unique.values()) {
        checkKey(key);
        const item = read(key);
        if (item !== undefined) {
          items.push(item);
        }
      }
      return items;
    },
    async query(query) {
      return readPage(database, query);
    },
    async transact(writes) {
      const steps = prepareSteps(writes);
      const result = await database.write(() => run(steps));
      if (clock.now() - sweptMs >= SWEEP_EVERY_MS) {
        // A failed sweep costs room only, and is tried again in a minute.
        sweep().catch(() => undefined);
      }
      return result;
    },
    sweep,
    close() {
      if (!("database" in options)) {
        database.close();
      }
    },
  };
}

/** One write, checked and detached from the caller's objects, which may change before the group commit runs. */
interface Step {
  readonly key: Key;
  readonly when: NonNullable<Write["when"]>;
  readonly reads: boolean;
  readonly apply: (item: Item | undefined) => EncodedItem | "delete" | "keep";
}

function prepareSteps(writes: readonly Write[]): readonly Step[] {
  const sizes = checkWrites(writes);
  return writes.map((write, index) => prepareStep(write, sizes[index]));
}

function prepareStep(write: Write, sizeBytes: number | undefined): Step {
  const when = write.when === undefined ? [] : write.when.map(frozenClause);
  if (write.kind === "put") {
    const row = encodeItem(write.item, sizeBytes);
    return { key: row.key, when, reads: false, apply: () => row };
  }
  const key = { pk: write.key.pk, sk: write.key.sk };
  if (write.kind === "update") {
    const update = frozenUpdate(write);
    return { key, when, reads: true, apply: (item) => encodeItem(applyUpdate(key, item, update)) };
  }
  return { key, when, reads: false, apply: () => (write.kind === "delete" ? "delete" : "keep") };
}

function readPage(database: Database, query: Query): Page {
  const plan = planQuery(query);
  const items: Item[] = [];
  let chars = 0;
  let position = plan.start;
  let atATime = FIRST_ROWS;
  for (;;) {
    // One row more than asked tells whether there is another page.
    const wanted = Math.min(atATime, plan.limit - items.length + 1);
    const rows = database
      .prepare(plan.text(position !== undefined))
      .all(...plan.values, ...(position ?? []), wanted) as unknown as Row[];
    for (const [body, names, bytes, ...at] of rows) {
      if (items.length === plan.limit || chars > PAGE_LIMIT_CHARS) {
        return { items, cursor: plan.cursorAt(position ?? []) };
      }
      items.push(decodeItem(body, names, bytes));
      chars += body.length + (bytes?.byteLength ?? 0);
      position = at;
    }
    if (rows.length < wanted) {
      return { items };
    }
    // Of rows like those before only what the page still takes is read, and the one that ends it.
    const room = Math.max(0, PAGE_LIMIT_CHARS - chars);
    atATime = Math.min(ROWS_AT_A_TIME, Math.ceil((room * items.length) / chars) + 1);
  }
}

/** NOTE: rows may be hundreds of KB, so they lie apart from the keys: every step of a search in a table WITHOUT ROWID reads the whole row it passes. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS items (
    pk TEXT NOT NULL, sk TEXT NOT NULL,
    gsi1pk TEXT, gsi1sk TEXT, gsi2pk TEXT, gsi2sk TEXT, expires REAL,
    body TEXT NOT NULL, names TEXT, bytes BLOB,
    PRIMARY KEY (pk, sk)
  );
  CREATE INDEX IF NOT EXISTS items_gsi1 ON items (gsi1pk, gsi1sk, pk, sk) WHERE gsi1pk IS NOT NULL;
  CREATE INDEX IF NOT EXISTS items_gsi2 ON items (gsi2pk, gsi2sk, pk, sk) WHERE gsi2pk IS NOT NULL;
  CREATE INDEX IF NOT EXISTS items_expires ON items (expires) WHERE expires IS NOT NULL;
`;

const UPSERT = `
  INSERT INTO items (pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires, body, names, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (pk, sk) DO UPDATE SET gsi1pk = excluded.gsi1pk, gsi1sk = excluded.gsi1sk, gsi2pk = excluded.gsi2pk, gsi2sk = excluded.gsi2sk,
    expires = excluded.expires, body = excluded.body, names = excluded.names, bytes = excluded.bytes
`;
