import { ERRORS, isAppError } from "../../contract/errors.ts";
import type { Owners } from "../../contract/event-files/metric-keys.ts";
import { isEventFile } from "../../contract/event-files/metric-keys.ts";
import { type EventPoint, makeEventFileReader } from "../../contract/event-files/read-file.ts";
import type { RecordProblem } from "../../contract/event-files/records.ts";
import type { Objects } from "../ports/objects.ts";
import { artifactKey, eventFilesPrefix, proxiedPath } from "./artifact-paths.ts";
import { isRunId, PARAM_VALUE_LIMIT, TAG_VALUE_LIMIT, truncated } from "./names.ts";
import type { Run, RunStore } from "./ports.ts";

export interface EventFileDeps {
  readonly objects: Pick<Objects, "head" | "get" | "put">;
  readonly runs: Pick<RunStore, "get" | "change">;
}

/** What of a run's event files has become metrics, so that a file that grows, or comes again, is read only where it is new. */
interface ReadSoFar {
  readonly owners: Readonly<Record<string, string>>;
  /** By path below the run's artifacts. */
  readonly files: Readonly<Record<string, FileRead>>;
}

interface FileRead {
  readonly etag: string;
  /** Bytes up to the last whole record. */
  readonly consumed: number;
  readonly problems: readonly RecordProblem[];
}

/** On a run one of whose event files is damaged: which, where, how. */
export const EVENT_FILE_TAG = "trainyard.event_files.problems";

const LARGEST = Number.MAX_VALUE;
const POINTS_AT_ONCE = 5000;
const PROBLEMS_TOLD = 20;

/**
 * Reads TensorBoard's event files among runs' artifacts into metrics and params. Answers a function to be called when an artifact has been stored;
 * it does nothing for other files. Reading a file again adds nothing: it goes on after the records it knows, and a point that is logged twice is
 * one point.
 */
export function makeEventFiles(deps: EventFileDeps): (workspace: string, path: string) => Promise<void> {
  /** Uploads to one run come side by side; what is known of its files is changed by one at a time. */
  const turns = new Map<string, Promise<void>>();
  return async (workspace, path) => {
    if (!isEventFile(path)) return;
    const run = await runOf(deps, workspace, path);
    if (run === undefined) return;
    const turn = `${workspace} ${run.runId}`;
    const mine = (turns.get(turn) ?? Promise.resolve()).catch(() => undefined).then(() => readOne(deps, run, path));
    turns.set(turn, mine);
    try {
      await mine;
    } catch (error) {
      // The file is stored all the same; only a fault that passes is worth sending it again.
      if (isAppError(error) && ERRORS[error.code].retry) throw error;
      await tell(deps, run, `${path}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (turns.get(turn) === mine) turns.delete(turn);
    }
  };
}

/** `1/<run>/artifacts/tb/file`: the run below whose artifact root this is. */
async function runOf({ runs }: EventFileDeps, workspace: string, path: string): Promise<Run | undefined> {
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    const id = segments[i - 1] ?? "";
    if (segments[i] !== "artifacts" || !isRunId(id)) continue;
    const run = await runs.get(workspace, id);
    if (run !== undefined && proxiedPath(run.artifactUri) === segments.slice(0, i + 1).join("/")) return run;
  }
  return undefined;
}

async function readOne(deps: EventFileDeps, run: Run, path: string): Promise<void> {
  const { workspace, runId } = run;
  const key = artifactKey(workspace, path);
  const below = path.slice((proxiedPath(run.artifactUri) ?? "").length + 1);
  const stateKey = `${eventFilesPrefix(workspace, runId)}read.json`;
  const [info, state] = await Promise.all([deps.objects.head(key), stateOf(deps, stateKey)]);
  const before = state.files[below];
  if (info === undefined || info.sizeBytes === 0 || before?.etag === info.etag) return;
  const owners: Owners = new Map(Object.entries(state.owners));
  const goOn = before !== undefined && before.consumed <= info.sizeBytes ? before.consumed : 0;
  let end = await readFrom(deps, run, key, below, owners, goOn, info.sizeBytes);
  // A file that does not go on where it stopped is another one under the same name.
  const replaced = goOn > 0 && end.consumed === goOn && end.problems.length > 0;
  if (replaced) end = await readFrom(deps, run, key, below, owners, 0, info.sizeBytes);
  const kept = goOn > 0 && !replaced ? (before?.problems ?? []) : [];
  const problems = [...kept, ...end.problems].slice(0, PROBLEMS_TOLD);
  const files = { ...state.files, [below]: { etag: info.etag, consumed: end.consumed, problems } };
  if (end.problems.length > 0) await tell(deps, run, textOf(files));
  const after: ReadSoFar = { owners: Object.fromEntries(owners), files };
  await deps.objects.put(stateKey, new TextEncoder().encode(JSON.stringify(after)));
}

async function stateOf({ objects }: EventFileDeps, key: string): Promise<ReadSoFar> {
  const found = await objects.get(key);
  return found === undefined ? { owners: {}, files: {} } : ((await new Response(found.body).json()) as ReadSoFar);
}

async function readFrom(
  deps: EventFileDeps,
  run: Run,
  key: string,
  path: string,
  owners: Owners,
  from: number,
  size: number,
): Promise<{ readonly consumed: number; readonly problems: readonly RecordProblem[] }> {
  const reader = makeEventFileReader(path, owners, from);
  if (from >= size) return reader;
  const body = (await deps.objects.get(key, { start: from }))?.body;
  let points: EventPoint[] = [];
  let params: (readonly [string, string])[] = [];
  const flush = async () => {
    if (points.length > 0 || params.length > 0) await log(deps, run, points, params);
    points = [];
    params = [];
  };
  for await (const chunk of body ?? []) {
    const found = reader.push(chunk);
    for (const point of found.points) points.push(point);
    for (const param of found.params) params.push(param);
    if (points.length >= POINTS_AT_ONCE) await flush();
  }
  await flush();
  return reader;
}

async function log(
  deps: EventFileDeps,
  { workspace, runId }: Run,
  points: readonly EventPoint[],
  params: readonly (readonly [string, string])[],
): Promise<void> {
  const finite = points.map((point) => ({ ...point, value: Math.max(-LARGEST, Math.min(LARGEST, point.value)) }));
  await deps.runs.change(workspace, runId, (run) => {
    if (run.lifecycle === "deleted") return undefined;
    // A param is said once; trials of several values in one run leave the first.
    const fresh = params.filter(([key]) => !run.params.has(key)).toReversed();
    return { points: finite, params: new Map(fresh.map(([key, value]) => [key, truncated(value, PARAM_VALUE_LIMIT)])) };
  });
}

function textOf(files: ReadSoFar["files"]): string {
  const lines = Object.entries(files).flatMap(([path, { problems }]) =>
    problems.map(({ offset, message }) => `${path}: byte ${offset}: ${message}`),
  );
  return lines.slice(0, PROBLEMS_TOLD).join("\n");
}

async function tell(deps: EventFileDeps, { workspace, runId }: Run, text: string): Promise<void> {
  const tags = new Map([[EVENT_FILE_TAG, truncated(text, TAG_VALUE_LIMIT)]]);
  await deps.runs.change(workspace, runId, () => ({ tags }));
}
