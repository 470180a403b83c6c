import type { ZodType } from "zod";
import * as z from "zod";
import {
  AssetSummaryPage,
  Component,
  ComponentSpec,
  Data,
  DataSpec,
  Environment,
  EnvironmentAssetSpec,
  LabelName,
  Model,
  ModelSpec,
  PutLabel,
  UpdateAsset,
} from "../assets.ts";
import {
  AssetName,
  AssetVersion,
  Empty,
  ModelName,
  PageQuery,
  pageOf,
  VersionOrLabel,
  WorkspaceParams,
} from "../common.ts";
import { GroupedModel } from "../model-groups.ts";
import type { Resource } from "../route.ts";
import { defineRoute } from "../route.ts";

const base = "/api/v1/workspaces/{workspace}";
const none = z.object({});
const ListQuery = PageQuery.extend({
  archived: z.enum(["true", "false", "all"]).optional(),
  tag: z.string().max(5300).optional(),
});

/** The four kinds of assets have the same routes: names, versions, labels. */
function assetRoutes<S extends ZodType, A extends ZodType>(
  noun: string,
  resource: Resource,
  name: z.ZodType<string>,
  spec: S,
  answer: A,
) {
  const NameParams = WorkspaceParams.extend({ name });
  const VersionParams = NameParams.extend({ version: VersionOrLabel });
  const ExactParams = NameParams.extend({ version: AssetVersion });
  const one = noun.replace(/s$/, "");
  return {
    list: defineRoute({
      id: `${noun}.list`,
      method: "GET",
      path: `${base}/${noun}`,
      access: { resource, action: "read" },
      summary: `Names of ${noun}, each with its latest version`,
      tag: noun,
      params: WorkspaceParams,
      query: ListQuery,
      body: undefined,
      answer: AssetSummaryPage,
    }),
    versions: defineRoute({
      id: `${noun}.versions`,
      method: "GET",
      path: `${base}/${noun}/{name}/versions`,
      access: { resource, action: "read" },
      summary: `Versions of one ${one}, newest first`,
      tag: noun,
      params: NameParams,
      query: ListQuery,
      body: undefined,
      answer: pageOf(answer),
    }),
    create: defineRoute({
      id: `${noun}.create`,
      method: "POST",
      path: `${base}/${noun}/{name}/versions`,
      access: { resource, action: "create" },
      summary: `Register the next version of a ${one}`,
      tag: noun,
      params: NameParams,
      query: none,
      body: spec,
      answer,
      status: 201,
    }),
    put: defineRoute({
      id: `${noun}.put`,
      method: "PUT",
      path: `${base}/${noun}/{name}/versions/{version}`,
      access: { resource, action: "create" },
      summary: `Register a version of a ${one}; the same content again is answered, other content is AlreadyExists`,
      tag: noun,
      params: ExactParams,
      query: none,
      body: spec,
      answer,
      status: 201,
    }),
    get: defineRoute({
      id: `${noun}.get`,
      method: "GET",
      path: `${base}/${noun}/{name}/versions/{version}`,
      access: { resource, action: "read" },
      summary: `A version of a ${one}, by number or @label`,
      tag: noun,
      params: VersionParams,
      query: none,
      body: undefined,
      answer,
    }),
    update: defineRoute({
      id: `${noun}.update`,
      method: "PATCH",
      path: `${base}/${noun}/{name}/versions/{version}`,
      access: { resource, action: "update" },
      summary: `Change what may change of a ${one}: words, tags, stage, archived`,
      tag: noun,
      params: VersionParams,
      query: none,
      body: UpdateAsset,
      answer,
    }),
    delete: defineRoute({
      id: `${noun}.delete`,
      method: "DELETE",
      path: `${base}/${noun}/{name}/versions/{version}`,
      access: { resource, action: "delete" },
      summary: `Delete a version of a ${one}; InUse while something uses it`,
      tag: noun,
      params: ExactParams,
      query: none,
      body: undefined,
      answer: Empty,
    }),
    putLabel: defineRoute({
      id: `${noun}.putLabel`,
      method: "PUT",
      path: `${base}/${noun}/{name}/labels/{label}`,
      access: { resource, action: "update" },
      summary: `Point a label of a ${one} at a version`,
      tag: noun,
      params: NameParams.extend({ label: LabelName }),
      query: none,
      body: PutLabel,
      answer,
    }),
    deleteLabel: defineRoute({
      id: `${noun}.deleteLabel`,
      method: "DELETE",
      path: `${base}/${noun}/{name}/labels/{label}`,
      access: { resource, action: "update" },
      summary: `Remove a label of a ${one}`,
      tag: noun,
      params: NameParams.extend({ label: LabelName }),
      query: none,
      body: undefined,
      answer: Empty,
    }),
  };
}

export const data = assetRoutes("data", "data", AssetName, DataSpec, Data);
export const environments = assetRoutes("environments", "environment", AssetName, EnvironmentAssetSpec, Environment);
export const components = assetRoutes("components", "component", AssetName, ComponentSpec, Component);
export const models = assetRoutes("models", "model", ModelName, ModelSpec, Model);

/** Models that a pipeline registered one a partition. */
export const modelGroups = {
  get: defineRoute({
    id: "modelGroups.get",
    method: "GET",
    path: `${base}/model-groups/{group}`,
    access: { resource: "model", action: "read" },
    summary: "The newest model of each partition of a group, with the metrics of their runs",
    tag: "models",
    params: WorkspaceParams.extend({ group: z.string().min(1).max(100) }),
    query: PageQuery,
    body: undefined,
    answer: pageOf(GroupedModel),
  }),
};
