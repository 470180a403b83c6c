import * as z from "zod";
import { ActivityPage } from "../activities.ts";
import { Empty, PageQuery, pageOf, ResourceName, WorkspaceParams } from "../common.ts";
import { Compute, ComputeSpec } from "../computes.ts";
import { Datastore, DatastoreSpec } from "../datastores.ts";
import { FolderPage } from "../files.ts";
import { defineRoute } from "../route.ts";
import { Secret, SecretName, SecretSpec } from "../secrets.ts";
import { Workspace, WorkspaceContents, WorkspaceSpec } from "../workspaces.ts";

const base = "/api/v1/workspaces/{workspace}";
const none = z.object({});
const Named = WorkspaceParams.extend({ name: ResourceName });

export const workspaces = {
  list: defineRoute({
    id: "workspaces.list",
    method: "GET",
    path: "/api/v1/workspaces",
    access: { resource: "workspace", action: "read" },
    summary: "Workspaces",
    tag: "workspaces",
    params: none,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Workspace),
  }),
  get: defineRoute({
    id: "workspaces.get",
    method: "GET",
    path: base,
    access: { resource: "workspace", action: "read" },
    summary: "A workspace",
    tag: "workspaces",
    params: WorkspaceParams,
    query: none,
    body: undefined,
    answer: Workspace,
  }),
  put: defineRoute({
    id: "workspaces.put",
    method: "PUT",
    path: base,
    access: { resource: "workspace", action: "create" },
    summary: "Make or change a workspace",
    tag: "workspaces",
    params: WorkspaceParams,
    query: none,
    body: WorkspaceSpec,
    answer: Workspace,
  }),
  delete: defineRoute({
    id: "workspaces.delete",
    method: "DELETE",
    path: base,
    access: { resource: "workspace", action: "delete" },
    summary:
      "Delete a workspace: an empty one at once; with `contents` one with all that is in it, after a time in which it can be restored",
    tag: "workspaces",
    params: WorkspaceParams,
    query: z.object({
      contents: z.enum(["true", "false"]).optional(),
      /** How long it can be restored; default 7 days, at least 5 minutes. */
      grace_sec: z.coerce
        .number()
        .int()
        .min(300)
        .max(366 * 86_400)
        .optional(),
    }),
    body: undefined,
    answer: Empty,
  }),
  contents: defineRoute({
    id: "workspaces.contents",
    method: "GET",
    path: `${base}/contents`,
    access: { resource: "workspace", action: "read" },
    summary: "What is in a workspace, and would go with it",
    tag: "workspaces",
    params: WorkspaceParams,
    query: none,
    body: undefined,
    answer: WorkspaceContents,
  }),
  restore: defineRoute({
    id: "workspaces.restore",
    method: "POST",
    path: `${base}/restore`,
    access: { resource: "workspace", action: "delete" },
    summary: "Take back a deletion while it can be",
    tag: "workspaces",
    params: WorkspaceParams,
    query: none,
    body: undefined,
    answer: Workspace,
  }),
};

export const computes = {
  list: defineRoute({
    id: "computes.list",
    method: "GET",
    path: `${base}/computes`,
    access: { resource: "compute", action: "read" },
    summary: "Computes",
    tag: "computes",
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Compute),
  }),
  get: defineRoute({
    id: "computes.get",
    method: "GET",
    path: `${base}/computes/{name}`,
    access: { resource: "compute", action: "read" },
    summary: "A compute",
    tag: "computes",
    params: Named,
    query: none,
    body: undefined,
    answer: Compute,
  }),
  put: defineRoute({
    id: "computes.put",
    method: "PUT",
    path: `${base}/computes/{name}`,
    access: { resource: "compute", action: "create" },
    summary: "Make or change a compute; credentials go to the vault",
    tag: "computes",
    params: Named,
    query: none,
    body: ComputeSpec,
    answer: Compute,
  }),
  delete: defineRoute({
    id: "computes.delete",
    method: "DELETE",
    path: `${base}/computes/{name}`,
    access: { resource: "compute", action: "delete" },
    summary: "Delete a compute; InUse while jobs are on it",
    tag: "computes",
    params: Named,
    query: none,
    body: undefined,
    answer: Empty,
  }),
};

export const datastores = {
  list: defineRoute({
    id: "datastores.list",
    method: "GET",
    path: `${base}/datastores`,
    access: { resource: "datastore", action: "read" },
    summary: "Datastores",
    tag: "datastores",
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Datastore),
  }),
  get: defineRoute({
    id: "datastores.get",
    method: "GET",
    path: `${base}/datastores/{name}`,
    access: { resource: "datastore", action: "read" },
    summary: "A datastore, without credentials",
    tag: "datastores",
    params: Named,
    query: none,
    body: undefined,
    answer: Datastore,
  }),
  put: defineRoute({
    id: "datastores.put",
    method: "PUT",
    path: `${base}/datastores/{name}`,
    access: { resource: "datastore", action: "create" },
    summary: "Make or change a datastore; credentials go to the vault",
    tag: "datastores",
    params: Named,
    query: none,
    body: DatastoreSpec,
    answer: Datastore,
  }),
  delete: defineRoute({
    id: "datastores.delete",
    method: "DELETE",
    path: `${base}/datastores/{name}`,
    access: { resource: "datastore", action: "delete" },
    summary: "Forget a datastore; its files stay",
    tag: "datastores",
    params: Named,
    query: none,
    body: undefined,
    answer: Empty,
  }),
  browse: defineRoute({
    id: "datastores.browse",
    method: "GET",
    path: `${base}/datastores/{name}/folder`,
    access: { resource: "datastore", action: "read" },
    summary: "One level of a folder",
    tag: "datastores",
    params: Named,
    query: PageQuery.extend({ path: z.string().max(1024).optional() }),
    body: undefined,
    answer: FolderPage,
  }),
};

const SecretParams = WorkspaceParams.extend({ name: SecretName });

export const secrets = {
  list: defineRoute({
    id: "secrets.list",
    method: "GET",
    path: `${base}/secrets`,
    access: { resource: "secret", action: "read" },
    summary: "Secrets by name, without their values",
    tag: "secrets",
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Secret),
  }),
  put: defineRoute({
    id: "secrets.put",
    method: "PUT",
    path: `${base}/secrets/{name}`,
    access: { resource: "secret", action: "create" },
    summary: "Make a secret, or give it another value",
    tag: "secrets",
    params: SecretParams,
    query: none,
    body: SecretSpec,
    answer: Secret,
  }),
  delete: defineRoute({
    id: "secrets.delete",
    method: "DELETE",
    path: `${base}/secrets/{name}`,
    access: { resource: "secret", action: "delete" },
    summary: "Delete a secret",
    tag: "secrets",
    params: SecretParams,
    query: none,
    body: undefined,
    answer: Empty,
  }),
};

export const activities = {
  list: defineRoute({
    id: "activities.list",
    method: "GET",
    path: `${base}/activities`,
    access: { resource: "activity", action: "read" },
    summary: "What was done, newest first",
    tag: "activities",
    params: WorkspaceParams,
    query: PageQuery.extend({
      resource: z.string().max(50).optional(),
      name: z.string().max(600).optional(),
      actor: z.string().max(600).optional(),
      action: z.string().max(50).optional(),
    }),
    body: undefined,
    answer: ActivityPage,
  }),
};
