import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { openTable } from "../../src/adapters/aws/table.ts";
import type { Table } from "../../src/core/ports/table.ts";
import { TABLE } from "../../src/store/facts/table.ts";
import { unique } from "../helpers/ports.ts";
import { AWS } from "./ministack.ts";

/** The port over a new table. */
export async function makeTable(endpoint: string): Promise<{ readonly table: Table; readonly close: () => void }> {
  const client = new DynamoDBClient({ ...AWS, endpoint });
  const tableName = await createTable(client);
  return { table: openTable({ client, tableName }), close: () => client.destroy() };
}

/** A new table as the data stack makes it; its name. */
export async function createTable(client: DynamoDBClient): Promise<string> {
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
  return tableName;
}
