import { AppError } from "../../contract/errors.ts";
import type { Job, JobStatus } from "../../contract/jobs.ts";
import type { Documents } from "../coordinator/documents.ts";
import type { Objects } from "../ports/objects.ts";
import { type JobStore, jobTopic, type Watch } from "./ports.ts";
import type { JobRecord } from "./record.ts";
import { type ShowDeps, showJob } from "./show-job.ts";
import { isFinal } from "./state.ts";

export async function requireJob(jobs: JobStore, workspace: string, name: string): Promise<JobRecord> {
  const job = await jobs.get(workspace, name);
  if (job !== undefined) return job;
  throw new AppError("NotFound", `workspace \`${workspace}\` has no job \`${name}\``, {
    hint: "`yard job list` shows the jobs there are",
  });
}

export interface GetInput {
  readonly workspace: string;
  readonly name: string;
  /** Waits at most so long for the status to differ from `unlessStatus`. */
  readonly waitMs?: number;
  readonly unlessStatus?: JobStatus;
  readonly signal?: AbortSignal;
}

/** A job, with the working copy's diff, and of a composite with its steps. */
export async function getJob(
  deps: ShowDeps & { readonly watch: Watch; readonly objects: Objects; readonly documents: Documents },
  input: GetInput,
): Promise<{ readonly job: Job; readonly record: JobRecord }> {
  const record = await waitForChange(deps, input);
  const shown = await showJob(deps, record);
  const job = record.coordinated === true ? { ...shown, spec: (await deps.documents.get(record)).spec } : shown;
  const kept = record.diffKey === undefined ? undefined : await deps.objects.get(record.diffKey);
  if (kept === undefined) return { job, record };
  return { job: { ...job, git: { ...job.git, diff: await new Response(kept.body).text() } }, record };
}

async function waitForChange(
  deps: { readonly jobs: JobStore; readonly watch: Watch },
  { workspace, name, waitMs = 0, unlessStatus, signal }: GetInput,
): Promise<JobRecord> {
  if (waitMs === 0 || unlessStatus === undefined) return requireJob(deps.jobs, workspace, name);
  const listening = deps.watch.listen(jobTopic(workspace, name), waitMs, signal);
  try {
    for (;;) {
      const job = await requireJob(deps.jobs, workspace, name);
      if (job.status !== unlessStatus || isFinal(job.status) || !(await listening.next())) return job;
    }
  } finally {
    listening.done();
  }
}
