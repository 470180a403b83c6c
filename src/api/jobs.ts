import { jobs as routes } from "../contract/routes/jobs.ts";
import type { HandsDeps } from "../core/coordinator/hands.ts";
import { listParts } from "../core/coordinator/list-parts.ts";
import { cancelJob } from "../core/jobs/cancel-job.ts";
import type { ChangeDeps } from "../core/jobs/change-job.ts";
import { getJob } from "../core/jobs/get-job.ts";
import { listJobs } from "../core/jobs/list-jobs.ts";
import { planJob } from "../core/jobs/plan-job.ts";
import { listLogs, type ReadDeps, readLog } from "../core/jobs/read-log.ts";
import { type SubmitDeps, submitJob } from "../core/jobs/submit-job.ts";
import { revisedJob, updateJob } from "../core/jobs/update-job.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

export type JobRouteDeps = SubmitDeps & ChangeDeps & ReadDeps & Pick<HandsDeps, "coordination">;

const DEFAULT_LIMIT = 100;

export function makeJobRoutes(deps: JobRouteDeps): RawRoute[] {
  return [
    implement(routes.create, async ({ params, body, call }) => {
      const { job } = await submitJob(deps, {
        workspace: params.workspace,
        request: body,
        actor: call.principal.name,
      });
      return job;
    }),
    implement(routes.put, async ({ params, body, call }) => {
      const { job, created } = await submitJob(deps, {
        workspace: params.workspace,
        name: params.name,
        request: body,
        actor: call.principal.name,
      });
      return new Answer(job, { status: created ? 201 : 200 });
    }),
    implement(routes.validate, async ({ params, body }) => {
      const { problems, warnings } = await planJob(deps, params.workspace, "job", body.spec);
      const errors = problems.map(({ field, message, hint }) => ({
        field,
        message,
        ...(hint === undefined ? {} : { hint }),
      }));
      if (body.strict === true) errors.push(...warnings.map((message) => ({ field: "strict", message })));
      return { valid: errors.length === 0, warnings, errors };
    }),
    implement(routes.list, async ({ params, query }) => {
      const { archived = "false" } = query;
      return listJobs(deps, {
        workspace: params.workspace,
        filter: {
          archived: archived === "all" ? "all" : archived === "true",
          ...(query.status === undefined ? {} : { status: query.status }),
          ...(query.experiment_name === undefined ? {} : { experimentName: query.experiment_name }),
          ...(query.compute === undefined ? {} : { compute: query.compute }),
          ...(query.parent_job_name === undefined ? {} : { parent: query.parent_job_name }),
          ...(query.created_by === undefined ? {} : { createdBy: query.created_by }),
        },
        ...(query.tag === undefined ? {} : { tag: query.tag }),
        limit: query.limit ?? DEFAULT_LIMIT,
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
      });
    }),
    implement(routes.get, async ({ params, query, call }) => {
      const { job, record } = await getJob(deps, {
        workspace: params.workspace,
        name: params.name,
        ...(query.wait_ms === undefined ? {} : { waitMs: query.wait_ms }),
        ...(query.unless_status === undefined ? {} : { unlessStatus: query.unless_status }),
        signal: call.request.signal,
      });
      return new Answer(job, { headers: etagHeader(revisedJob(record)) });
    }),
    implement(routes.update, async ({ params, body, call }) => {
      const { job, record } = await updateJob(deps, {
        workspace: params.workspace,
        name: params.name,
        change: body,
        actor: call.principal.name,
        precondition: preconditionOf(call),
      });
      return new Answer(job, { headers: etagHeader(revisedJob(record)) });
    }),
    implement(routes.cancel, ({ params, body, call }) =>
      cancelJob(deps, {
        workspace: params.workspace,
        name: params.name,
        ...(body.reason === undefined ? {} : { reason: body.reason }),
        actor: call.principal.name,
      }),
    ),
    implement(routes.steps, async ({ params }) => ({
      items: [...(await listParts(deps, params.workspace, params.name))],
    })),
    implement(routes.reuse, async ({ params }) => {
      const { whyReused } = await import("../core/coordinator/reuse/why.ts");
      return { items: [...(await whyReused(deps, params.workspace, params.name))] };
    }),
    implement(routes.log, ({ params, query, call }) =>
      readLog(deps, {
        workspace: params.workspace,
        name: params.name,
        ...(query.name === undefined ? {} : { log: query.name }),
        ...(query.offset === undefined ? {} : { offset: query.offset }),
        ...(query.limit_bytes === undefined ? {} : { limitBytes: query.limit_bytes }),
        ...(query.wait_ms === undefined ? {} : { waitMs: query.wait_ms }),
        signal: call.request.signal,
      }),
    ),
    implement(routes.logs, ({ params }) => listLogs(deps, { workspace: params.workspace, name: params.name })),
  ];
}
