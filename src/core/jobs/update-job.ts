import type { z } from "zod";
import { AppError } from "../../contract/errors.ts";
import type { Job, UpdateJob } from "../../contract/jobs.ts";
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
}

/** Changes what may change of a job. Only a final one can be archived: what is archived is out of sight. */
export async function updateJob(
  deps: ChangeDeps & ShowDeps & { readonly runs: RunBook },
  input: UpdateInput,
): Promise<Job> {
  const { workspace, name, change, actor } = input;
  const { job } = await changeJob(
    deps,
    workspace,
    name,
    (before) => updated(before, change),
    (before, after) => ({ actor, action: "update", summary: summaryOf(before, after) }),
  );
  const tags = change.tags;
  if (tags !== undefined || change.display_name !== undefined) {
    await deps.runs.change(workspace, name, {
      ...(change.display_name === undefined ? {} : { name: change.display_name }),
      ...(tags === undefined ? {} : { tags: checkTags(tags) }),
    });
  }
  return showJob(deps, job);
}

function updated(job: JobRecord, change: UpdateInput["change"]): JobRecord {
  const { archived = job.archived, display_name: displayName = job.displayName } = change;
  const description = change.description ?? job.description;
  if (archived && !isFinal(job.status)) {
    throw new AppError("Conflict", `job \`${job.name}\` is ${job.status} and can't be archived`, {
      hint: "cancel it, or wait for its end",
    });
  }
  if (archived === job.archived && displayName === job.displayName && description === job.description) return job;
  return { ...job, archived, displayName, ...(description === undefined ? {} : { description }) };
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
