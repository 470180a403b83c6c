import type { Job } from "../../contract/jobs.ts";
import { duration } from "../common-flags.ts";

/** It has steps, and no log of its own. */
export function isComposite(job: Pick<Job, "type">): boolean {
  return job.type !== "command";
}

/** What a person wants to know of a job at a glance. */
export function briefOf(job: Job): (readonly [string, unknown])[] {
  const ended = job.exit_code === undefined ? job.signal : `exit code ${job.exit_code}`;
  return [
    ["Name", job.name],
    ["Display name", job.display_name],
    ["Status", ended === undefined ? job.status : `${job.status} (${ended})`],
    ["Why", job.status_reason],
    ["Experiment", job.experiment_name],
    ["Compute", job.compute],
    ["Environment", job.environment?.label],
    ["Created", `${job.created_at} by ${job.created_by}`],
    ["Took", duration(job.started_at, job.ended_at)],
    ["Snapshot", job.snapshot],
    [
      "Commit",
      job.git?.commit === undefined ? undefined : `${job.git.commit.slice(0, 12)}${job.git.dirty ? " + changes" : ""}`,
    ],
    ...Object.entries(job.inputs).map(([name, input]) => [`Input ${name}`, input.path ?? input.value] as const),
    ...Object.entries(job.outputs).map(([name, output]) => [`Output ${name}`, output.asset ?? output.path] as const),
    ...Object.entries(job.params).map(([name, value]) => [`Param ${name}`, value] as const),
    ...Object.entries(job.metrics)
      .filter(([name]) => !name.startsWith("system/"))
      .map(([name, value]) => [`Metric ${name}`, value] as const),
    ["Tags", job.tags],
    ...job.warnings.map((warning) => ["Warning", warning] as const),
  ];
}
