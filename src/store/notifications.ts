import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { NotificationRecord, NotificationStore } from "../core/notifications/ports.ts";
import { ABSENT, type Clause, type Item, type Table, type Value, type Write } from "../core/ports/table.ts";
import { notificationKey, notificationList } from "./facts/keys.ts";

/** Notifications over the record store. */
export function openNotificationStore(deps: {
  readonly table: Table;
  readonly activity: ActivityWrite;
}): NotificationStore {
  const { table, activity } = deps;
  return {
    async get(workspace, name) {
      const item = await table.get(notificationKey(workspace, name));
      return item === undefined ? undefined : recordOf(item);
    },
    async list(workspace, { limit, cursor }) {
      const page = await table.query({
        pk: notificationList(workspace),
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items.map(recordOf), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async put(record, expectedRev, deed) {
      const { workspace, name } = record;
      const writes: Write[] = [
        { kind: "put", item: itemOf(record), when: expectedRev === 0 ? ABSENT : atRev(expectedRev) },
      ];
      if (deed !== undefined) writes.push(activity({ workspace, resource: "notification", name, ...deed }));
      return (await table.transact(writes)).ok;
    },
    async delete({ workspace, name, rev }, actor) {
      const summary = `notification \`${name}\` deleted`;
      const { ok } = await table.transact([
        { kind: "delete", key: notificationKey(workspace, name), when: atRev(rev) },
        activity({ workspace, actor, resource: "notification", name, action: "delete", summary }),
      ]);
      return ok;
    },
  };
}

const atRev = (rev: number): readonly Clause[] => [{ attr: "rev", op: "eq", value: rev }];

function itemOf(record: NotificationRecord): Item {
  const { workspace, name, rev } = record;
  const notification = JSON.parse(JSON.stringify(record)) as Value;
  return { ...notificationKey(workspace, name), type: "notification", v: 1, rev, notification };
}

function recordOf(item: Item): NotificationRecord {
  if (item.type === "notification" && item.v === 1) return item.notification as unknown as NotificationRecord;
  throw new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no notification of version 1`);
}
