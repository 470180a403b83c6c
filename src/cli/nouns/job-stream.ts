import { followLog } from "../../client/follow-log.ts";
import { jobs } from "../../client/routes.ts";
import type { Job, JobStatus } from "../../contract/jobs.ts";
import { BUILD_LOG, FINAL_STATUSES } from "../../contract/names.ts";
import { command, flag } from "../command.ts";
import { duration, flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { Interrupted, type Out } from "../io.ts";
import { nothing } from "../output/shown.ts";
import type { Progress } from "../progress.ts";
import { isComposite } from "./job-brief.ts";

export const stream = command({
  brief: "Follow a job's log until the job has ended; exit code 1 when it did not complete",
  flags: {
    name: flags.name("job"),
    log: flag.text("Another log than what the command writes: system_logs/lifecycler.log", { placeholder: "name" }),
  },
  run: async (ctx, { name, log }) => {
    const ended = await followJob(ctx, name, ctx.io.stdout, log);
    return nothing(ended.status === "Completed" ? 0 : 1);
  },
});

/** Copies a job's log to `out` until the job has ended, telling on stderr what it waits for and how it ended. */
export async function followJob(ctx: Ctx, name: string, out: Out, log?: string): Promise<Job> {
  const { client, workspace } = await ctx.link();
  const get = () => client.call(jobs.get, { params: { workspace, name }, query: {} });
  if (log === undefined && isComposite(await get())) {
    const { followParts } = await import("./job-steps.ts");
    return goesOn(name, async () => {
      const ended = await followParts(ctx, name, out);
      ctx.note(endingOf(ended));
      return ended;
    });
  }
  return goesOn(name, () => followLogOf(ctx, name, out, log));
}

/** Whoever stops following is told that the job goes on. */
async function goesOn(name: string, follow: () => Promise<Job>): Promise<Job> {
  try {
    return await follow();
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(
      error.signalName,
      `the job goes on: \`yard job stream --name ${name}\` follows it again, \`yard job cancel --name ${name}\` ends it`,
    );
  }
}

async function followLogOf(ctx: Ctx, name: string, out: Out, log: string | undefined): Promise<Job> {
  const { client, workspace } = await ctx.link();
  const get = () => client.call(jobs.get, { params: { workspace, name }, query: {} });
  const progress = ctx.progress(name);
  const watch = new AbortController();
  const tellBuild = followBuild(ctx, name, progress);
  let seen = false;
  let atLineStart = true;
  try {
    const waiting = tellWhy(ctx, name, watch.signal, async (text, status) => {
      if (status === "Preparing") await tellBuild();
      if (!seen) progress.update(text);
    });
    await followLog(client, workspace, name, {
      ...(log === undefined ? {} : { name: log }),
      signal: ctx.io.signal,
      onText: (text) => {
        if (!seen) progress.end();
        seen = true;
        atLineStart = text.endsWith("\n");
        out.write(text);
      },
    });
    watch.abort();
    await waiting;
    const ended = await get();
    if (!seen) await tellBuild();
    progress.end();
    if (!atLineStart) ctx.io.stderr.write("\n");
    ctx.note(endingOf(ended));
    return ended;
  } finally {
    watch.abort();
    progress.end();
  }
}

/** While nothing is logged yet: the job's state, and why it waits. */
async function tellWhy(
  ctx: Ctx,
  name: string,
  signal: AbortSignal,
  tell: (text: string, status: JobStatus) => Promise<void>,
): Promise<void> {
  const { client, workspace } = await ctx.link();
  try {
    for (;;) {
      // Most jobs start at once; those are not asked about.
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, 1500);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      });
      const now = await client.call(jobs.get, { params: { workspace, name }, query: {}, signal });
      if (FINAL_STATUSES.includes(now.status) || now.status === "Running") return;
      await tell(now.status_reason === undefined ? now.status : `${now.status}: ${now.status_reason}`, now.status);
    }
  } catch {
    // The log is what matters; its own requests tell of a home that is gone.
  }
}

/** Each call tells what the build of the job's image has logged since the one before. */
function followBuild(ctx: Ctx, name: string, progress: Progress): () => Promise<void> {
  let offset = 0;
  return async () => {
    const { client, workspace } = await ctx.link();
    for (;;) {
      const query = { name: BUILD_LOG, offset };
      const page = await client.call(jobs.log, { params: { workspace, name }, query });
      if (page.text === "") return;
      progress.end();
      ctx.io.stderr.write(page.text);
      offset = page.next_offset;
    }
  };
}

export function endingOf(job: Job): string {
  const how =
    job.exit_code !== undefined && job.exit_code !== 0
      ? ` with exit code ${job.exit_code}`
      : job.signal === undefined
        ? ""
        : ` by ${job.signal}`;
  const took = job.started_at === undefined ? "" : ` after ${duration(job.started_at, job.ended_at)}`;
  const why = job.status === "Completed" || job.status_reason === undefined ? "" : `: ${job.status_reason}`;
  return `job ${job.name} ${job.status.toLowerCase()}${how}${took}${why}`;
}
