import type { JobRecord } from "../jobs/record.ts";
import { isFinal } from "../jobs/state.ts";
import { causeOf } from "./advance.ts";
import type { EndStatus } from "./machine.ts";
import type { InboxRow } from "./ports.ts";

/** What a child's end tells its composite; undefined while it has not ended, and of jobs that are nobody's child. */
export function endRow(job: JobRecord): InboxRow | undefined {
  const { composite, status, statusReason, endedMs = job.createdMs } = job;
  if (composite === undefined || !isFinal(status)) return undefined;
  const values = Object.entries(job.outputs).flatMap(([name, { contents }]) =>
    contents?.value === undefined ? [] : [[name, contents.value] as const],
  );
  return {
    cause: causeOf(composite.child),
    event: {
      kind: "ended",
      child: composite.child,
      status: status as EndStatus,
      ...(statusReason === undefined ? {} : { reason: statusReason }),
      ...(values.length === 0 ? {} : { values: Object.fromEntries(values) }),
      ...(job.reusedFrom === undefined ? {} : { reused: true }),
      atMs: endedMs,
    },
  };
}

/** What a composite is told itself: that it begins, and that it is to end. */
export function ownRow(before: JobRecord | undefined, after: JobRecord): InboxRow | undefined {
  if (after.coordinated !== true) return undefined;
  if (before === undefined) return { cause: "begin", event: { kind: "begin", atMs: after.createdMs } };
  const { cancel } = after;
  if (cancel === undefined || before.cancel !== undefined) return undefined;
  return { cause: "cancel", event: { kind: "cancel", ...cancel } };
}
