/**
 * What one attribute may hold, nested up to 32 levels. `Uint8Array` is allowed at the top level of an item only.
 * Numbers are 0 or 1e-130 to 1e126 in magnitude (DynamoDB's range); others, NaN and infinities throw AppError("InvalidArgument"): keep them as text.
 */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** Primary key. Both parts are non-empty strings, compared bytewise (UTF-8); `pk` <= 2048 bytes, `sk` <= 1024 bytes. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/**
 * One record, at most 400 KB. `type` names the entity and `v` its shape's version (both set by the store).
 * `gsi1pk`/`gsi1sk`, `gsi2pk`/`gsi2sk` put the item into a secondary index; both parts of a pair or neither.
 */
export interface Item extends Key {
  readonly type: string;
  readonly v: number;
  readonly gsi1pk?: string;
  readonly gsi1sk?: string;
  readonly gsi2pk?: string;
  readonly gsi2sk?: string;
  /** Epoch seconds after which the item may vanish (TTL); readers must not rely on the moment. */
  readonly expires?: number;
  readonly [attribute: string]: Value | Uint8Array | undefined;
}

export type IndexName = "gsi1" | "gsi2";

/**
 * One clause about a top-level attribute of the item as it is before the write. A list of clauses is a conjunction.
 * On an absent attribute (or item) only `ne` and `absent` hold. `lt` to `ge` order numbers or texts (bytewise); between two types they fail. `in` takes 1..100 values.
 */
export type Clause =
  | { readonly attr: string; readonly op: "eq" | "ne" | "lt" | "le" | "gt" | "ge"; readonly value: Value }
  | { readonly attr: string; readonly op: "in"; readonly values: readonly Value[] }
  | { readonly attr: string; readonly op: "exists" | "absent" };

/** The item must not exist. */
export const ABSENT: readonly Clause[] = [{ attr: "pk", op: "absent" }];
/** The item must exist. */
export const PRESENT: readonly Clause[] = [{ attr: "pk", op: "exists" }];

export type Write =
  | { readonly kind: "put"; readonly item: Item; readonly when?: readonly Clause[] }
  | {
      readonly kind: "update";
      readonly key: Key;
      /** Makes the item if it is absent (DynamoDB semantics), so add PRESENT to `when` where that is wrong. */
      readonly set?: Readonly<Record<string, Value | Uint8Array>>;
      readonly remove?: readonly string[];
      /** Adds to a number, absent counts as 0. */
      readonly add?: Readonly<Record<string, number>>;
      readonly when?: readonly Clause[];
    }
  | { readonly kind: "delete"; readonly key: Key; readonly when?: readonly Clause[] }
  | { readonly kind: "check"; readonly key: Key; readonly when: readonly Clause[] };

/** `failed` lists each write whose condition did not hold, with the item that stood in the way (absent: no such item). */
export type TransactResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly failed: readonly { readonly index: number; readonly item?: Item }[] };

export interface Query {
  /** Default: the base table. Index reads may lag behind writes in AWS. */
  readonly index?: IndexName;
  readonly pk: string;
  /** Bounds on the sort key, inclusive. `prefix` excludes the others. */
  readonly sk?: { readonly prefix?: string; readonly from?: string; readonly to?: string };
  readonly reverse?: boolean;
  /** Items a page; default and maximum 1000. A page may be shorter and still have a cursor. */
  readonly limit?: number;
  /** From an earlier page of the same query. Opaque; a foreign one throws AppError("InvalidCursor"). */
  readonly cursor?: string;
}

export interface Page {
  readonly items: readonly Item[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

/**
 * The record store's narrow waist. Reads of the base table are strongly consistent.
 * A write that has been acknowledged survives a crash. Two writes on one key in one transaction are an error.
 */
export interface Table {
  get(key: Key): Promise<Item | undefined>;
  /** Items that exist, in no particular order; any number of keys. */
  batchGet(keys: readonly Key[]): Promise<readonly Item[]>;
  query(query: Query): Promise<Page>;
  /** 1..100 writes, all or nothing. Throws AppError("TooLarge") for an item over 400 KB, items over 4 MB together, or more than 100 writes. */
  transact(writes: readonly Write[]): Promise<TransactResult>;
}
