import type { CreateJob } from "../../contract/jobs.ts";
import type { Firing, Schedule } from "../../contract/schedules.ts";
import type { FiringRecord, ScheduleRecord } from "./ports.ts";

const timeOf = (atMs: number): string => new Date(atMs).toISOString();

/** A firing as people see it. */
export function showFiring(firing: FiringRecord): Firing {
  const { id, schedule, cause, atMs, state, job, data, reason } = firing;
  return {
    id,
    schedule,
    cause,
    at: timeOf(atMs),
    state,
    ...(job === undefined ? {} : { job }),
    ...(data === undefined ? {} : { data }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** A schedule as people see it. */
export function showSchedule(
  record: ScheduleRecord,
  more: {
    readonly address: string;
    readonly template?: CreateJob | undefined;
    readonly last?: FiringRecord | undefined;
    readonly secret?: string | undefined;
  },
): Schedule {
  const { workspace, name, displayName, description, nextMs, data, trigger } = record;
  const isWebhook = trigger.type === "webhook";
  return {
    name,
    id: `azureml:${name}`,
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(description === undefined ? {} : { description }),
    tags: { ...record.tags },
    properties: { ...record.properties },
    trigger,
    missed_runs: record.missedRuns,
    is_enabled: record.isEnabled,
    ...(more.template === undefined ? {} : { create_job: more.template }),
    ...(data === undefined ? {} : { refresh_data: { name: data } }),
    ...(nextMs === undefined || !record.isEnabled ? {} : { next_at: timeOf(nextMs) }),
    ...(more.last === undefined ? {} : { last: showFiring(more.last) }),
    skipped: record.skipped,
    ...(isWebhook ? { webhook_url: `${more.address}/api/v1/workspaces/${workspace}/schedules/${name}/webhook` } : {}),
    ...(more.secret === undefined ? {} : { webhook_secret: more.secret }),
    created_at: timeOf(record.createdMs),
    created_by: record.createdBy,
  };
}
