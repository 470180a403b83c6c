import * as z from "zod";
import { Empty, PageQuery, ResourceName, WorkspaceParams } from "../common.ts";
import { Notification, NotificationPage, NotificationSpec } from "../notifications.ts";
import { defineRoute } from "../route.ts";

const base = "/api/v1/workspaces/{workspace}/notifications";
const one = `${base}/{name}`;
const none = z.object({});
const Named = WorkspaceParams.extend({ name: ResourceName });

export const notifications = {
  list: defineRoute({
    id: "notifications.list",
    method: "GET",
    path: base,
    access: { resource: "notification", action: "read" },
    summary: "Notifications, by name",
    tag: "notifications",
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: NotificationPage,
  }),
  put: defineRoute({
    id: "notifications.put",
    method: "PUT",
    path: one,
    access: { resource: "notification", action: "create" },
    summary: "Make or replace a notification",
    tag: "notifications",
    params: Named,
    query: none,
    body: NotificationSpec,
    answer: Notification,
  }),
  delete: defineRoute({
    id: "notifications.delete",
    method: "DELETE",
    path: one,
    access: { resource: "notification", action: "delete" },
    summary: "Forget a notification",
    tag: "notifications",
    params: Named,
    query: none,
    body: undefined,
    answer: Empty,
  }),
  test: defineRoute({
    id: "notifications.test",
    method: "POST",
    path: `${one}/test`,
    access: { resource: "notification", action: "run" },
    summary: "Send one now, once, and tell how it went",
    tag: "notifications",
    params: Named,
    query: none,
    body: undefined,
    answer: Empty,
  }),
};
