import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { AppError } from "../../contract/errors.ts";
import { mapLimited } from "../../core/files/streams.ts";
import type { Item, Key, Page, Query, Table, TransactResult, Write } from "../../core/ports/table.ts";
import { checkWrites } from "../../core/ports/table-rules.ts";
import { TABLE } from "../../store/facts/table.ts";
import { attemptsOf, isPassing } from "./fault.ts";
import { queryInput, resumeKey, toCursor } from "./table-query.ts";
import { type Attributes, fromAttributes, toAttributes } from "./table-values.ts";
import { writeInput } from "./table-write.ts";

const GET_BATCH = 100;
const GETS_AT_ONCE = 8;
/** A transaction that met another on the same item is tried again; the second usually gets through. */
const CONFLICT_TRIES = 12;

export interface AwsTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Waits so many milliseconds; a test may shorten it. @default setTimeout */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** The Table port on DynamoDB. Base table reads are consistent; the SDK repeats throttled calls. */
export function openTable(options: AwsTableOptions): Table {
  const { client, tableName: TableName, sleep = wait } = options;

  async function writeOne(write: Write): Promise<TransactResult> {
    const input = { TableName, ...writeInput(write), ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;
    try {
      // A lone check writes nothing, which only a transaction can do.
      if (write.kind === "check") return await transact([write]);
      if (write.kind === "put") await client.send(new PutItemCommand({ ...input, Item: toAttributes(write.item) }));
      if (write.kind === "update")
        await client.send(new UpdateItemCommand({ ...input, Key: toAttributes(keyOf(write.key)) }));
      if (write.kind === "delete")
        await client.send(new DeleteItemCommand({ ...input, Key: toAttributes(keyOf(write.key)) }));
      return { ok: true };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw told(error);
      if (attemptsOf(error) > 1 && isDone(write, error.Item)) return { ok: true };
      return { ok: false, failed: [failure(0, error.Item)] };
    }
  }

  async function transact(writes: readonly Write[]): Promise<TransactResult> {
    const TransactItems = writes.map((write) => transactItem(TableName, write));
    for (let tries = 1; ; tries++) {
      try {
        await client.send(new TransactWriteItemsCommand({ TransactItems }));
        return { ok: true };
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw told(error);
        const reasons = error.CancellationReasons ?? [];
        const failed = reasons.flatMap((reason, index) =>
          reason.Code === "ConditionalCheckFailed" ? [failure(index, reason.Item)] : [],
        );
        if (failed.length > 0) return { ok: false, failed };
        const passing = reasons.some((reason) => /Conflict|Throttling|Exceeded/.test(reason.Code ?? ""));
        if (!passing || tries === CONFLICT_TRIES)
          throw told(error, reasons.map((reason) => reason.Message ?? "").join(" "));
        await sleep(Math.min(1000, 10 * 2 ** tries) * (0.5 + jitter(tries, writes)));
      }
    }
  }

  async function getBatch(keys: readonly Attributes[]): Promise<Item[]> {
    const found: Item[] = [];
    let pending = [...keys];
    for (let tries = 0; pending.length > 0; tries++) {
      if (tries === CONFLICT_TRIES) throw new AppError("Unavailable", "the table is throttled; try again");
      if (tries > 0) await sleep(Math.min(1000, 10 * 2 ** tries));
      const answer = await client
        .send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: pending, ConsistentRead: true } } }))
        .catch(rethrow);
      found.push(...(answer.Responses?.[TableName] ?? []).map(fromAttributes));
      pending = answer.UnprocessedKeys?.[TableName]?.Keys ?? [];
    }
    return found;
  }

  return {
    async get(key) {
      const { Item } = await client
        .send(new GetItemCommand({ TableName, Key: toAttributes(keyOf(key)), ConsistentRead: true }))
        .catch(rethrow);
      return Item === undefined ? undefined : fromAttributes(Item);
    },

    async batchGet(keys) {
      const distinct = [...new Map(keys.map((key) => [JSON.stringify([key.pk, key.sk]), keyOf(key)])).values()];
      const batches = Array.from({ length: Math.ceil(distinct.length / GET_BATCH) }, (_, i) =>
        distinct.slice(i * GET_BATCH, (i + 1) * GET_BATCH).map(toAttributes),
      );
      return (await mapLimited(batches, GETS_AT_ONCE, getBatch)).flat();
    },

    async query(query: Query): Promise<Page> {
      const input = queryInput(TableName, query);
      // DynamoDB refuses crossed bounds; the port calls them empty.
      const { from, to } = query.sk ?? {};
      if (from !== undefined && to !== undefined && Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0)
        return { items: [] };
      const answer = await client.send(new QueryCommand({ ...input, ...resumeKey(query) })).catch(rethrow);
      const items = (answer.Items ?? []).map(fromAttributes);
      return answer.LastEvaluatedKey === undefined
        ? { items }
        : { items, cursor: toCursor(query, answer.LastEvaluatedKey) };
    },

    async transact(writes) {
      checkWrites(writes);
      const [first] = writes;
      return writes.length === 1 && first !== undefined ? writeOne(first) : transact(writes);
    },
  };
}

