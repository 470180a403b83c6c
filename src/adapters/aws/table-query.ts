import { createHash } from "node:crypto";
import type { QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { AppError } from "../../contract/errors.ts";
import type { Query } from "../../core/ports/table.ts";
import { checkQuery } from "../../core/ports/table-rules.ts";
import { TABLE } from "../../store/facts/table.ts";
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
  try {
    const [scope, key] = JSON.parse(Buffer.from(query.cursor, "base64url").toString("utf8")) as [
      string,
      Record<string, string>,
    ];
    if (scope === scopeOf(query)) return { ExclusiveStartKey: toAttributes(key) };
  } catch {
    // Told below, like a cursor of another query.
  }
  throw new AppError("InvalidCursor", "the cursor does not belong to this query", {
    hint: "repeat the query without a cursor, and keep every parameter but the limit while paging",
  });
}

export function toCursor(query: Query, last: Attributes): string {
  return Buffer.from(JSON.stringify([scopeOf(query), fromAttributes(last)])).toString("base64url");
}

function scopeOf(query: Query): string {
  const { index = "", pk, sk = {}, reverse = false } = query;
  const text = JSON.stringify([index, pk, sk.prefix ?? null, sk.from ?? null, sk.to ?? null, reverse]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 11);
}
