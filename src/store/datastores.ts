import { DEFAULT_DATASTORE } from "../contract/datastores.ts";
import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { DatastoreRecord, DatastoreStore } from "../core/datastores/ports.ts";
import { ABSENT, type Clause, type Item, type Table, type Value, type Write } from "../core/ports/table.ts";
import { datastoreKey, datastoreList } from "./facts/keys.ts";

/** The workspace's own storage, made with the workspace. */
export function defaultDatastoreWrite(workspace: string, createdBy: string, createdAt: string): Write {
  const record: DatastoreRecord = {
    workspace,
    name: DEFAULT_DATASTORE,
    type: "workspace",
    tags: {},
    settings: {},
    hasCredentials: false,
    createdAt,
    createdBy,
    rev: 1,
  };
  return { kind: "put", item: toItem(record) };
}

export function openDatastoreStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): DatastoreStore {
  const { table, activity } = deps;
  return {
    async get(workspace, name) {
      const item = await table.get(datastoreKey(workspace, name));
      return item === undefined ? undefined : fromItem(item);
    },
    async list(workspace, { limit, cursor }) {
      const page = await table.query({
        pk: datastoreList(workspace),
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return {
        items: page.items.map(fromItem),
        ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
      };
    },
    async put(record, expectedRev, actor) {
      const { workspace, name } = record;
      const made = expectedRev === 0;
      const { ok } = await table.transact([
        { kind: "put", item: toItem(record), when: made ? ABSENT : atRev(expectedRev) },
        activity({
          workspace,
          actor,
          resource: "datastore",
          name,
          action: made ? "create" : "update",
          summary: `datastore \`${name}\` of type \`${record.type}\` ${made ? "made" : "changed"}`,
          after: { ...(record.settings as Record<string, Value>), has_credentials: record.hasCredentials },
        }),
      ]);
      return ok;
    },
    async delete({ workspace, name, rev }, actor) {
      const { ok } = await table.transact([
        { kind: "delete", key: datastoreKey(workspace, name), when: atRev(rev) },
        activity({
          workspace,
          actor,
          resource: "datastore",
          name,
          action: "delete",
          summary: `datastore \`${name}\` forgotten`,
        }),
      ]);
      return ok;
    },
  };
}

const atRev = (rev: number): readonly Clause[] => [{ attr: "rev", op: "eq", value: rev }];

function toItem(record: DatastoreRecord): Item {
  const { workspace, name, type, settings, tags, ...rest } = record;
  return {
    ...datastoreKey(workspace, name),
    ...rest,
    type: "datastore",
    v: 1,
    workspace,
    name,
    kind: type,
    settings: settings as Record<string, Value>,
    tags: { ...tags },
  };
}

function fromItem(item: Item): DatastoreRecord {
  if (item.type !== "datastore" || item.v !== 1) {
    throw new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no datastore of version 1`);
  }
  const { workspace, name, kind, settings, tags, description, hasCredentials, createdAt, createdBy, rev } =
    item as unknown as Omit<DatastoreRecord, "type"> & { readonly kind: string };
  return {
    workspace,
    name,
    type: kind,
    settings,
    tags,
    hasCredentials,
    createdAt,
    createdBy,
    rev,
    ...(description === undefined ? {} : { description }),
  };
}
