import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { openTable } from "../../src/adapters/aws/table.ts";
import { TABLE } from "../../src/store/facts/table.ts";
import { describeTable } from "../contract/describe-table.ts";
import { unique } from "../helpers/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";

describeTable(
  "DynamoDB",
  async () => {
    const emulator = await startMinistack();
    const client = new DynamoDBClient({ ...AWS, endpoint: emulator.endpoint });
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
    return {
      port: openTable({ client, tableName }),
      cleanup: async () => {
        client.destroy();
        await emulator.stop();
      },
    };
  },
  { quirks: { indexLags: true } },
);
