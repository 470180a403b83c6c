import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import { ABSENT, type Clause, type Item, type Table } from "../core/ports/table.ts";
import type { SecretRecord, SecretStore } from "../core/secrets/ports.ts";
import { secretList, secretRecordKey } from "./facts/keys.ts";

export function openSecretStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): SecretStore {
  const { table, activity } = deps;
  return {
    async get(workspace, name) {
      const item = await table.get(secretRecordKey(workspace, name));
      return item === undefined ? undefined : fromItem(item);
    },
    async list(workspace, { limit, cursor }) {
      const page = await table.query({
        pk: secretList(workspace),
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items.map(fromItem), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async put(record, expectedRev) {
      const { workspace, name, updatedBy: actor } = record;
      const isNew = expectedRev === 0;
      const { ok } = await table.transact([
        { kind: "put", item: toItem(record), when: isNew ? ABSENT : atRev(expectedRev) },
        activity({
          workspace,
          actor,
          resource: "secret",
          name,
          action: isNew ? "create" : "update",
          summary: `secret \`${name}\` ${isNew ? "made" : "given another value"}`,
        }),
      ]);
      return ok;
    },
    async delete({ workspace, name, rev }, actor) {
      const summary = `secret \`${name}\` deleted`;
      const { ok } = await table.transact([
        { kind: "delete", key: secretRecordKey(workspace, name), when: atRev(rev) },
        activity({ workspace, actor, resource: "secret", name, action: "delete", summary }),
      ]);
      return ok;
    },
  };
}

const atRev = (rev: number): readonly Clause[] => [{ attr: "rev", op: "eq", value: rev }];

function toItem(record: SecretRecord): Item {
  return { ...secretRecordKey(record.workspace, record.name), type: "secret", v: 1, ...record };
}

function fromItem(item: Item): SecretRecord {
  if (item.type !== "secret" || item.v !== 1) {
    throw new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no secret of version 1`);
  }
  const { pk: _pk, sk: _sk, type: _type, v: _v, ...rest } = item;
  return rest as unknown as SecretRecord;
}
