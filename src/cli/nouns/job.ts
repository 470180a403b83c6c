import { patiently } from "../../client/patiently.ts";
import { jobs } from "../../client/routes.ts";
import { AppError } from "../../contract/errors.ts";
import type { JobStatus, JobSummary } from "../../contract/jobs.ts";
import { FINAL_STATUSES } from "../../contract/names.ts";
import { command, flag, type Noun } from "../command.ts";
import { ago, archivedQuery, collect, confirm, duration, flags, keyValues } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { type Column, list, one } from "../output/shown.ts";
import { briefOf, isComposite } from "./job-brief.ts";
import { create, validate } from "./job-create.ts";
import { download } from "./job-download.ts";
import { briefOfParts, graph, partsOf } from "./job-steps.ts";
import { stream } from "./job-stream.ts";
import { why } from "./job-why.ts";

const STATUSES: readonly JobStatus[] = [
  "Queued",
  "Preparing",
  "Provisioning",
  "Running",
  "Finalizing",
  "Completed",
  "Failed",
  "Canceled",
];

const COLUMNS: readonly Column<JobSummary>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Display name", of: (it) => it.display_name },
  { head: "Experiment", of: (it) => it.experiment_name },
  { head: "Status", of: (it) => it.status },
  { head: "Compute", of: (it) => it.compute },
  { head: "Created", of: (it) => ago(it.created_at) },
  { head: "Took", of: (it) => duration(it.started_at, it.ended_at) },
  { head: "Why", of: (it) => (it.status === "Running" ? "" : it.status_reason) },
];

async function update(ctx: Ctx, name: string, body: Parameters<typeof patch>[2]) {
  return one(await patch(ctx, name, body), briefOf);
}

async function patch(
  ctx: Ctx,
  name: string,
  body: { display_name?: string; description?: string; tags?: Record<string, string | null>; archived?: boolean },
) {
  const { client, workspace } = await ctx.link();
  return client.call(jobs.update, { params: { workspace, name }, body });
}

/** `--set tags.a=b display_name=x`: the fields of a job that can change. */
function changesOf(set: readonly string[]) {
  const body: { display_name?: string; description?: string; tags?: Record<string, string | null> } = {};
  for (const text of set) {
    const [[key = "", value = ""] = []] = Object.entries(keyValueOf(text));
    if (key === "display_name" || key === "description") body[key] = value;
    else if (key.startsWith("tags.")) body.tags = { ...body.tags, [key.slice(5)]: value === "null" ? null : value };
    else
      throw new AppError("InvalidArgument", `\`${key}\` of a job cannot be changed`, {
        hint: "display_name, description, tags.KEY",
      });
  }
  return body;
}

function keyValueOf(text: string): Record<string, string> {
  const at = text.indexOf("=");
  if (at <= 0) throw new AppError("InvalidArgument", `\`${text}\` is not KEY=VALUE`);
  return { [text.slice(0, at)]: text.slice(at + 1) };
}

const named = { name: flags.name("job") };

