import type { Job } from "../../contract/jobs.ts";
import type { Clock } from "../ports/clock.ts";
import { type ChangeDeps, changeJob } from "./change-job.ts";
import { shownUser } from "./make-run.ts";
import type { JobRecord } from "./record.ts";
import { type ShowDeps, showJob } from "./show-job.ts";
import { isFinal, step } from "./state.ts";

/** Asks a job to end, for callers that don't look at it. */
export async function askToEnd(
  deps: ChangeDeps & { readonly clock: Clock },
  input: { readonly workspace: string; readonly name: string; readonly reason?: string; readonly actor: string },
): Promise<JobRecord> {
  const { workspace, name, actor } = input;
  const reason = input.reason ?? `canceled by ${shownUser(actor)}`;
  const atMs = deps.clock.now();
  const { job, changed } = await changeJob(
    deps,
    workspace,
    name,
    (before) => step(before, { kind: "cancel", by: actor, reason, atMs }),
    () => ({ actor, action: "cancel", summary: `cancel of job \`${name}\` asked for: ${reason}` }),
  );
  // What does not run yet takes no orders: whoever launched it ends it.
  if (changed && job.coordinated === true) deps.compose(workspace, name);
  else if (changed && !isFinal(job.status)) deps.nudge(workspace, job.compute, name);
  return job;
}

/** Asks a job to end. One that nothing runs yet ends at once; a runner gets the order with the answer to its waiting heartbeat. A final job is left as it is. */
export async function cancelJob(
  deps: ChangeDeps & ShowDeps & { readonly clock: Clock },
  input: { readonly workspace: string; readonly name: string; readonly reason?: string; readonly actor: string },
): Promise<Job> {
  return showJob(deps, await askToEnd(deps, input));
}
