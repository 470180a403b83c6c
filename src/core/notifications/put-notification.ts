import { AppError } from "../../contract/errors.ts";
import type { Channel, NotificationSpec } from "../../contract/notifications.ts";
import type { Precondition } from "../records/revision.ts";
import type { NotifyDeps } from "./notify.ts";
import { type NotificationRecord, type NotificationSecret, notificationSecret } from "./ports.ts";

interface Named {
  readonly workspace: string;
  readonly name: string;
  readonly actor: string;
  readonly precondition?: Precondition;
}

/** Makes or replaces a notification. Addresses hold secrets: they go to the vault before the record names them. */
export async function putNotification(
  deps: NotifyDeps,
  input: Named & { readonly spec: NotificationSpec },
): Promise<{ readonly record: NotificationRecord; readonly secret?: string }> {
  const { workspace, name, spec, actor } = input;
  const before = await deps.notifications.get(workspace, name);
  input.precondition?.(before === undefined ? undefined : revisedNotification(before));
  await deps.courier.prepare(spec.channel);
  const kept = await deps.vault.get(notificationSecret(workspace, name));
  const known = kept === undefined ? undefined : (JSON.parse(kept) as NotificationSecret).secret;
  const secret = known ?? deps.ids.secret();
  const next: NotificationSecret = { channel: spec.channel, secret };
  await deps.vault.put(notificationSecret(workspace, name), JSON.stringify(next));
  const nowMs = deps.clock.now();
  const record: NotificationRecord = {
    workspace,
    name,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    events: spec.events,
    ...(spec.name === undefined ? {} : { about: spec.name }),
    channel: { type: spec.channel.type, to: shownAddress(spec.channel) },
    isEnabled: spec.is_enabled ?? true,
    sinceMs: nowMs,
    createdMs: before?.createdMs ?? nowMs,
    createdBy: before?.createdBy ?? actor,
    rev: (before?.rev ?? 0) + 1,
  };
  const action = before === undefined ? "create" : "update";
  const summary = `notification \`${name}\` ${before === undefined ? "made" : "changed"}`;
  if (!(await deps.notifications.put(record, before?.rev ?? 0, { actor, action, summary }))) throw changed(name);
  return { record, ...(known === undefined && spec.channel.type === "webhook" ? { secret } : {}) };
}

/** Forgets a notification. */
export async function deleteNotification(deps: NotifyDeps, input: Named): Promise<void> {
  const { workspace, name, actor } = input;
  const record = await deps.notifications.get(workspace, name);
  input.precondition?.(record === undefined ? undefined : revisedNotification(record));
  if (record === undefined)
    throw new AppError("NotFound", `workspace \`${workspace}\` has no notification \`${name}\``);
  if (!(await deps.notifications.delete(record, actor))) throw changed(name);
  await deps.vault.delete(notificationSecret(workspace, name));
}

export function revisedNotification({ rev, createdMs }: NotificationRecord) {
  return { rev, createdAt: new Date(createdMs).toISOString() };
}

/** An address without what lets others send to it. */
function shownAddress(channel: Channel): string {
  switch (channel.type) {
    case "webhook":
    case "slack":
      return new URL(channel.url).host;
    case "sns":
      return channel.topic_arn;
    case "email":
      return channel.address;
    case "console":
      return "";
  }
}

function changed(name: string): AppError {
  return new AppError("Conflict", `notification \`${name}\` was changed meanwhile`, {
    hint: "look at it and try again",
  });
}
