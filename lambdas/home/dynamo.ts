import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { openTable } from "../../src/adapters/aws/table.ts";
import type { Table } from "../../src/core/ports/table.ts";

/** The home's table. */
export function openRecords(tableName: string): Table {
  return openTable({ client: new DynamoDBClient({}), tableName });
}
