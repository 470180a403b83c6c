import { type LogPage, STD_LOG } from "../../contract/runner.ts";
import { checkLogName } from "./append-log.ts";
import { requireJob } from "./get-job.ts";
import type { LogStore } from "./log-ports.ts";
import { type JobStore, logTopic, type Watch } from "./ports.ts";
import type { JobRecord } from "./record.ts";
import { isFinal } from "./state.ts";

const DEFAULT_LIMIT_BYTES = 262_144;
/** The longest UTF-8 character, so that every page gets on. */
const SMALLEST_LIMIT_BYTES = 4;

export interface ReadDeps {
  readonly jobs: JobStore;
  readonly logs: LogStore;
  readonly watch: Watch;
}

export interface ReadInput {
  readonly workspace: string;
  readonly name: string;
  readonly log?: string;
  readonly offset?: number;
  readonly limitBytes?: number;
  /** Waits at most so long for something beyond `offset`. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** Part of a log as text. Waiting ends with the first byte, with the end of the run, or with the time. */
export async function readLog(deps: ReadDeps, input: ReadInput): Promise<LogPage> {
  const { workspace, name, waitMs = 0, signal } = input;
  const listening = deps.watch.listen(logTopic(workspace, name), waitMs, signal);
  try {
    for (;;) {
      const page = await readOnce(deps, input);
      if (page.text !== "" || page.complete || !(await listening.next())) return page;
    }
  } finally {
    listening.done();
  }
}

async function readOnce(deps: ReadDeps, input: ReadInput): Promise<LogPage> {
  const { workspace, offset = 0 } = input;
  const name = checkLogName(input.log ?? STD_LOG);
  // The status is read first: a run that is final has written all it will.
  const job = await requireJob(deps.jobs, workspace, input.name);
  const final = isFinal(job.status);
  const limitBytes = Math.max(input.limitBytes ?? DEFAULT_LIMIT_BYTES, SMALLEST_LIMIT_BYTES);
  const whose = await whoRan(deps.jobs, job);
  const { before, bytes, sizeBytes, isLast } = await readAttempts(deps.logs, whose, name, offset, limitBytes);
  const from = before + Math.min(Math.max(0, offset - before), sizeBytes);
  const atEnd = from + bytes.byteLength >= before + sizeBytes;
  const complete = final && isLast && atEnd;
  const whole = complete || (atEnd && !isLast) ? bytes : wholeCharacters(bytes);
  return {
    name,
    offset: from,
    next_offset: from + whole.byteLength,
    text: new TextDecoder().decode(whole),
    complete,
    status: job.status,
  };
}

/** What a reused job shows is what the job whose results it has wrote. */
async function whoRan(jobs: JobStore, job: JobRecord): Promise<JobRecord> {
  const from = job.reusedFrom === undefined ? undefined : await jobs.get(job.workspace, job.reusedFrom);
  return from ?? job;
}

/** The log of a job is those of its attempts, one after the other. A page is of one of them; `before`: bytes of those before it. */
async function readAttempts(logs: LogStore, job: JobRecord, name: string, offset: number, limitBytes: number) {
  const { workspace, name: run, attempts } = job;
  let before = 0;
  for (const [at, attempt] of attempts.entries()) {
    const isLast = at === attempts.length - 1;
    const log = { workspace, run, attempt: attempt.id, name };
    const { bytes, sizeBytes } = await logs.read(log, Math.max(0, offset - before), limitBytes);
    if (isLast || offset - before < sizeBytes) return { before, bytes, sizeBytes, isLast };
    before += sizeBytes;
  }
  return { before, bytes: new Uint8Array(), sizeBytes: 0, isLast: true };
}

/** The bytes without the beginning of a character whose rest has not come yet. */
export function wholeCharacters(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back++) {
    const byte = bytes[bytes.byteLength - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length =
      byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc0 && byte < 0xe0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.byteLength - back) : bytes;
  }
  return bytes;
}

/** Names and sizes of a job's logs. */
export async function listLogs(
  deps: ReadDeps,
  input: { readonly workspace: string; readonly name: string },
): Promise<{ items: { name: string; size_bytes: number }[] }> {
  const { workspace } = input;
  const { name: run, attempts } = await whoRan(deps.jobs, await requireJob(deps.jobs, workspace, input.name));
  const sizes = new Map<string, number>();
  for (const attempt of attempts) {
    for (const { name, sizeBytes } of await deps.logs.list({ workspace, run, attempt: attempt.id })) {
      sizes.set(name, (sizes.get(name) ?? 0) + sizeBytes);
    }
  }
  return { items: [...sizes].map(([name, size_bytes]) => ({ name, size_bytes })) };
}
