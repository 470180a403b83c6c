import type { QueryCommandInput } from "@aws-sdk/client-dynamodb";
import type { Query } from "../../core/ports/table.ts";
import { checkQuery } from "../../core/ports/table-rules.ts";
import { TABLE } from "../../store/facts/table.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { type Attributes, fromAttributes, toAttribute, toAttributes } from "./table-values.ts";

/** A query as DynamoDB's. Throws AppError("InvalidArgument"). */
export function queryInput(TableName: string, query: Query): QueryCommandInput {
  checkQuery(query);
  const keys = query.index === undefined ? TABLE : TABLE.indexes[query.index];
  const { prefix, from, to } = query.sk ?? {};
  const values: Attributes = { ":pk": toAttribute(query.pk) };
  const bound = (placeholder: string, text: string): string => {
    values[placeholder] = toAttribute(text);
    return placeholder;
  };
  let range = "";
  if (prefix !== undefined && prefix !== "") range = `begins_with(#sk, ${bound(":prefix", prefix)})`;
  else if (from !== undefined && to !== undefined)
    range = `#sk BETWEEN ${bound(":from", from)} AND ${bound(":to", to)}`;
  else if (from !== undefined) range = `#sk >= ${bound(":from", from)}`;
  else if (to !== undefined) range = `#sk <= ${bound(":to", to)}`;
  return {
    TableName,
    ...(query.index === undefined ? { ConsistentRead: true } : { IndexName: query.index }),
    KeyConditionExpression: range === "" ? "#pk = :pk" : `#pk = :pk AND ${range}`,
    ExpressionAttributeNames: range === "" ? { "#pk": keys.pk } : { "#pk": keys.pk, "#sk": keys.sk },
    ExpressionAttributeValues: values,
    ScanIndexForward: query.reverse !== true,
    Limit: query.limit ?? 1000,
  };
}

/** Where the cursor says to go on. Throws AppError("InvalidCursor") for text that is no cursor, or one of another query. */
export function resumeKey(query: Query): { readonly ExclusiveStartKey?: Attributes } {
  if (query.cursor === undefined) return {};
  return { ExclusiveStartKey: toAttributes(decodeCursor(scopeOf(query), query.cursor) as Record<string, string>) };
}

export function toCursor(query: Query, last: Attributes): string {
  return encodeCursor(scopeOf(query), fromAttributes(last));
}

function scopeOf(query: Query): string {
  const { index = "", pk, sk = {}, reverse = false } = query;
  return JSON.stringify([index, pk, sk.prefix ?? null, sk.from ?? null, sk.to ?? null, reverse]);
}