export const job: Noun = {
  brief: "Submit and follow jobs",
  verbs: {
    create,
    validate,
    stream,
    download,
    graph,
    why,
    list: command({
      brief: "Jobs, newest first",
      flags: {
        maxResults: flags.maxResults(),
        allResults: flag.is("Without a limit"),
        status: flag.choice("Only in this state", STATUSES),
        experimentName: flag.text("Only of this experiment", { placeholder: "name" }),
        compute: flag.text("Only on this compute", { placeholder: "name" }),
        parentJobName: flag.text("Only children of this job", { short: "p", placeholder: "name" }),
        createdBy: flag.text("Only by this person", { placeholder: "actor" }),
        tag: flags.tag(),
        archivedOnly: flags.archivedOnly(),
        includeArchived: flags.includeArchived(),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const most = given.allResults ? undefined : (given.maxResults ?? 50);
        const items = await collect(ctx, most, (page) =>
          client.call(jobs.list, {
            params: { workspace },
            query: {
              ...page,
              ...archivedQuery(given),
              status: given.status,
              experiment_name: given.experimentName,
              compute: given.compute,
              parent_job_name: given.parentJobName,
              created_by: given.createdBy,
              tag: given.tag,
            },
          }),
        );
        return list(items, COLUMNS);
      },
    }),
    show: command({
      brief: "One job, with its run's parameters and metrics",
      flags: { ...named, web: flag.is("Shows where to look at it", { short: "e" }) },
      run: async (ctx, { name, web }) => {
        const { client, workspace, address } = await ctx.link();
        const found = await client.call(jobs.get, { params: { workspace, name }, query: {} });
        if (web) ctx.note(`${address.url}/w/${workspace}/jobs/${name}`);
        if (!isComposite(found)) return one(found, briefOf);
        const parts = await partsOf(ctx, name);
        return one({ ...found, steps: parts }, (it) => [...briefOf(it), ...briefOfParts(parts)]);
      },
    }),
    cancel: command({
      brief: "End a job; waits until it has ended",
      flags: {
        ...named,
        reason: flag.text("Why; kept with the job", { placeholder: "text" }),
        noWait: flags.noWait(),
        yes: flags.yes(),
      },
      run: async (ctx, { name, reason, noWait, yes }) => {
        await confirm(ctx, yes || !ctx.human, `cancel job ${name}?`);
        const { client, workspace } = await ctx.link();
        let now = await client.call(jobs.cancel, {
          params: { workspace, name },
          body: reason === undefined ? {} : { reason },
        });
        const progress = ctx.progress(name);
        while (!noWait && !FINAL_STATUSES.includes(now.status)) {
          progress.update(`${now.status}; waiting for it to end`);
          const { status } = now;
          now = await patiently(
            () =>
              client.call(jobs.get, {
                params: { workspace, name },
                query: { wait_ms: 5000, unless_status: status },
                signal: ctx.io.signal,
              }),
            (found) => found.status !== status,
            ctx.io.signal,
          );
        }
        progress.end();
        return one(now, briefOf);
      },
    }),
    update: command({
      brief: "Change a job's display name, description and tags",
      flags: {
        ...named,
        displayName: flag.text("Name for people", { placeholder: "text" }),
        description: flag.text("What it is about", { placeholder: "text" }),
        tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
        set: flags.set(),
      },
      run: (ctx, { name, displayName, description, tags, set }) =>
        update(ctx, name, {
          ...changesOf(set),
          ...(displayName === undefined ? {} : { display_name: displayName }),
          ...(description === undefined ? {} : { description }),
          ...(tags.length === 0 ? {} : { tags: keyValues("--tags", tags) }),
        }),
    }),
    archive: command({
      brief: "Hide a job from lists",
      flags: named,
      run: (ctx, { name }) => update(ctx, name, { archived: true }),
    }),
    restore: command({
      brief: "Show an archived job in lists again",
      flags: named,
      run: (ctx, { name }) => update(ctx, name, { archived: false }),
    }),
    "connect-url": command({
      brief: "Addresses of a job: its page, its MLflow run, its services",
      flags: named,
      run: async (ctx, { name }) => {
        const { client, workspace, address } = await ctx.link();
        const found = await client.call(jobs.get, { params: { workspace, name }, query: {} });
        const tracking = `${address.url}/w/${workspace}`;
        const addresses = {
          name: found.name,
          url: `${address.url}/api/v1/workspaces/${workspace}/jobs/${found.name}`,
          mlflow_tracking_uri: tracking,
          mlflow_run: `${tracking}/#/experiments/${found.experiment_id}/runs/${found.name}`,
          experiment_id: found.experiment_id,
          run_id: found.name,
          services: Object.fromEntries(Object.entries(found.services).map(([key, service]) => [key, service.endpoint])),
        };
        return one(addresses, (it) => [
          ["Job", it.url],
          ["MLflow tracking URI", it.mlflow_tracking_uri],
          ["Run", it.run_id],
          ["Experiment", it.experiment_id],
          ...Object.entries(it.services),
        ]);
      },
    }),
  },
};
