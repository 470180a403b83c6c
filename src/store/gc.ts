import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Entry, Receipt, ReceiptStore } from "../core/gc/ports.ts";
import { ABSENT, type Item, type Table, type Value } from "../core/ports/table.ts";
import { GC_OPEN, gcEntries, gcEntryKey, gcList, gcOpenPrefix, gcReceiptKey } from "./facts/keys.ts";
import { itemsOf } from "./partitions.ts";

/** Receipts and their things over the record store. */
export function openReceiptStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): ReceiptStore {
  const { table, activity } = deps;
  const deed = (receipt: Receipt | Omit<Receipt, "rev">, actor: string, action: string) =>
    activity({
      workspace: receipt.workspace,
      actor,
      resource: "gc",
      name: receipt.id,
      action,
      summary: `gc \`${receipt.id}\`: ${receipt.state}`,
    });

  return {
    async create(receipt) {
      await table.transact([
        { kind: "put", item: receiptItem(receipt), when: ABSENT },
        deed(receipt, receipt.by, "create"),
      ]);
    },
    async get(workspace, id) {
      const item = await table.get(gcReceiptKey(workspace, id));
      return item === undefined ? undefined : receiptFrom(item);
    },
    async list({ workspace, limit, cursor }) {
      const page = await table.query({
        pk: gcList(workspace),
        reverse: true,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items.map(receiptFrom), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async open() {
      const receipts: Receipt[] = [];
      for await (const item of itemsOf(table, { index: "gsi1", pk: GC_OPEN })) receipts.push(receiptFrom(item));
      return receipts;
    },
    async save(before, after) {
      const receipt: Receipt = { ...after, rev: before.rev + 1 };
      const result = await table.transact([
        { kind: "put", item: receiptItem(receipt), when: [{ attr: "rev", op: "eq", value: before.rev }] },
        ...(before.state === after.state ? [] : [deed(after, after.endedBy ?? "system", after.state)]),
      ]);
      return result.ok ? receipt : undefined;
    },
    async entries({ workspace, receipt, limit, cursor }) {
      const page = await table.query({
        pk: gcEntries(workspace, receipt),
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items.map(entryFrom), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async entry(workspace, receipt, kind, id) {
      const item = await table.get(gcEntryKey(workspace, receipt, kind, id));
      return item === undefined ? undefined : entryFrom(item);
    },
    async putEntry(workspace, receipt, entry) {
      await table.transact([{ kind: "put", item: entryItem(workspace, receipt, entry) }]);
    },
  };
}

function isOpen(state: Receipt["state"]): boolean {
  return state !== "freed" && state !== "restored";
}

function receiptItem(receipt: Receipt): Item {
  const { workspace, id, rev, state, ...rest } = receipt;
  return {
    ...gcReceiptKey(workspace, id),
    ...(isOpen(state) ? { gsi1pk: GC_OPEN, gsi1sk: `${gcOpenPrefix(workspace)}${id}` } : {}),
    type: "GC-RECEIPT",
    v: 1,
    workspace,
    id,
    rev,
    state,
    ...(JSON.parse(JSON.stringify(rest)) as Readonly<Record<string, Value>>),
  };
}

function receiptFrom(item: Item): Receipt {
  return checked(item, "GC-RECEIPT") as unknown as Receipt;
}

export function entryItem(workspace: string, receipt: string, entry: Entry): Item {
  const { prefixes, ...rest } = entry;
  return {
    ...gcEntryKey(workspace, receipt, entry.kind, entry.id),
    type: "GC-ENTRY",
    v: 1,
    prefixes: [...prefixes],
    ...(JSON.parse(JSON.stringify(rest)) as Readonly<Record<string, Value>>),
  };
}

function entryFrom(item: Item): Entry {
  const { record: _, ...entry } = checked(item, "GC-ENTRY");
  return entry as unknown as Entry;
}

function checked(item: Item, expected: string): Readonly<Record<string, unknown>> {
  const { pk, sk, type, v, gsi1pk: _, gsi1sk: __, ...rest } = item;
  if (type !== expected || v !== 1)
    throw new AppError("Internal", `record \`${pk}\` / \`${sk}\` is no ${expected} of version 1`);
  return rest;
}
