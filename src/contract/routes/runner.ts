import * as z from "zod";
import { RunId, WorkspaceParams } from "../common.ts";
import { defineRoute } from "../route.ts";
import { Assignment, RunCredentials, RunnerOrders, RunnerReport, StartAttempt, StartedAttempt } from "../runner.ts";

const base = "/api/v1/workspaces/{workspace}/runs/{run}";
const RunParams = WorkspaceParams.extend({ run: RunId });

/** What a runner calls with its run token. */
export const runner = {
  start: defineRoute({
    id: "runner.start",
    method: "POST",
    path: "/api/v1/attempts/start",
    // The code is what speaks for the caller: no token has been given yet.
    access: "open",
    summary: "Exchange an attempt's one-time code for its run token; once, but again for the caller who did",
    tag: "runner",
    params: z.object({}),
    query: z.object({}),
    body: StartAttempt,
    answer: StartedAttempt,
  }),
  assignment: defineRoute({
    id: "runner.assignment",
    method: "GET",
    path: `${base}/assignment`,
    access: { resource: "run", action: "report" },
    summary: "What this run's runner has to do",
    tag: "runner",
    params: RunParams,
    query: z.object({}),
    body: undefined,
    answer: Assignment,
  }),
  report: defineRoute({
    id: "runner.report",
    method: "POST",
    path: `${base}/reports`,
    access: { resource: "run", action: "report" },
    summary: "Tell what happened to the attempt",
    tag: "runner",
    params: RunParams,
    query: z.object({}),
    body: RunnerReport,
    answer: RunnerOrders,
  }),
  heartbeat: defineRoute({
    id: "runner.heartbeat",
    method: "POST",
    path: `${base}/heartbeat`,
    access: { resource: "run", action: "report" },
    summary: "Still here; any orders? Waits for an order when asked to",
    tag: "runner",
    params: RunParams,
    query: z.object({ wait_ms: z.coerce.number().int().min(0).max(25_000).optional() }),
    body: z.strictObject({ attempt: z.string().max(300) }),
    answer: RunnerOrders,
  }),
  log: defineRoute({
    id: "runner.log",
    method: "PUT",
    path: `${base}/log`,
    access: { resource: "run", action: "report" },
    summary: "Append to a log; bytes before the end already stored are skipped, a gap is a Conflict that names the end",
    tag: "runner",
    params: RunParams,
    query: z.object({ name: z.string().min(1).max(500), offset: z.coerce.number().int().min(0) }),
    body: "bytes",
    bodyLimit: 4_194_304,
    answer: z.object({ next_offset: z.number().int() }),
  }),
  credentials: defineRoute({
    id: "runner.credentials",
    method: "POST",
    path: `${base}/credentials`,
    access: { resource: "run", action: "report" },
    summary: "Keys of AWS for the run's own artifacts and outputs, for an hour at most; in homes of AWS",
    tag: "runner",
    params: RunParams,
    query: z.object({}),
    body: undefined,
    answer: RunCredentials,
  }),
};
