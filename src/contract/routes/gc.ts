import * as z from "zod";
import { PageQuery, WorkspaceParams } from "../common.ts";
import { GcItemPage, GcReceipt, GcReceiptPage, GcRequest } from "../gc.ts";
import { defineRoute } from "../route.ts";

const base = "/api/v1/workspaces/{workspace}/gc";
const none = z.object({});
const Receipt = WorkspaceParams.extend({ receipt: z.string().regex(/^[0-9a-z-]{1,80}$/) });
/** Deleting for good, for everybody: an owner's. */
const deletes = { resource: "workspace", action: "delete" } as const;
const reads = { resource: "workspace", action: "read" } as const;

export const gc = {
  start: defineRoute({
    id: "gc.start",
    method: "POST",
    path: base,
    access: deletes,
    summary: "Move what is deleted to the trash, from where its bytes go after a grace period",
    tag: "gc",
    params: WorkspaceParams,
    query: none,
    body: GcRequest,
    answer: GcReceipt,
    status: 202,
  }),
  list: defineRoute({
    id: "gc.list",
    method: "GET",
    path: base,
    access: reads,
    summary: "Receipts, newest first",
    tag: "gc",
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: GcReceiptPage,
  }),
  get: defineRoute({
    id: "gc.get",
    method: "GET",
    path: `${base}/{receipt}`,
    access: reads,
    summary: "A receipt",
    tag: "gc",
    params: Receipt,
    query: none,
    body: undefined,
    answer: GcReceipt,
  }),
  items: defineRoute({
    id: "gc.items",
    method: "GET",
    path: `${base}/{receipt}/items`,
    access: reads,
    summary: "What a receipt is about, thing by thing",
    tag: "gc",
    params: Receipt,
    query: PageQuery,
    body: undefined,
    answer: GcItemPage,
  }),
  advance: defineRoute({
    id: "gc.advance",
    method: "POST",
    path: `${base}/{receipt}/advance`,
    access: deletes,
    summary: "Go on for some seconds with what a receipt has left to do; nothing is due: the receipt as it is",
    tag: "gc",
    params: Receipt,
    query: none,
    body: undefined,
    answer: GcReceipt,
  }),
  restore: defineRoute({
    id: "gc.restore",
    method: "POST",
    path: `${base}/{receipt}/restore`,
    access: deletes,
    summary: "Bring back from the trash all that a receipt put there: it is deleted then, as before",
    tag: "gc",
    params: Receipt,
    query: none,
    body: undefined,
    answer: GcReceipt,
  }),
};