function transactItem(TableName: string, write: Write) {
  const input = { TableName, ...writeInput(write), ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;
  switch (write.kind) {
    case "put":
      return { Put: { ...input, Item: toAttributes(write.item) } };
    case "update":
      return {
        Update: { ...input, Key: toAttributes(keyOf(write.key)), UpdateExpression: input.UpdateExpression ?? "" },
      };
    case "delete":
      return { Delete: { ...input, Key: toAttributes(keyOf(write.key)) } };
    case "check":
      return {
        ConditionCheck: {
          ...input,
          Key: toAttributes(keyOf(write.key)),
          ConditionExpression: input.ConditionExpression ?? "",
        },
      };
  }
}

function failure(index: number, item: Attributes | undefined): { readonly index: number; readonly item?: Item } {
  return item === undefined || Object.keys(item).length === 0 ? { index } : { index, item: fromAttributes(item) };
}

/**
 * A conditional write whose answer was lost is sent once more by the SDK, and then meets what it has written itself. (A transaction bears a token by
 * which the service knows it.) What stands is then what was to be written, or is gone.
 */
function isDone(write: Write, standing: Attributes | undefined): boolean {
  const there = standing === undefined || Object.keys(standing).length === 0 ? undefined : fromAttributes(standing);
  switch (write.kind) {
    case "put":
      return there !== undefined && isSame(there, fromAttributes(toAttributes(write.item)));
    case "update": {
      if (there === undefined || Object.keys(write.add ?? {}).length > 0) return false;
      const isSet = Object.entries(write.set ?? {}).every(([name, value]) => isSame(there[name], value));
      return isSet && (write.remove ?? []).every((name) => there[name] === undefined);
    }
    case "delete":
      return there === undefined;
    case "check":
      return false;
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [one, other] = [Object.entries(a), new Map(Object.entries(b))];
  return one.length === other.size && one.every(([name, value]) => isSame(value, other.get(name)));
}

function keyOf(key: Key): Key {
  return { [TABLE.pk]: key.pk, [TABLE.sk]: key.sk } as unknown as Key;
}

/** Spread over 0..1 by what is written, so that two rivals do not meet again; randomness would do as well. */
function jitter(tries: number, writes: readonly Write[]): number {
  let seed = tries * 2654435761 + writes.length;
  for (const character of JSON.stringify(writes[0] ?? "").slice(0, 200))
    seed = (Math.imul(seed, 31) + character.charCodeAt(0)) | 0;
  return (seed >>> 0) / 0xffffffff;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function rethrow(error: unknown): never {
  throw told(error);
}

/** DynamoDB's words as ours. */
function told(error: unknown, more = ""): unknown {
  if (!(error instanceof Error)) return error;
  const text = `${error.message} ${more}`;
  if (/size .*exceed|exceed.* size|4 ?MB|collection size/i.test(text))
    return new AppError("TooLarge", `a record or transaction is too large: ${text.trim()}`, {}, { cause: error });
  if (error.name === "ValidationException" || /ValidationError/.test(text))
    return new AppError("InvalidArgument", `the table refused a write: ${text.trim()}`, {}, { cause: error });
  if (isPassing(error))
    return new AppError("Unavailable", "the table is throttled or out of reach; try again", {}, { cause: error });
  return error;
}
