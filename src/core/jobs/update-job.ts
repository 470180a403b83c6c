import type * as z from "zod";
import { AppError } from "../../contract/errors.ts";
import type { Job, UpdateJob } from "../../contract/jobs.ts";
import type { Precondition, Revised } from "../records/revision.ts";
import { type ChangeDeps, changeJob } from "./change-job.ts";
import type { RunBook } from "./ports.ts";
import type { JobRecord } from "./record.ts";
import { type ShowDeps, showJob } from "./show-job.ts";
import { isFinal } from "./state.ts";

export interface UpdateInput {
  readonly workspace: string;
  readonly name: string;
  readonly change: z.infer<typeof UpdateJob>;
  readonly actor: string;
  readonly precondition?: Precondition;
}

/** Changes what may change of a job. Only a final one can be archived: what is archived is out of sight. */
export async function updateJob(
  deps: ChangeDeps & ShowDeps & { readonly runs: RunBook },
  input: UpdateInput,
): Promise<{ readonly job: Job; readonly record: JobRecord }> {
  const { workspace, name, change, actor } = input;
  const tags = change.tags === undefined ? undefined : checkTags(change.tags);
  const { job: record } = await changeJob(
    deps,
    workspace,
    name,
    (before) => {
      input.precondition?.(revisedJob(before));
      return updated(before, change);
    },
    (before, after) => ({ actor, action: "update", summary: summaryOf(before, after) }),
  );
  if (tags !== undefined || change.display_name !== undefined) {
    await deps.runs.change(workspace, name, {
      ...(change.display_name === undefined ? {} : { name: change.display_name }),
      ...(tags === undefined ? {} : { tags }),
    });
  }
  return { job: await showJob(deps, record), record };
}

/** What a job's ETag is made of: what people changed, so that a job's own progress stands in no editor's way. */
export function revisedJob({ edits, createdMs }: JobRecord): Revised {
  return { rev: edits, createdAt: new Date(createdMs).toISOString() };
}

function updated(job: JobRecord, change: UpdateInput["change"]): JobRecord {
  const { archived = job.archived, display_name: displayName = job.displayName } = change;
  const description = change.description ?? job.description;
  if (archived && !isFinal(job.status)) {
    throw new AppError("Conflict", `job \`${job.name}\` is ${job.status} and can't be archived`, {
      hint: "cancel it, or wait for its end",
    });
  }
  const isSame = archived === job.archived && displayName === job.displayName && description === job.description;
  // Tags are the run's; that they change counts as a change of the job.
  if (isSame && change.tags === undefined) return job;
  return { ...job, edits: job.edits + 1, archived, displayName, ...(description === undefined ? {} : { description }) };
}

function summaryOf(before: JobRecord, after: JobRecord): string {
  if (before.archived !== after.archived) return `job \`${after.name}\` ${after.archived ? "archived" : "restored"}`;
  return `job \`${after.name}\` changed`;
}

function checkTags(tags: Readonly<Record<string, string | null>>): Readonly<Record<string, string | null>> {
  for (const key of Object.keys(tags)) {
    if (!/^(?:mlflow|azureml|trainyard)\./.test(key)) continue;
    throw new AppError("InvalidArgument", `tag \`${key}\` belongs to the platform`, {
      hint: "use a key without that prefix",
    });
  }
  return tags;
}
