import type { JobRecord } from "../../src/core/jobs/record.ts";
import type { NewRun } from "../../src/core/tracking/ports.ts";

/** The run of a job, as submitting it makes it. */
export function newJobRun(workspace: string, name: string): NewRun {
  return {
    workspace,
    runId: name,
    experimentId: "0",
    name,
    userId: "owner",
    status: "RUNNING",
    tags: {},
    source: "job",
    createdMs: Date.now(),
  };
}

/** A job's record. It is final, so that no loop takes it up; its tokens are good for as long as no end is noted. */
export function jobRecord(workspace: string, name: string, changes: Partial<JobRecord> = {}): JobRecord {
  return {
    workspace,
    name,
    rev: 1,
    edits: 0,
    digest: name,
    queueSeq: `${Date.now()}-${name}`,
    displayName: name,
    experimentId: "0",
    experimentName: "Default",
    properties: {},
    createdMs: Date.now(),
    createdBy: "user:owner",
    archived: false,
    status: "Completed",
    history: [],
    attempts: [],
    spec: { command: "true", environment: { image: "python" } } as unknown as JobRecord["spec"],
    compute: "local",
    environment: { kind: "python", requirements: [], label: "python-3" },
    inputs: {},
    outputs: {},
    warnings: [],
    ...changes,
  };
}
