import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { openTable } from "../../src/adapters/aws/table.ts";
import type { Table } from "../../src/core/ports/table.ts";
import { TABLE } from "../../src/store/facts/table.ts";
import { unique } from "../helpers/ports.ts";
import type { Aws } from "./aws.ts";
import { AWS } from "./ministack.ts";

/** The port over a new table, which goes when `aws` is stopped. */
export async function openTableIn(aws: Aws): Promise<Table> {
  const client = new DynamoDBClient(aws.config);
  aws.later(() => client.destroy());
  const tableName = await createTable(client, aws.tags);
  aws.later(() => client.send(new DeleteTableCommand({ TableName: tableName })));
  return openTable({ client, tableName });
}

/** The port over a new table of an emulator. */
export async function makeTable(endpoint: string): Promise<{ readonly table: Table; readonly close: () => void }> {
  const client = new DynamoDBClient({ ...AWS, endpoint });
  const tableName = await createTable(client);
  return { table: openTable({ client, tableName }), close: () => client.destroy() };
}

/** A new table as the data stack makes it; its name. */
export async function createTable(
  client: DynamoDBClient,
  tags: Readonly<Record<string, string>> = {},
): Promise<string> {
  const tableName = unique("table");
  const keys = (pk: string, sk: string) => [
    { AttributeName: pk, KeyType: "HASH" as const },
    { AttributeName: sk, KeyType: "RANGE" as const },
  ];
  const indexes = Object.entries(TABLE.indexes);
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      KeySchema: keys(TABLE.pk, TABLE.sk),
      AttributeDefinitions: [TABLE.pk, TABLE.sk, ...indexes.flatMap(([, index]) => [index.pk, index.sk])].map(
        (AttributeName) => ({ AttributeName, AttributeType: "S" as const }),
      ),
      GlobalSecondaryIndexes: indexes.map(([IndexName, index]) => ({
        IndexName,
        KeySchema: keys(index.pk, index.sk),
        Projection: { ProjectionType: "ALL" as const },
      })),
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1 }, { TableName: tableName });
  return tableName;
}
