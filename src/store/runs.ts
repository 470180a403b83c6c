import type { Write } from "../core/ports/table.ts";
import { ABSENT, PRESENT } from "../core/ports/table.ts";
import type { NewRun, RunStatus } from "../core/tracking/ports.ts";
import { runFeedKey, runKey } from "./facts/keys.ts";

/** Makes the run; the first write fails where a run of this id is. Two writes. */
export function runCreateWrites(run: NewRun): [head: Extract<Write, { kind: "put" }>, feed: Write] {
  const feedMs = run.createdMs;
  return [
    {
      kind: "put",
      when: ABSENT,
      item: {
        ...runKey(run.workspace, run.runId),
        type: "RUN",
        v: 1,
        rev: 1,
        runId: run.runId,
        workspace: run.workspace,
        experimentId: run.experimentId,
        name: run.name,
        userId: run.userId,
        status: run.status,
        startMs: run.startMs ?? run.createdMs,
        lifecycle: "active",
        source: run.source,
        ...(run.parentRunId === undefined ? {} : { parentRunId: run.parentRunId }),
        createdMs: run.createdMs,
        feedMs,
        ...(run.artifactUri === undefined ? {} : { artifactUri: run.artifactUri }),
        tags: {
          ...run.tags,
          "mlflow.runName": run.name,
          ...(run.parentRunId === undefined ? {} : { "mlflow.parentRunId": run.parentRunId }),
        },
      },
    },
    {
      kind: "put",
      item: {
        ...runFeedKey(run.workspace, run.experimentId, run.runId, feedMs),
        type: "RUN-FEED",
        v: 1,
        run: run.runId,
      },
    },
  ];
}

/** Tells the run where its job stands. One unconditional write: whether the change is allowed is the job's own condition. */
export function runStatusWrites(
  workspace: string,
  runId: string,
  change: { readonly status: RunStatus; readonly startMs?: number; readonly endMs?: number },
): Write[] {
  const { status, startMs, endMs } = change;
  return [
    {
      kind: "update",
      key: runKey(workspace, runId),
      when: PRESENT,
      set: { status, ...(startMs === undefined ? {} : { startMs }), ...(endMs === undefined ? {} : { endMs }) },
      add: { rev: 1 },
    },
  ];
}
