import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileFact } from "./folder.ts";
import { createTable, type TableFile } from "./parquet.ts";
import type { Row, TableName } from "./tables.ts";

/** What could not be exported, and why. */
export interface Problem {
  readonly about: string;
  readonly message: string;
}

/** What a finished batch tells of itself. */
export interface BatchFacts {
  /** Run -> digest of what the server told of it then. */
  readonly runs: Readonly<Record<string, string>>;
  readonly rows: Readonly<Partial<Record<TableName, number>>>;
  readonly files: readonly FileFact[];
  readonly problems: readonly Problem[];
}

/** Part of an export: rows of all tables and what was written besides; all of it counts, or nothing. */
export interface Batch {
  readonly rows: number;
  readonly runs: number;
  add<N extends TableName>(name: N, row: Row<N>): void;
  file(fact: FileFact): void;
  problem(about: string, error: unknown): void;
  done(run: string, digest: string): void;
  /** Makes it count. */
  close(): Promise<void>;
}

const FACTS = "batch.json";

/** Batches lie in folders of their own, renamed when they are whole: what was being written when a process died does not count. */
export async function openBatches(folder: string) {
  await mkdir(folder, { recursive: true });
  const standing = new Map<string, BatchFacts>();
  for (const name of (await readdir(folder)).sort()) {
    if (name.endsWith(".new")) await rm(join(folder, name), { recursive: true });
    else standing.set(name, JSON.parse(await readFile(join(folder, name, FACTS), "utf8")) as BatchFacts);
  }
  let last = Math.max(0, ...[...standing.keys()].map(Number));

  return {
    standing: standing as ReadonlyMap<string, BatchFacts>,
    async drop(name: string): Promise<void> {
      standing.delete(name);
      await rm(join(folder, name), { recursive: true });
    },
    /** Files of one table, in the order of batches. */
    tables: (table: TableName) =>
      [...standing].filter(([, { rows }]) => rows[table] !== undefined).map(([name]) => tablePath(folder, name, table)),
    async begin(): Promise<Batch> {
      const name = String(++last).padStart(8, "0");
      const place = join(folder, `${name}.new`);
      await mkdir(place);
      return newBatch(place, async (facts) => {
        await writeFile(join(place, FACTS), JSON.stringify(facts), { flush: true });
        await rename(place, join(folder, name));
        standing.set(name, facts);
      });
    },
  };
}

export type Batches = Awaited<ReturnType<typeof openBatches>>;

function tablePath(folder: string, batch: string, table: TableName): string {
  return join(folder, batch, `${table}.parquet`);
}

function newBatch(place: string, keep: (facts: BatchFacts) => Promise<void>): Batch {
  const tables = new Map<TableName, TableFile<TableName>>();
  const runs: Record<string, string> = {};
  const files: FileFact[] = [];
  const problems: Problem[] = [];
  let rows = 0;
  let count = 0;
  return {
    get rows() {
      return rows;
    },
    get runs() {
      return count;
    },
    add(name, row) {
      let table = tables.get(name);
      if (table === undefined) {
        table = createTable<TableName>(join(place, `${name}.parquet`), name);
        tables.set(name, table);
      }
      table.add(row as Row<TableName>);
      rows++;
    },
    file: (fact) => void files.push(fact),
    problem: (about, error) =>
      void problems.push({ about, message: error instanceof Error ? error.message : String(error) }),
    done(run, digest) {
      runs[run] = digest;
      count++;
    },
    async close() {
      for (const table of tables.values()) await table.close();
      const counts = Object.fromEntries([...tables].map(([name, table]) => [name, table.rows]));
      await keep({ runs, rows: counts, files, problems });
    },
  };
}
