import type { Cause } from "../../contract/schedules.ts";
import { type FireDeps, fireFor } from "./fire.ts";
import { fileCause } from "./look-for-files.ts";
import { fitsPattern } from "./name-pattern.ts";

/** An event of EventBridge, as far as anybody here looks. */
export interface ForeignEvent {
  readonly id?: string;
  readonly source?: string;
  readonly "detail-type"?: string;
  readonly time?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Where the files of a trigger are, as events of the bucket name them. */
export interface WatchedFolder {
  readonly bucket: string;
  /** With a slash at its end, or empty. */
  readonly prefix: string;
}

const VALUE_LIMIT_CHARS = 5000;

/** Fires the schedule that an event was sent for, if it is what the schedule waits for. False: there is no such schedule any more. */
export async function fireForEvent(
  deps: FireDeps & { readonly folderOf: (workspace: string, uri: string) => Promise<WatchedFolder | undefined> },
  { workspace, name, event }: { readonly workspace: string; readonly name: string; readonly event: ForeignEvent },
): Promise<boolean> {
  const schedule = await deps.schedules.get(workspace, name);
  if (schedule === undefined) return false;
  if (!schedule.isEnabled || !(await deps.isThere(workspace))) return true;
  const { trigger } = schedule;
  if (trigger.type === "event") await fireFor(deps, schedule, eventCause(event));
  if (trigger.type !== "file") return true;
  const folder = await deps.folderOf(workspace, trigger.path);
  const object = event.detail?.object as { readonly key?: string; readonly sequencer?: string } | undefined;
  const key = object?.key ?? "";
  if (folder === undefined || !key.startsWith(folder.prefix) || key.endsWith("/")) return true;
  const path = key.slice(folder.prefix.length);
  // The sequencer is another one for each time the object was written, and the same in an event that comes twice.
  if (fitsPattern(trigger.pattern, path))
    await fireFor(deps, schedule, fileCause(trigger.path, path, object?.sequencer ?? event.id ?? "", event.time));
  return true;
}

function eventCause(event: ForeignEvent): Cause {
  const { id = "", source = "", "detail-type": type = "", time = "", detail = {} } = event;
  const values: Record<string, string> = { event: id, source, detail_type: type, time };
  for (const [key, value] of Object.entries(detail)) {
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (isPlain && /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(key) && String(value).length <= VALUE_LIMIT_CHARS)
      values[key] ??= String(value);
  }
  return { id: `event#${id}`, type: "event", summary: `${source}: ${type}`, values };
}
