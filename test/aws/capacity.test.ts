import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTable } from "../../src/adapters/aws/table.ts";
import { ABSENT, type Item, type Write } from "../../src/core/ports/table.ts";
import { meterTable } from "../helpers/metered-table.ts";
import { AWS, startMinistack } from "./ministack.ts";
import { createTable } from "./tables.ts";

let emulator: Awaited<ReturnType<typeof startMinistack>>;
let client: DynamoDBClient;
let metered: ReturnType<typeof meterTable>;
/** Write units that the service says it has billed. */
let billed = 0;

beforeAll(async () => {
  emulator = await startMinistack();
  client = new DynamoDBClient({ ...AWS, endpoint: emulator.endpoint });
  const tableName = await createTable(client);
  // NOTE: the emulator bills each read as one unit, whatever was read; writes it bills as DynamoDB does.
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        if (!/^(Put|Update|Delete|Transact)/.test(commandName)) return next(args);
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "INDEXES" } });
        const { ConsumedCapacity } = result.output as {
          readonly ConsumedCapacity?:
            | { readonly CapacityUnits?: number }
            | readonly { readonly CapacityUnits?: number }[];
        };
        for (const { CapacityUnits = 0 } of [ConsumedCapacity ?? []].flat()) billed += CapacityUnits;
        return result;
      },
    { step: "initialize" },
  );
  metered = meterTable(openTable({ client, tableName }));
});

afterAll(async () => {
  client?.destroy();
  await emulator?.stop();
});

const item = (sk: string, bytes: number, more: object = {}): Item =>
  ({ pk: "p", sk, type: "T", v: 1, text: "x".repeat(bytes), ...more }) as Item;
const put = (of: Item): Write => ({ kind: "put", item: of });
const placed = (at: string) => ({ gsi1pk: "i", gsi1sk: at });
const both = { ...placed("1"), gsi2pk: "j", gsi2sk: "1" };
const key = (sk: string) => ({ pk: "p", sk });

/** One after the other, each on what those before have left. */
const STEPS: readonly (readonly [what: string, writes: readonly Write[]])[] = [
  ["a small item", [put(item("a", 10))]],
  ["one just over a unit", [put(item("b", 1100))]],
  ["a smaller one in its place", [put(item("b", 10))]],
  ["a large one in two indexes", [put(item("c", 5000, both))]],
  ["an update of it", [{ kind: "update", key: key("c"), set: { more: 1 } }]],
  ["an update that changes nothing", [{ kind: "update", key: key("c"), set: { more: 1 } }]],
  ["another place in an index", [put(item("c", 5000, { ...both, ...placed("2") }))]],
  ["out of both indexes", [put(item("c", 3000))]],
  ["its deletion", [{ kind: "delete", key: key("c") }]],
  ["the deletion of what is not there", [{ kind: "delete", key: key("never") }]],
  ["two items at once", [put(item("d", 10)), put(item("e", 3000, placed("3")))]],
  ["an item and a check", [put(item("f", 10)), { kind: "check", key: key("g"), when: ABSENT }]],
  [
    "a put, an update and a deletion",
    [put(item("h", 2000)), { kind: "update", key: key("e"), set: { more: 2 } }, { kind: "delete", key: key("d") }],
  ],
];

test.each(STEPS)("counts %s as it is billed", async (_, writes) => {
  const before = { billed, counted: metered.units.writes };

  const { ok } = await metered.table.transact(writes);

  expect(ok).toBe(true);
  expect(metered.units.writes - before.counted).toBe(billed - before.billed);
});

test("counts numbers for no less than is billed, whose sizes DynamoDB tells only roughly", async () => {
  const before = { billed, counted: metered.units.writes };
  const list = Array.from({ length: 300 }, (_, i) => i);

  await metered.table.transact([put(item("n", 0, { list, bytes: new Uint8Array(700) }))]);

  const [counted, told] = [metered.units.writes - before.counted, billed - before.billed];
  expect([counted >= told, counted <= told + 1]).toEqual([true, true]);
});
