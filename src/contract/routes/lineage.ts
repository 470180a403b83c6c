import * as z from "zod";
import { WorkspaceParams } from "../common.ts";
import { LineageDirection, LineageGraph, LineageKind } from "../lineage.ts";
import { defineRoute } from "../route.ts";

export const lineage = {
  get: defineRoute({
    id: "lineage.get",
    method: "GET",
    path: "/api/v1/workspaces/{workspace}/lineage",
    access: { resource: "lineage", action: "read" },
    summary: "What something was made from (up) and what came of it (down): data, runs, models, deployments",
    tag: "lineage",
    params: WorkspaceParams,
    query: z.object({
      /** `azureml:NAME:VERSION` or `azureml:NAME@LABEL` (data, model), a run's name, a logged model's id, `ENDPOINT/DEPLOYMENT`, `dataset:NAME@DIGEST`. */
      ref: z.string().min(1).max(700),
      /** Needed where data and a model share name and version. */
      kind: LineageKind.optional(),
      /** Default `both`. */
      direction: LineageDirection.optional(),
      /** Edges walked from the root; default 10. */
      depth: z.coerce.number().int().min(0).max(50).optional(),
    }),
    body: undefined,
    answer: LineageGraph,
  }),
};
