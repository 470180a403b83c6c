import type { Item, Write } from "../core/ports/table.ts";
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
        ...(run.endMs === undefined ? {} : { endMs: run.endMs }),
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

/** Type of what stays in the feed of a run that was freed, for who has it in memory; as long as anything in memory is believed. */
export const RUN_GONE = "RUN-GONE";
const GONE_KEPT_DAYS = 366;

/** Takes a freed run out of the feed, and says so there. `run` is its item. */
export function runGoneWrites(run: Item, nowMs: number): Write[] {
  const [workspace, experiment, id] = [String(run.workspace), String(run.experimentId), String(run.runId)];
  const goneMs = Math.max(nowMs, Number(run.feedMs) + 1);
  return [
    { kind: "delete", key: runFeedKey(workspace, experiment, id, Number(run.feedMs)) },
    {
      kind: "put",
      item: {
        ...runFeedKey(workspace, experiment, id, goneMs),
        type: RUN_GONE,
        v: 1,
        run: id,
        rev: Number(run.rev) + 1,
        expires: Math.ceil(goneMs / 1000) + GONE_KEPT_DAYS * 86_400,
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
