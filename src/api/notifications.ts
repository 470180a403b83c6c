import type { Notification } from "../contract/notifications.ts";
import { notifications as routes } from "../contract/routes/notifications.ts";
import { type NotifyDeps, testNotification } from "../core/notifications/notify.ts";
import type { NotificationRecord } from "../core/notifications/ports.ts";
import { deleteNotification, putNotification, revisedNotification } from "../core/notifications/put-notification.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { RawRoute } from "./raw-route.ts";

export function makeNotificationRoutes(deps: NotifyDeps): RawRoute[] {
  return [
    implement(routes.list, async ({ params, query }) =>
      answerPage(await deps.notifications.list(params.workspace, pageOf(query)), (record) => view(record)),
    ),
    implement(routes.put, async ({ params, body, call }) => {
      const actor = call.principal.name;
      const asked = { ...params, spec: body, actor, precondition: preconditionOf(call) };
      const { record, secret } = await putNotification(deps, asked);
      return new Answer(view(record, secret), { headers: etagHeader(revisedNotification(record)) });
    }),
    implement(routes.delete, async ({ params, call }) => {
      await deleteNotification(deps, { ...params, actor: call.principal.name, precondition: preconditionOf(call) });
      return {};
    }),
    implement(routes.test, async ({ params, call }) => {
      await testNotification(deps, { ...params, actor: call.principal.name });
      return {};
    }),
  ];
}

function view(record: NotificationRecord, secret?: string): Notification {
  const { name, description, events, about, channel, isEnabled, lastFailure, createdMs, createdBy } = record;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    events: [...events],
    ...(about === undefined ? {} : { about }),
    channel,
    is_enabled: isEnabled,
    ...(secret === undefined ? {} : { secret }),
    ...(lastFailure === undefined
      ? {}
      : { last_failure: { at: new Date(lastFailure.atMs).toISOString(), reason: lastFailure.reason } }),
    created_at: new Date(createdMs).toISOString(),
    created_by: createdBy,
  };
}
