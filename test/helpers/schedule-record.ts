import type { FiringRecord, ScheduleRecord } from "../../src/core/schedules/ports.ts";

/** A schedule as the store has it. */
export function scheduleRecord(workspace: string, name: string): ScheduleRecord {
  return {
    workspace,
    name,
    tags: {},
    properties: {},
    trigger: { type: "cron", expression: "0 2 * * *", time_zone: "Europe/Berlin" },
    missedRuns: "once",
    isEnabled: true,
    action: "create_job",
    mark: "0".repeat(32),
    anchorMs: 0,
    sinceMs: 0,
    nextMs: 60_000,
    skipped: 0,
    createdMs: 0,
    createdBy: "user:owner",
    changedBy: "user:owner",
    byMembership: false,
    rev: 1,
  };
}

/** What one time made of it. */
export function firingRecord(workspace: string, schedule: string): FiringRecord {
  const time = "1970-01-01T00:01:00.000Z";
  const cause = { id: `time#${time}`, type: "time" as const, summary: `it was ${time}`, values: { time } };
  return { workspace, schedule, id: "f".repeat(32), cause, atMs: 60_000, state: "open" };
}
