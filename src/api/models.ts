import type { AssetSummary, Model } from "../contract/assets.ts";
import { AppError } from "../contract/errors.ts";
import type { GroupedModel } from "../contract/model-groups.ts";
import { modelGroups, models as routes } from "../contract/routes/assets.ts";
import type { Files } from "../core/files/ports.ts";
import { jsonNumber } from "../core/jobs/show-job.ts";
import { type GroupMember, listModelGroup } from "../core/registry/model-group.ts";
import type { RegistryDeps } from "../core/registry/models.ts";
import type { ModelVersion, RegisteredModel } from "../core/registry/ports.ts";
import {
  deleteModelLabel,
  deleteModelVersion,
  labelsOf,
  latestOf,
  mustFind,
  putModelLabel,
  revised,
  updateModelVersion,
} from "../core/registry/register.ts";
import { registerModelFrom } from "../core/registry/register-from.ts";
import type { ModelRef } from "../core/registry/resolve.ts";
import type { VersionAnswer } from "../core/registry/versions.ts";
import { decodeToken, encodeToken } from "../core/tracking/paging.ts";
import type { RunStore } from "../core/tracking/ports.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import type { Call, RawRoute } from "./raw-route.ts";

const DEFAULT_LIMIT = 100;

/** Models Azure's way, over the same records as MLflow's registry. */
export function makeModelRoutes(
  deps: RegistryDeps & { readonly files: Files; readonly runs: Pick<RunStore, "getMany"> },
): RawRoute[] {
  async function view(answer: VersionAnswer): Promise<Model> {
    const { model, version } = answer;
    const latest = latestOf(await deps.models.versions(model));
    return modelView(model, version, labelsOf(model, version, latest), await deps.models.users(model, version.version));
  }
  const answered = async (answer: VersionAnswer, status = 200) =>
    new Answer(await view(answer), { status, headers: etagHeader(revised(answer.version)) });
  const caller = (call: Call, workspace: string) => ({ workspace, principal: call.principal });

  return [
    implement(routes.list, async ({ params, query }) => {
      const rows: AssetSummary[] = [];
      for (const model of await deps.models.list(params.workspace)) {
        const latest = latestOf(await deps.models.versions(model));
        if (latest !== undefined && isShown(latest, query)) rows.push(summaryOf(model, latest));
      }
      return paged(
        rows.sort((a, b) => (a.name < b.name ? -1 : 1)),
        (row) => row.name,
        query,
        "models",
      );
    }),
    implement(routes.versions, async ({ params, query }) => {
      const model = await deps.models.get(params.workspace, params.name);
      if (model === undefined)
        throw new AppError("NotFound", `there is no model \`${params.name}\` in workspace \`${params.workspace}\``);
      const versions = (await deps.models.versions(model)).filter((version) => isShown(version, query)).toReversed();
      const page = paged(versions, (version) => -Number(version.version), query, `models/${model.id}`);
      return { ...page, items: await Promise.all(page.items.map((version) => view({ model, version }))) };
    }),
    implement(routes.create, async ({ params, body, call }) => {
      const made = await registerModelFrom(deps, caller(call, params.workspace), {
        ...body,
        type: body.type ?? "custom_model",
        name: params.name,
      });
      return answered(made, 201);
    }),
    implement(routes.put, async ({ params, body, call }) => {
      const made = await registerModelFrom(deps, caller(call, params.workspace), {
        ...body,
        type: body.type ?? "custom_model",
        name: params.name,
        version: params.version,
        precondition: preconditionOf(call),
      });
      return answered(made, made.made ? 201 : 200);
    }),
    implement(routes.get, async ({ params }) =>
      answered(await mustFind(deps, params.workspace, params.name, refOf(params.version))),
    ),
    implement(routes.update, async ({ params, body, call }) =>
      answered(
        await updateModelVersion(
          deps,
          caller(call, params.workspace),
          params.name,
          refOf(params.version),
          body,
          preconditionOf(call),
        ),
      ),
    ),
    implement(routes.delete, async ({ params, call }) => {
      await deleteModelVersion(deps, caller(call, params.workspace), params.name, params.version, preconditionOf(call));
      return {};
    }),
    implement(routes.putLabel, async ({ params, body, call }) =>
      answered(await putModelLabel(deps, caller(call, params.workspace), params.name, params.label, body.version)),
    ),
    implement(modelGroups.get, async ({ params, query }) => {
      const members = await listModelGroup(deps, params.workspace, params.group);
      const page = paged(members, ({ partition }) => partition, query, `model-groups/${params.group}`);
      return { ...page, items: page.items.map(groupedModel) };
    }),
    implement(routes.deleteLabel, async ({ params, call }) => {
      await deleteModelLabel(deps, caller(call, params.workspace), params.name, params.label);
      return {};
    }),
  ];
}

