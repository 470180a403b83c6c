import { AppError } from "../contract/errors.ts";
import type { CreateJob } from "../contract/jobs.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import { ABSENT, type Clause, type Item, type Table, type Value, type Write } from "../core/ports/table.ts";
import type { FiringRecord, ScheduleRecord, ScheduleStore } from "../core/schedules/ports.ts";
import {
  firingKey,
  firingList,
  OPEN_FIRINGS,
  padded,
  scheduleJobKey,
  scheduleKey,
  scheduleList,
} from "./facts/keys.ts";
import { deleteItems, itemsOf } from "./partitions.ts";

/** Causes are remembered for so long; no home tells of anything later than that. */
const KEPT_SEC = 90 * 86_400;

/** Schedules over the record store. The record is light: whoever looks for those that wait for something reads all of them. */
export function openScheduleStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): ScheduleStore {
  const { table, activity } = deps;
  const deed = (workspace: string, name: string, actor: string, action: string, summary: string, more = {}): Write =>
    activity({ workspace, actor, resource: "schedule", name, action, summary, ...more });

  return {
    async get(workspace, name) {
      const item = await table.get(scheduleKey(workspace, name));
      return item === undefined ? undefined : recordOf(item);
    },
    async template(workspace, name) {
      const item = await table.get(scheduleJobKey(workspace, name));
      return item === undefined ? undefined : (fieldOf(item, "schedule-job", "request") as unknown as CreateJob);
    },
    async list(workspace, { limit, cursor }) {
      const page = await table.query({
        pk: scheduleList(workspace),
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items.map(recordOf), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async put(record, expectedRev, { actor, action, summary }, template) {
      const { workspace, name, trigger, isEnabled } = record;
      const after = { trigger: plain(trigger), is_enabled: isEnabled };
      const writes: Write[] = [
        { kind: "put", item: itemOf(record), when: expectedRev === 0 ? ABSENT : atRev(expectedRev) },
        deed(workspace, name, actor, action, summary, { after }),
      ];
      if (template !== undefined) writes.push({ kind: "put", item: templateItem(workspace, name, template) });
      return (await table.transact(writes)).ok;
    },
    async delete({ workspace, name, rev }, actor) {
      const { ok } = await table.transact([
        { kind: "delete", key: scheduleKey(workspace, name), when: atRev(rev) },
        { kind: "delete", key: scheduleJobKey(workspace, name) },
        deed(workspace, name, actor, "delete", `schedule \`${name}\` deleted`),
      ]);
      if (ok) await deleteItems(table, { pk: firingKey(workspace, name, "-").pk });
      return ok;
    },
    async fire(firings, schedule) {
      const { before, after, words } = schedule ?? {};
      const change: Write[] =
        before === undefined || after === undefined
          ? []
          : [{ kind: "put", item: itemOf(after), when: atRev(before.rev) }];
      const said: Write[] =
        after === undefined || words === undefined
          ? []
          : [deed(after.workspace, after.name, "system", "skip", `schedule \`${after.name}\`: ${words}`)];
      const { ok, failed } = await transactAll(table, [
        ...firings.map((firing): Write => ({ kind: "put", item: firingItem(firing), when: ABSENT })),
        ...change,
        ...firings.map(({ workspace, schedule: name, cause, id }) =>
          deed(workspace, name, "system", "fire", `schedule \`${name}\` fired: ${cause.summary}`, {
            after: { cause: cause.id, firing: id },
          }),
        ),
        ...said,
      ]);
      if (ok) return "made";
      return failed.some(({ index }) => index < firings.length) ? "known" : "stale";
    },
    async firing(workspace, schedule, id) {
      const item = await table.get(firingKey(workspace, schedule, id));
      return item === undefined ? undefined : firingOf(item);
    },
    async firings(workspace, schedule, { limit, cursor }) {
      const page = await table.query({
        index: "gsi1",
        pk: firingList(workspace, schedule),
        reverse: true,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { items: page.items.map(firingOf), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async open() {
      const found: FiringRecord[] = [];
      for await (const item of itemsOf(table, { index: "gsi2", pk: OPEN_FIRINGS })) found.push(firingOf(item));
      return found;
    },
    async end(firing) {
      const { workspace, schedule, state, reason = "" } = firing;
      const when: readonly Clause[] = [{ attr: "state", op: "eq", value: "open" }];
      const failure = `schedule \`${schedule}\` could not do what it is for: ${reason}`;
      await table.transact([
        { kind: "put", item: firingItem(firing), when },
        ...(state === "failed" ? [deed(workspace, schedule, "system", "fail", failure)] : []),
      ]);
    },
  };
}

async function transactAll(table: Table, writes: readonly Write[]) {
  const result = await table.transact(writes);
  return { ok: result.ok, failed: result.ok ? [] : result.failed };
}

const atRev = (rev: number): readonly Clause[] => [{ attr: "rev", op: "eq", value: rev }];
const plain = (value: unknown): Value => JSON.parse(JSON.stringify(value)) as Value;

function itemOf(record: ScheduleRecord): Item {
  const { workspace, name, rev } = record;
  return { ...scheduleKey(workspace, name), type: "schedule", v: 1, rev, schedule: plain(record) };
}

function recordOf(item: Item): ScheduleRecord {
  return fieldOf(item, "schedule", "schedule") as unknown as ScheduleRecord;
}

function templateItem(workspace: string, name: string, request: CreateJob): Item {
  return { ...scheduleJobKey(workspace, name), type: "schedule-job", v: 1, request: plain(request) };
}

function firingItem(firing: FiringRecord): Item {
  const { workspace, schedule, id, atMs, state } = firing;
  const time = `${padded(atMs)}#${id}`;
  return {
    ...firingKey(workspace, schedule, id),
    gsi1pk: firingList(workspace, schedule),
    gsi1sk: time,
    ...(state === "open" ? { gsi2pk: OPEN_FIRINGS, gsi2sk: time } : {}),
    type: "firing",
    v: 1,
    state,
    expires: Math.floor(atMs / 1000) + KEPT_SEC,
    firing: plain(firing),
  };
}

function firingOf(item: Item): FiringRecord {
  return fieldOf(item, "firing", "firing") as unknown as FiringRecord;
}

function fieldOf(item: Item, type: string, field: string): Value {
  const value = item[field];
  if (item.type === type && item.v === 1 && typeof value === "object" && !(value instanceof Uint8Array)) return value;
  throw new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no ${type} of version 1`);
}
