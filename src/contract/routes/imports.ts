import * as z from "zod";
import { WorkspaceParams } from "../common.ts";
import { defineRoute } from "../route.ts";

const base = "/api/v1/workspaces/{workspace}/imports";
/** Moving in makes what experiments hold: more than a run's token may. */
const access = { resource: "experiment", action: "create" } as const;
/** Milliseconds since the epoch. */
const Time = z.number().int().min(0);
const Tags = z.record(z.string(), z.string());

export const imports = {
  run: defineRoute({
    id: "imports.run",
    method: "PUT",
    path: `${base}/runs/{run}`,
    access,
    summary: "Make a run that another MLflow server made, under its id; one that is there is answered as it is",
    tag: "imports",
    params: WorkspaceParams.extend({ run: z.string() }),
    query: z.object({}),
    body: z.strictObject({
      experiment_id: z.string(),
      name: z.string().optional(),
      user_id: z.string().optional(),
      start_time: Time.optional(),
      tags: Tags,
    }),
    answer: z.object({ run_id: z.string(), artifact_uri: z.string(), made: z.boolean() }),
  }),
  loggedModel: defineRoute({
    id: "imports.loggedModel",
    method: "PUT",
    path: `${base}/logged-models/{model}`,
    access,
    summary:
      "Make a logged model that another MLflow server made, under its id; one that is there is answered as it is",
    tag: "imports",
    params: WorkspaceParams.extend({ model: z.string() }),
    query: z.object({}),
    body: z.strictObject({
      experiment_id: z.string(),
      name: z.string(),
      model_type: z.string().optional(),
      source_run_id: z.string().optional(),
      creation_time: Time.optional(),
      params: Tags,
      tags: Tags,
    }),
    answer: z.object({ model_id: z.string(), artifact_uri: z.string(), made: z.boolean() }),
  }),
};
