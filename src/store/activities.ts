import type { Activity } from "../contract/activities.ts";
import { AppError } from "../contract/errors.ts";
import type { ActivityFilter, ActivityStore, ActivityWrite, NewActivity } from "../core/activities/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Item, Table } from "../core/ports/table.ts";
import { activityKey, activityMonth, activitySubject, padded } from "./facts/keys.ts";

/** Longest text kept of one field of `before` and `after`: an activity tells what changed, it is no backup. */
const FIELD_LIMIT_CHARS = 2000;
/** Items read for one page at most, so that a filter which matches nothing still answers soon, with a cursor. */
const READ_LIMIT = 5000;
const READ_AT_ONCE = 500;

/** Makes the write that stores put into their transactions. Two activities of one process keep their order, also within a millisecond. */
export function makeActivityWrite(deps: { readonly clock: Clock; readonly ids: Ids }): ActivityWrite {
  let count = 0;
  return (activity) => {
    count = (count + 1) % 1_000_000;
    const at = new Date(deps.clock.now()).toISOString();
    const id = padded(count, 6) + deps.ids.hex32().slice(0, 20);
    const key = activityKey(activity.workspace, at, id);
    return {
      kind: "put",
      item: {
        ...key,
        type: "activity",
        v: 1,
        gsi1pk: activitySubject(activity.workspace, activity.resource, activity.name),
        gsi1sk: key.sk,
        id,
        at,
        ...fieldsOf(activity),
      },
    };
  };
}

function fieldsOf(activity: NewActivity) {
  const { actor, resource, name, action, summary, before, after } = activity;
  return {
    actor,
    resource,
    name,
    action,
    summary,
    ...(before === undefined ? {} : { before: shortened(before) }),
    ...(after === undefined ? {} : { after: shortened(after) }),
  };
}

type Fields = NonNullable<NewActivity["after"]>;

function shortened(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return [name, text.length <= FIELD_LIMIT_CHARS ? value : `${text.slice(0, FIELD_LIMIT_CHARS).toWellFormed()}…`];
    }),
  );
}

/** Reads activities, newest first: of one subject through gsi1, else month by month. */
export function openActivityStore(deps: { readonly table: Table }): ActivityStore {
  return {
    async list({ workspace, filter, limit, cursor, newestMs, oldestMs }) {
      const position = cursor === undefined ? { month: monthOf(newestMs) } : parseCursor(cursor);
      const subject = filter.resource !== undefined && filter.name !== undefined;
      const oldest = monthOf(oldestMs);
      const items: Activity[] = [];
      let { month, inner }: Position = position;
      let budget = READ_LIMIT;
      while (subject || month >= oldest) {
        const page = await deps.table.query({
          ...(subject
            ? { index: "gsi1", pk: activitySubject(workspace, filter.resource ?? "", filter.name ?? "") }
            : { pk: activityMonth(workspace, month) }),
          reverse: true,
          // A page is never read past what the answer takes, so that its cursor is the answer's.
          limit: Math.min(limit - items.length, READ_AT_ONCE),
          ...(inner === undefined ? {} : { cursor: inner }),
        });
        items.push(...page.items.map(activityOf).filter((activity) => matches(activity, filter)));
        budget -= page.items.length + 1;
        inner = page.cursor;
        if (inner === undefined) {
          if (subject) return { items };
          month = monthBefore(month);
        }
        if (items.length >= limit || budget <= 0) {
          return subject || inner !== undefined || month >= oldest
            ? { items, cursor: formatCursor({ month, ...(inner === undefined ? {} : { inner }) }) }
            : { items };
        }
      }
      return { items };
    },
  };
}

function matches(activity: Activity, filter: ActivityFilter): boolean {
  return (
    (filter.resource === undefined || activity.resource === filter.resource) &&
    (filter.name === undefined || activity.name === filter.name) &&
    (filter.actor === undefined || activity.actor === filter.actor) &&
    (filter.action === undefined || activity.action === filter.action)
  );
}

function activityOf(item: Item): Activity {
  const { id, at, actor, resource, name, action, summary, before, after } = item as unknown as Activity;
  return {
    id,
    at,
    actor,
    resource,
    name,
    action,
    summary,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}

interface Position {
  readonly month: string;
  readonly inner?: string;
}

const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7);

function monthBefore(month: string): string {
  return monthOf(Date.parse(`${month}-01T00:00:00.000Z`) - 1);
}

function formatCursor({ month, inner }: Position): string {
  return `${month}.${inner ?? ""}`;
}

function parseCursor(cursor: string): Position {
  const match = /^(\d{4}-(?:0[1-9]|1[0-2]))\.([\w-]*)$/.exec(cursor);
  if (match?.[1] === undefined) throw new AppError("InvalidCursor", "the cursor is not one of this list");
  return match[2] === undefined || match[2] === "" ? { month: match[1] } : { month: match[1], inner: match[2] };
}
