import { type Datastore, DEFAULT_DATASTORE } from "../contract/datastores.ts";
import { datastores as routes } from "../contract/routes/places.ts";
import { deleteDatastore } from "../core/datastores/delete-datastore.ts";
import { getDatastore } from "../core/datastores/get-datastore.ts";
import type { DatastoreRecord, DatastoreStore } from "../core/datastores/ports.ts";
import { putDatastore } from "../core/datastores/put-datastore.ts";
import { datastorePlace } from "../core/files/files.ts";
import { cleanPath } from "../core/files/paths.ts";
import type { PlaceOpener } from "../core/files/place.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import type { Vault } from "../core/ports/vault.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { RawRoute } from "./raw-route.ts";

export interface DatastoreRouteDeps {
  readonly datastores: DatastoreStore;
  readonly objects: Objects;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly places: PlaceOpener;
  /** Folders of the machine may be datastores. */
  readonly allowLocal: boolean;
}

export function makeDatastoreRoutes(deps: DatastoreRouteDeps): RawRoute[] {
  return [
    implement(routes.list, async ({ params, query }) =>
      answerPage(await deps.datastores.list(params.workspace, pageOf(query)), view),
    ),
    implement(routes.get, async ({ params }) => answer(await getDatastore(deps, params))),
    implement(routes.put, async ({ params, body, call }) => {
      const actor = call.principal.name;
      const { record } = await putDatastore(deps, { ...params, spec: body, actor, precondition: preconditionOf(call) });
      return answer(record);
    }),
    implement(routes.delete, async ({ params, call }) => {
      await deleteDatastore(deps, { ...params, actor: call.principal.name, precondition: preconditionOf(call) });
      return {};
    }),
    implement(routes.browse, async ({ params, query }) => {
      const place = await datastorePlace(deps, params.workspace, params.name);
      const { entries, cursor } = await place.browse(cleanPath(query.path ?? ""), pageOf(query));
      return answerPage({ items: entries, ...(cursor === undefined ? {} : { cursor }) }, (entry) => ({
        path: entry.path,
        is_folder: entry.isFolder,
        ...(entry.sizeBytes === undefined ? {} : { size_bytes: entry.sizeBytes }),
        ...(entry.modifiedMs === undefined ? {} : { modified_at: new Date(entry.modifiedMs).toISOString() }),
      }));
    }),
  ];
}

function answer(record: DatastoreRecord): Answer<Datastore> {
  return new Answer(view(record), { headers: etagHeader(record) });
}

function view(record: DatastoreRecord): Datastore {
  return {
    name: record.name,
    id: `azureml:${record.name}`,
    type: record.type,
    ...(record.description === undefined ? {} : { description: record.description }),
    tags: { ...record.tags },
    is_default: record.name === DEFAULT_DATASTORE,
    settings: { ...record.settings },
    has_credentials: record.hasCredentials,
    created_at: record.createdAt,
    created_by: record.createdBy,
  };
}
