import { DEFAULT_DATASTORE } from "../contract/datastores.ts";
import { workspaces as routes } from "../contract/routes/places.ts";
import type { Workspace } from "../contract/workspaces.ts";
import { allows } from "../core/auth/allow.ts";
import { deleteWorkspace } from "../core/workspaces/delete-workspace.ts";
import { getWorkspace } from "../core/workspaces/get-workspace.ts";
import type { WorkspaceRecord } from "../core/workspaces/ports.ts";
import { type PutWorkspaceDeps, putWorkspace } from "../core/workspaces/put-workspace.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { Call, RawRoute } from "./raw-route.ts";

const READ = { resource: "workspace", action: "read" } as const;

export function makeWorkspaceRoutes(deps: PutWorkspaceDeps): RawRoute[] {
  return [
    implement(routes.list, async ({ query, call }) => {
      const page = await deps.workspaces.list(pageOf(query));
      const readable = page.items.filter(({ name }) => allows(call.principal, READ, name));
      return answerPage({ ...page, items: readable }, (record) => view(record, call));
    }),
    implement(routes.get, async ({ params, call }) => answer(await getWorkspace(deps, params.workspace), call)),
    implement(routes.put, async ({ params, body, call }) => {
      const { record } = await putWorkspace(deps, {
        name: params.workspace,
        spec: body,
        actor: call.principal.name,
        precondition: preconditionOf(call),
      });
      return answer(record, call);
    }),
    implement(routes.delete, async ({ params, call }) => {
      const precondition = preconditionOf(call);
      await deleteWorkspace(deps, { name: params.workspace, actor: call.principal.name, precondition });
      return {};
    }),
  ];
}

function answer(record: WorkspaceRecord, call: Call): Answer<Workspace> {
  return new Answer(view(record, call), { headers: etagHeader(record) });
}

function view(record: WorkspaceRecord, call: Call): Workspace {
  const { name, displayName, description, tags, retention, createdAt, createdBy } = record;
  return {
    name,
    id: `/workspaces/${name}`,
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(description === undefined ? {} : { description }),
    tags: { ...tags },
    mlflow_tracking_uri: `${call.url.origin}/w/${name}`,
    default_datastore: DEFAULT_DATASTORE,
    ...(retention === undefined ? {} : { retention }),
    created_at: createdAt,
    created_by: createdBy,
  };
}