function refOf(version: string): ModelRef {
  return version.startsWith("@") ? { label: version.slice(1) } : { version };
}

interface ListQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly archived?: "true" | "false" | "all" | undefined;
  readonly tag?: string | undefined;
}

function isShown(version: ModelVersion, { archived = "false", tag }: ListQuery): boolean {
  if (archived !== "all" && version.archived !== (archived === "true")) return false;
  if (tag === undefined) return true;
  const at = tag.indexOf("=");
  const key = at < 0 ? tag : tag.slice(0, at);
  return Object.hasOwn(version.tags, key) && (at < 0 || version.tags[key] === tag.slice(at + 1));
}

/** A page of a sorted list that is in memory already; the cursor is the last row's own key. */
export function paged<T>(
  rows: readonly T[],
  keyOf: (row: T) => string | number,
  query: ListQuery,
  list: string,
): { items: T[]; next_cursor?: string } {
  const scope = JSON.stringify([list, query.archived ?? "", query.tag ?? ""]);
  const [after] = query.cursor === undefined ? [] : decodeToken(scope, query.cursor);
  const rest = after === undefined || after === null ? rows : rows.filter((row) => keyOf(row) > after);
  const items = rest.slice(0, query.limit ?? DEFAULT_LIMIT);
  const last = items.at(-1);
  return rest.length > items.length && last !== undefined
    ? { items, next_cursor: encodeToken(scope, [keyOf(last)]) }
    : { items };
}

const time = (ms: number): string => new Date(ms).toISOString();

function modelView(
  model: RegisteredModel,
  version: ModelVersion,
  labels: readonly string[],
  usedBy: readonly string[],
): Model {
  return {
    id: `azureml:${model.name}:${version.version}`,
    name: model.name,
    version: version.version,
    ...(version.description === "" ? {} : { description: version.description }),
    tags: { ...version.tags },
    properties: { ...version.properties },
    labels: [...labels],
    archived: version.archived,
    created_at: time(version.createdMs),
    created_by: version.createdBy,
    updated_at: time(version.updatedMs),
    type: version.type,
    path: version.source,
    ...(version.flavors === undefined ? {} : { flavors: version.flavors }),
    ...(version.stage === "None" ? {} : { stage: version.stage }),
    ...(version.runId === "" ? {} : { run_id: version.runId }),
    ...(version.sizeBytes === undefined ? {} : { size_bytes: version.sizeBytes }),
    ...(version.fileCount === undefined ? {} : { file_count: version.fileCount }),
    used_by: [...usedBy],
  };
}

function groupedModel({ model, version, partition, run }: GroupMember): GroupedModel {
  return {
    id: `azureml:${model.name}:${version.version}`,
    name: model.name,
    version: version.version,
    partition,
    ...(version.runId === "" ? {} : { run_id: version.runId }),
    created_at: time(version.createdMs),
    metrics: Object.fromEntries([...(run?.metrics ?? [])].map(([key, { value }]) => [key, jsonNumber(value)])),
    params: Object.fromEntries(run?.params ?? []),
  };
}

function summaryOf(model: RegisteredModel, latest: ModelVersion): AssetSummary {
  return {
    name: model.name,
    latest_version: latest.version,
    type: latest.type,
    ...(latest.description === "" ? {} : { description: latest.description }),
    tags: { ...latest.tags },
    created_at: time(model.createdMs),
    updated_at: time(model.updatedMs),
    archived: latest.archived,
  };
}
