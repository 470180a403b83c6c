import { afterAll, beforeAll, describe } from "vitest";
import type { Item, Page, Query, Table } from "../../src/core/ports/table.ts";
import { type Fixture, unique } from "../helpers/ports.ts";
import { describeTableConditions } from "./table-conditions.ts";
import { describeTableQueries } from "./table-queries.ts";
import { describeTableWrites } from "./table-writes.ts";

export interface TableQuirks {
  /** Index reads may lag behind writes, so the suite waits for them. */
  readonly indexLags?: boolean;
}

export interface TableSuite {
  readonly table: () => Table;
  readonly quirks: TableQuirks;
  /** A partition no other test uses. */
  readonly pk: () => string;
}

/** The conformance suite of the Table port. `make` runs once; tests keep apart by partition. */
export function describeTable(
  name: string,
  make: () => Promise<Fixture<Table>>,
  { quirks = {} }: { readonly quirks?: TableQuirks } = {},
): void {
  describe(`Table: ${name}`, () => {
    let fixture: Fixture<Table> | undefined;
    beforeAll(async () => {
      fixture = await make();
    });
    afterAll(async () => {
      await fixture?.cleanup();
    });
    const table = (): Table => {
      if (fixture === undefined) {
        throw new Error("the fixture is not made yet");
      }
      return fixture.port;
    };
    const suite: TableSuite = { table, quirks, pk: () => unique("pk") };
    describeTableWrites(suite);
    describeTableConditions(suite);
    describeTableQueries(suite);
  });
}

/** A record with the two attributes every one has. */
export function record(pk: string, sk: string, rest: Readonly<Record<string, Item[string]>> = {}): Item {
  return { pk, sk, type: "test", v: 1, ...rest };
}

/** The bytes of a byte attribute; fails on anything else. */
export function bytesOf(value: Item[string]): readonly number[] {
  if (!(value instanceof Uint8Array)) {
    throw new Error(`a byte attribute came back as ${typeof value}`);
  }
  return [...value];
}

export async function putAll(table: Table, items: readonly Item[]): Promise<void> {
  for (let at = 0; at < items.length; at += 100) {
    const result = await table.transact(items.slice(at, at + 100).map((item) => ({ kind: "put", item })));
    if (!result.ok) {
      throw new Error("an unconditional put was refused");
    }
  }
}

/** Every page of a query; fails on a cursor that leads in circles. */
export async function allPages(table: Table, query: Query): Promise<readonly Page[]> {
  const pages: Page[] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await table.query(cursor === undefined ? query : { ...query, cursor });
    pages.push(page);
    cursor = page.cursor;
    if (pages.length > 10_000) {
      throw new Error("the query does not end");
    }
  } while (cursor !== undefined);
  return pages;
}

export async function allItems(table: Table, query: Query): Promise<readonly Item[]> {
  return (await allPages(table, query)).flatMap((page) => page.items);
}
