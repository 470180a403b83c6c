import { AppError } from "../../contract/errors.ts";
import { requireJob } from "./get-job.ts";
import type { LogStore } from "./log-ports.ts";
import { type JobStore, logTopic, type Watch } from "./ports.ts";
import { currentAttempt } from "./record.ts";

const NAME = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.@-]{1,100}(?:\/[\w.@-]{1,100}){0,7}$/;

export function checkLogName(name: string): string {
  if (NAME.test(name)) return name;
  throw new AppError("InvalidPath", `\`${name}\` is not a log's name`, {
    hint: "use a name like `user_logs/std_log.txt`",
  });
}

/** Adds to a log of the run's current attempt and wakes its readers. */
export async function appendLog(
  deps: { readonly jobs: JobStore; readonly logs: LogStore; readonly watch: Watch },
  input: {
    readonly workspace: string;
    readonly run: string;
    readonly name: string;
    readonly offset: number;
    readonly bytes: Uint8Array;
  },
): Promise<{ readonly next_offset: number }> {
  const { workspace, run, offset, bytes } = input;
  const name = checkLogName(input.name);
  const attempt = currentAttempt(await requireJob(deps.jobs, workspace, run));
  if (attempt === undefined)
    throw new AppError("Conflict", `run \`${run}\` has not been started, so nothing can have logged`);
  const end = await deps.logs.append({ workspace, run, attempt: attempt.id, name }, offset, bytes);
  deps.watch.touch(logTopic(workspace, run));
  return { next_offset: end };
}
