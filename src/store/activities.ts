import type { Activity } from "../contract/activities.ts";
import { AppError } from "../contract/errors.ts";
import type { ActivityFilter, ActivityStore, ActivityWrite, NewActivity } from "../core/activities/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Item, Page, Table } from "../core/ports/table.ts";
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

/** Reads activities, newest first: of one subject through gsi1, else month by month. The cursor is the last sort key seen, or a month. */
export function openActivityStore(deps: { readonly table: Table }): ActivityStore {
  return {
    async list({ workspace, filter, limit, cursor, newestMs, oldestMs }) {
      const { resource, name } = filter;
      const subject =
        resource === undefined || name === undefined ? undefined : activitySubject(workspace, resource, name);
      const oldest = monthOf(oldestMs);
      const items: Activity[] = [];
      let position = cursor === undefined ? monthOf(newestMs) : checkCursor(cursor);
      for (let read = 0; read < READ_LIMIT; read += READ_AT_ONCE) {
        const month = position.slice(0, MONTH_CHARS);
        const page = await readBack(deps.table, workspace, subject, position);
        for (const activity of page) {
          if (!matches(activity, filter)) continue;
          if (items.length === limit) return { items, cursor: position };
          items.push(activity);
          position = `${activity.at}#${activity.id}`;
        }
        const last = page.at(-1);
        if (page.length < READ_AT_ONCE || last === undefined) {
          if (subject !== undefined || month <= oldest) return { items };
          position = monthBefore(month);
        } else position = `${last.at}#${last.id}`;
      }
      return { items, cursor: position };
    },
  };
}

/** Up to READ_AT_ONCE activities before `position`; all that are left where fewer come. */
async function readBack(
  table: Table,
  workspace: string,
  subject: string | undefined,
  position: string,
): Promise<readonly Activity[]> {
  const whole = position.length === MONTH_CHARS;
  const items: Activity[] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await table.query({
      ...(subject === undefined
        ? { pk: activityMonth(workspace, position.slice(0, MONTH_CHARS)) }
        : { index: "gsi1", pk: subject }),
      ...(whole ? {} : { sk: { to: position } }),
      reverse: true,
      limit: READ_AT_ONCE + 1 - items.length,
      ...(cursor === undefined ? {} : { cursor }),
    });
    // The bound is inclusive, and the activity at the position was seen.
    items.push(
      ...page.items
        .filter((item) => whole || item[subject === undefined ? "sk" : "gsi1sk"] !== position)
        .map(activityOf),
    );
    cursor = page.cursor;
  } while (cursor !== undefined && items.length < READ_AT_ONCE);
  return items.slice(0, READ_AT_ONCE);
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

const MONTH_CHARS = 7;
const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, MONTH_CHARS);

function monthBefore(month: string): string {
  return monthOf(Date.parse(`${month}-01T00:00:00.000Z`) - 1);
}

function checkCursor(cursor: string): string {
  if (/^20\d\d-(?:0[1-9]|1[0-2])(?:-\d\dT[\d:.]{12}Z#\w{1,40})?$/.test(cursor)) return cursor;
  throw new AppError("InvalidCursor", "the cursor is not one of this list");
}
