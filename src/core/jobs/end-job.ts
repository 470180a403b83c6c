import { isAppError } from "../../contract/errors.ts";
import type { LogPart } from "../../contract/runner.ts";
import type { Write } from "../ports/table.ts";
import { checkLogName } from "./append-log.ts";
import { type ChangeDeps, changeJob, statusDeed } from "./change-job.ts";
import { requireJob } from "./get-job.ts";
import type { HandOvers } from "./hand-overs.ts";
import type { LogRest, LogStore } from "./log-ports.ts";
import { artifactKey, earlierLog } from "./object-keys.ts";
import type { OutputRegistry } from "./ports.ts";
import { type AttemptRecord, currentAttempt, type JobRecord } from "./record.ts";
import { isFinal, type JobEvent, mayRetry, step } from "./state.ts";

export interface EndDeps extends ChangeDeps {
  readonly logs: LogStore;
  readonly outputs: OutputRegistry;
  /** Where launching an attempt again answers its handle and costs nothing. @default handles are kept at once */
  readonly handOvers?: HandOvers;
}

/**
 * Brings a job to its end: its logs become artifacts and, on success, its named outputs assets - before the end is seen, so that whoever waits for it finds them.
 * Each part can be repeated, so an end that was cut short is finished by the same event again.
 */
export async function endJob(
  deps: EndDeps,
  workspace: string,
  name: string,
  event: JobEvent & { readonly kind: "report" | "gone" | "launch-failed" },
  /** What else is told with the event, and was before it. */
  catchUp: (job: JobRecord) => JobRecord = (job) => job,
): Promise<JobRecord> {
  const before = await requireJob(deps.jobs, workspace, name);
  const ended = step(catchUp(before), event);
  if (ended === before || !isFinal(ended.status)) return before;
  if (ended.status === "Failed" && event.kind !== "launch-failed" && mayRetry(before)) {
    return retryJob(deps, before, event, catchUp);
  }
  const attempt = currentAttempt(before);
  let closing: readonly Write[] = [];
  if (attempt !== undefined) {
    const rests = event.kind === "report" ? (event.report.logs ?? []).map(decoded) : [];
    closing = await deps.logs.finish(
      { workspace, run: name, attempt: attempt.id },
      (log) => artifactKey(workspace, before.experimentId, name, log),
      rests,
    );
  }
  const registered = ended.status === "Completed" ? await registerOutputs(deps, before) : undefined;
  const { job } = await changeJob(
    deps,
    workspace,
    name,
    (current) => {
      const after = step(catchUp(current), event);
      if (after === current) return after;
      const told = { ...after, outputs: withContents(current, event) };
      return registered === undefined ? told : { ...told, ...registered(told) };
    },
    statusDeed(event.kind === "report" ? event.by : "system"),
    closing,
  );
  return job;
}

/** What the attempt wrote becomes artifacts, and the next one begins on the slot that the job has. */
async function retryJob(
  deps: EndDeps,
  before: JobRecord,
  event: JobEvent & { readonly kind: "report" | "gone" },
  catchUp: (job: JobRecord) => JobRecord,
): Promise<JobRecord> {
  const { workspace, name } = before;
  const attempt = currentAttempt(before);
  if (attempt === undefined) return before;
  const rests = event.kind === "report" ? (event.report.logs ?? []).map(decoded) : [];
  const closing = await deps.logs.finish(
    { workspace, run: name, attempt: attempt.id },
    (log) => artifactKey(workspace, before.experimentId, name, earlierLog(attempt.number, log)),
    rests,
  );
  const { job } = await changeJob(
    deps,
    workspace,
    name,
    (current) => step(catchUp(current), retryOf(before, attempt, event)),
    statusDeed("system"),
    closing,
  );
  deps.nudge(workspace, job.compute, name);
  return job;
}

function retryOf(job: JobRecord, attempt: AttemptRecord, event: JobEvent & { readonly kind: "report" | "gone" }) {
  const {
    exit_code,
    signal,
    reason = "it failed",
  } = event.kind === "report" ? event.report : { exit_code: undefined, signal: undefined, reason: event.reason };
  return {
    kind: "retried",
    attemptId: attempt.id,
    next: `${job.name}.${attempt.number + 1}`,
    reason: `attempt ${attempt.number} failed: ${reason}`,
    exit: { ...(exit_code === undefined ? {} : { exit_code }), ...(signal === undefined ? {} : { signal }) },
    atMs: event.atMs,
  } as const;
}

function decoded({ name, offset, base64 }: LogPart): LogRest {
  return { name: checkLogName(name), offset, bytes: Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)) };
}

function withContents({ outputs }: JobRecord, event: JobEvent): JobRecord["outputs"] {
  const contents = event.kind === "report" ? (event.report.outputs ?? {}) : {};
  return Object.fromEntries(
    Object.entries(outputs).map(([name, planned]) => {
      const known = contents[name];
      return [name, known === undefined ? planned : { ...planned, contents: known }];
    }),
  );
}

type Registered = (job: JobRecord) => Pick<JobRecord, "outputs" | "warnings">;

/** An output that can't be registered doesn't undo the job's success: it stays where it is, and the job says why. */
export async function registerOutputs(deps: Pick<EndDeps, "outputs">, job: JobRecord): Promise<Registered> {
  const assets = new Map<string, string>();
  const warnings: string[] = [];
  for (const [output, planned] of Object.entries(job.outputs)) {
    const { name } = planned;
    if (name === undefined) continue;
    try {
      const asset = await deps.outputs.register({
        workspace: job.workspace,
        job: job.name,
        output,
        planned: { ...planned, name },
      });
      assets.set(output, asset);
    } catch (error) {
      if (!isAppError(error)) throw error;
      warnings.push(`output \`${output}\` could not be registered as \`${name}\`: ${error.message}`);
    }
  }
  return (current) => ({
    outputs: Object.fromEntries(
      Object.entries(current.outputs).map(([output, planned]) => {
        const asset = assets.get(output);
        return [output, asset === undefined ? planned : { ...planned, asset }];
      }),
    ),
    warnings: [...current.warnings, ...warnings],
  });
}
