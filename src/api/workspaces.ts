import { DEFAULT_DATASTORE } from "../contract/datastores.ts";
import { workspaces as routes } from "../contract/routes/places.ts";
import type { Workspace } from "../contract/workspaces.ts";
import { allows } from "../core/auth/allow.ts";
import type { Place, Places } from "../core/ports/storage.ts";
import { deleteWorkspace, restoreWorkspace, retireWorkspace } from "../core/workspaces/delete-workspace.ts";
import { getWorkspace } from "../core/workspaces/get-workspace.ts";
import type { WorkspaceRecord } from "../core/workspaces/ports.ts";
import { type PutWorkspaceDeps, putWorkspace } from "../core/workspaces/put-workspace.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { Call, RawRoute } from "./raw-route.ts";

const GRACE_SEC = 7 * 86_400;
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
    implement(routes.delete, async ({ params, query, call }) => {
      const named = { name: params.workspace, actor: call.principal.name, precondition: preconditionOf(call) };
      if (query.contents === "true")
        await retireWorkspace(deps, { ...named, graceMs: (query.grace_sec ?? GRACE_SEC) * 1000 });
      else await deleteWorkspace(deps, named);
      return {};
    }),
    implement(routes.contents, async ({ params }) => {
      await getWorkspace(deps, params.workspace);
      const amounts = await deps.workspaces.amounts(params.workspace);
      return {
        items: amounts.map(({ what, count, isMore }) => ({ what, count, is_more: isMore })),
        blocked_by: [...(await deps.workspaces.blockers(params.workspace))],
      };
    }),
    implement(routes.restore, async ({ params, call }) =>
      answer(await restoreWorkspace(deps, { name: params.workspace, actor: call.principal.name }), call),
    ),
  ];
}

function answer(record: WorkspaceRecord, call: Call): Answer<Workspace> {
  return new Answer(view(record, call), { headers: etagHeader(record) });
}

function view(record: WorkspaceRecord, call: Call): Workspace {
  const { name, displayName, description, tags, retention, storage = {}, createdAt, createdBy, deletesMs } = record;
  return {
    name,
    id: `/workspaces/${name}`,
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(description === undefined ? {} : { description }),
    tags: { ...tags },
    mlflow_tracking_uri: `${call.url.origin}/w/${name}`,
    default_datastore: DEFAULT_DATASTORE,
    ...(retention === undefined ? {} : { retention }),
    ...(Object.keys(storage).length === 0 ? {} : { storage: viewStorage(storage) }),
    created_at: createdAt,
    created_by: createdBy,
    ...(deletesMs === undefined ? {} : { deletes_at: new Date(deletesMs).toISOString() }),
  };
}

function viewStorage(places: Places): NonNullable<Workspace["storage"]> {
  const shown = Object.entries(places as Record<string, Place>).map(([what, { arn, isOwn }]) => [
    what,
    { arn, is_own: isOwn },
  ]);
  return Object.fromEntries(shown);
}
