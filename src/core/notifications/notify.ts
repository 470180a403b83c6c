import type { Activity } from "../../contract/activities.ts";
import { AppError } from "../../contract/errors.ts";
import type { Bus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Vault } from "../ports/vault.ts";
import { fitsPattern } from "../schedules/name-pattern.ts";
import {
  type Courier,
  type Notice,
  type NotificationRecord,
  type NotificationSecret,
  type NotificationStore,
  notificationSecret,
  SEND_TOPIC,
} from "./ports.ts";

export interface NotifyDeps {
  readonly notifications: NotificationStore;
  readonly courier: Courier;
  readonly vault: Vault;
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** What became of what: `job.failed`, `model.registered`, `data.create`. */
export function eventOf({ resource, action, after }: Pick<Activity, "resource" | "action" | "after">): string {
  if (resource === "job" && action === "status") return `job.${String(after?.status).toLowerCase()}`;
  if (resource === "model" && action === "create" && after?.version !== undefined) return "model.registered";
  if (resource === "model" && action === "update" && after?.tagged !== undefined) return "model.tagged";
  return `${resource}.${action}`;
}

/** Sends a message for each notification that an activity is of interest to. */
export async function notifyOf(deps: NotifyDeps, workspace: string, activity: Activity): Promise<void> {
  const event = eventOf(activity);
  let cursor: string | undefined;
  do {
    const page = await deps.notifications.list(workspace, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    const wanted = page.items.filter((it) => isWanted(it, event, activity));
    const { id, at, resource, name, actor, summary } = activity;
    const notice = { id, event, at, workspace, resource, name, actor, summary };
    const messages = wanted.map((it) => ({
      topic: SEND_TOPIC,
      id: `${workspace}.${it.name}.${id}`,
      body: { to: it.name, notice },
    }));
    if (messages.length > 0) await deps.bus.send(messages);
    cursor = page.cursor;
  } while (cursor !== undefined);
}

function isWanted(record: NotificationRecord, event: string, { name, at }: Activity): boolean {
  return (
    record.isEnabled &&
    Date.parse(at) >= record.sinceMs &&
    record.events.some((pattern) => fitsPattern(pattern, event)) &&
    fitsPattern(record.about, name)
  );
}

/** Sends one notice. Throws where it was not taken: the bus tries again, and puts it aside in the end. */
export async function sendNotice(deps: NotifyDeps, name: string, notice: Notice): Promise<void> {
  const { workspace } = notice;
  const record = await deps.notifications.get(workspace, name);
  const kept = await deps.vault.get(notificationSecret(workspace, name));
  if (record === undefined || kept === undefined || !record.isEnabled) return;
  const { channel, secret } = JSON.parse(kept) as NotificationSecret;
  try {
    await deps.courier.send(channel, notice, secret);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // A try, for people to look at: who was faster has one as good.
    const lastFailure = { atMs: deps.clock.now(), reason: reason.slice(0, 500) };
    await deps.notifications.put({ ...record, lastFailure, rev: record.rev + 1 }, record.rev, undefined);
    throw error;
  }
}

/** Sends one now, once. */
export async function testNotification(
  deps: NotifyDeps,
  input: { readonly workspace: string; readonly name: string; readonly actor: string },
): Promise<void> {
  const { workspace, name, actor } = input;
  const record = await deps.notifications.get(workspace, name);
  if (record === undefined)
    throw new AppError("NotFound", `workspace \`${workspace}\` has no notification \`${name}\``);
  if (!record.isEnabled) throw new AppError("Conflict", `notification \`${name}\` is switched off`);
  await sendNotice(deps, name, {
    id: deps.ids.hex32(),
    event: "notification.test",
    at: new Date(deps.clock.now()).toISOString(),
    workspace,
    resource: "notification",
    name,
    actor,
    summary: `a test of notification \`${name}\` of workspace \`${workspace}\``,
  });
}
