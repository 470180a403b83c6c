import type * as z from "zod";
import type { AssetSummary, UpdateAsset } from "../contract/assets.ts";
import type { data } from "../contract/routes/assets.ts";
import type { CreatedVersion } from "../core/assets/create-version.ts";
import type { AssetFilter, AssetHead, AssetKind, AssetStore, AssetVersion } from "../core/assets/ports.ts";
import { getVersion, listVersions } from "../core/assets/read-assets.ts";
import { deleteLabel, deleteVersion, putLabel, updateVersion } from "../core/assets/update-version.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Precondition } from "../core/records/revision.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { Call, RawRoute } from "./raw-route.ts";

export interface AssetRouteDeps {
  readonly assets: AssetStore;
  readonly clock: Clock;
}

interface Register<Spec> {
  readonly workspace: string;
  readonly name: string;
  readonly version?: string;
  readonly spec: Spec;
  readonly actor: string;
  readonly precondition?: Precondition;
}

/** Any of the contract's asset route tables; they differ in what a spec and an answer are. */
type Routes = typeof data;

export type View = (asset: AssetVersion, labels: readonly string[]) => object;

/** The routes of one kind of assets. `register` makes a version of a spec, `view` shows one; `more` is shown beside of a single one. */
export function makeAssetRoutes<Spec>(
  deps: AssetRouteDeps,
  kind: AssetKind,
  table: unknown,
  register: (input: Register<Spec>) => Promise<CreatedVersion>,
  view: View,
  more: (asset: AssetVersion, workspace: string) => Promise<object> = async () => ({}),
): RawRoute[] {
  // The tables share every schema but spec and answer, which `register` and `view` stand for.
  const routes = table as Routes;
  type Shown = z.input<Routes["get"]["answer"]>;
  const show = (asset: AssetVersion, labels: readonly string[]) => view(asset, labels) as Shown;
  const answer = (asset: AssetVersion, labels: readonly string[], status = 200) =>
    new Answer(show(asset, labels), { status, headers: etagHeader(asset) });
  const target = (params: { workspace: string; name: string }, call: Call) => ({
    ...params,
    kind,
    actor: call.principal.name,
  });

  return [
    implement(routes.list, async ({ params, query }) =>
      answerPage(
        await deps.assets.heads(params.workspace, kind, { filter: filterOf(query), ...pageOf(query) }),
        summaryOf,
      ),
    ),
    implement(routes.versions, async ({ params, query }) =>
      answerPage(
        await listVersions(deps, { ...params, kind, filter: filterOf(query), ...pageOf(query) }),
        ({ asset, labels }) => show(asset, labels),
      ),
    ),
    implement(routes.create, async ({ params, body, call }) => {
      const { asset, labels } = await register({ ...params, spec: body as Spec, actor: call.principal.name });
      return answer(asset, labels, 201);
    }),
    implement(routes.put, async ({ params, body, call }) => {
      const actor = call.principal.name;
      const made = await register({ ...params, spec: body as Spec, actor, precondition: preconditionOf(call) });
      return answer(made.asset, made.labels, made.made ? 201 : 200);
    }),
    implement(routes.get, async ({ params }) => {
      const { asset, labels } = await getVersion(deps, { ...params, kind });
      return new Answer(
        { ...show(asset, labels), ...(await more(asset, params.workspace)) },
        { headers: etagHeader(asset) },
      );
    }),
    implement(routes.update, async ({ params, body, call }) => {
      const update: UpdateAsset = body;
      const precondition = preconditionOf(call);
      const { asset, labels } = await updateVersion(deps, {
        ...target(params, call),
        version: params.version,
        update,
        precondition,
      });
      return answer(asset, labels);
    }),
    implement(routes.delete, async ({ params, call }) => {
      const precondition = preconditionOf(call);
      await deleteVersion(deps, { ...target(params, call), version: params.version, precondition });
      return {};
    }),
    implement(routes.putLabel, async ({ params, body, call }) => {
      const { asset, labels } = await putLabel(deps, {
        ...target(params, call),
        label: params.label,
        version: body.version,
      });
      return answer(asset, labels);
    }),
    implement(routes.deleteLabel, async ({ params, call }) => {
      await deleteLabel(deps, { ...target(params, call), label: params.label });
      return {};
    }),
  ];
}

/** Archived ones are shown when asked for. */
function filterOf(query: {
  readonly archived?: AssetFilter["archived"] | undefined;
  readonly tag?: string | undefined;
}): AssetFilter {
  return { archived: query.archived ?? "false", ...(query.tag === undefined ? {} : { tag: query.tag }) };
}

/** What every asset version shows. */
export function viewBase(asset: AssetVersion, labels: readonly string[]) {
  return {
    id: `azureml:${asset.name}:${asset.version}`,
    name: asset.name,
    version: asset.version,
    ...(asset.description === undefined ? {} : { description: asset.description }),
    tags: asset.tags,
    properties: asset.properties,
    labels,
    archived: asset.archived,
    created_at: asset.createdAt,
    created_by: asset.createdBy,
    updated_at: asset.updatedAt,
  };
}

function summaryOf(head: AssetHead): AssetSummary {
  return {
    name: head.name,
    latest_version: head.latest ?? "",
    ...(head.type === undefined ? {} : { type: head.type }),
    ...(head.description === undefined ? {} : { description: head.description }),
    tags: { ...head.tags },
    created_at: head.createdAt,
    updated_at: head.updatedAt,
    archived: head.archived,
  };
}
