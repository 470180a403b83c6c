import { appendFile, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Client } from "../../client/client.ts";
import { eachOf } from "../../client/each-of.ts";
import { listFiles } from "../../client/files.ts";
import { inside } from "../../client/files-node.ts";
import {
  type Json,
  listOf,
  type Mlflow,
  numberOf,
  pairsOf,
  recordOf,
  textOf,
} from "../../client/import-mlflow/rest.ts";
import { jobs } from "../../client/routes.ts";
import { isAppError } from "../../contract/errors.ts";
import { isEventFile } from "../../contract/event-files/metric-keys.ts";
import { paramsRecord, scalarRecord, versionRecord } from "../../contract/event-files/write-event.ts";
import type { FileEntry } from "../../contract/files.ts";

export interface MirrorOptions {
  readonly client: Client;
  readonly mlflow: Mlflow;
  readonly workspace: string;
  readonly logdir: string;
}

/** Brings a run's event files into a folder of its own, or writes one from its metrics; called again, it brings what is new. */
export interface Mirror {
  sync(run: Json): Promise<void>;
}

const RUNS_FINAL: ReadonlySet<string> = new Set(["FINISHED", "FAILED", "KILLED"]);
const FILES_AT_ONCE = 4;
const PAGE = "25000";
/** In the names of files that are written here. */
const OURS = "trainyard";

interface Known {
  /** It was over before it was last brought. */
  done: boolean;
  /** The file that is written from metrics, and what of each key is in it. */
  written?: { readonly path: string; readonly counts: Map<string, number>; readonly latest: Map<string, string> };
}

export function makeMirror(options: MirrorOptions): Mirror {
  const known = new Map<string, Known>();
  return {
    async sync(run) {
      const info = recordOf(run.info);
      const id = textOf(info.run_id);
      const state = known.get(id) ?? { done: false };
      known.set(id, state);
      if (state.done) return;
      const isOver = RUNS_FINAL.has(textOf(info.status));
      const folder = join(options.logdir, folderOf(textOf(info.run_name), id));
      const found = await eventFiles(options, run);
      await eachOf(found, FILES_AT_ONCE, ({ path, entry }) => bring(options.client, entry, inside(folder, path)));
      if (found.length === 0) await writeMetrics(options, state, folder, run);
      else await removeWritten(folder);
      state.done = isOver;
    },
  };
}

/** A name a person knows, and what tells it from others of that name. */
export function folderOf(name: string, id: string): string {
  const clean = name
    .replace(/[^\p{L}\p{N}_.\- ]/gu, "_")
    .replace(/^\.+/, "_")
    .trim()
    .slice(0, 100);
  return clean === "" || name === id ? id : `${clean}-${id.slice(0, 8)}`;
}

async function eventFiles(
  { client, workspace }: MirrorOptions,
  run: Json,
): Promise<{ readonly path: string; readonly entry: FileEntry }[]> {
  const id = textOf(recordOf(run.info).run_id);
  const uris = new Map([["", `runs:/${id}/`]]);
  if (pairsOf(recordOf(run.data).tags).get("mlflow.source.type") === "JOB") {
    const job = await client.call(jobs.get, { params: { workspace, name: id } }).catch(ifAbsent);
    for (const [name, output] of Object.entries(job?.outputs ?? {})) uris.set(`${name}/`, output.path);
  }
  const found: { path: string; entry: FileEntry }[] = [];
  for (const [prefix, uri] of uris) {
    const listing = await listFiles(client, workspace, uri).catch(ifAbsent);
    if (listing === undefined) continue;
    for await (const entry of listing.files)
      if (isEventFile(entry.path)) found.push({ path: `${prefix}${entry.path}`, entry });
  }
  return found;
}

/** What is not there yet, or lies where files can't be listed. */
function ifAbsent(error: unknown): undefined {
  if (isAppError(error) && ["NotFound", "NotSupported", "InvalidArgument"].includes(error.code)) return undefined;
  throw error;
}

/** Event files grow: what is new is appended, for TensorBoard keeps the file open. */
async function bring(client: Client, entry: FileEntry, path: string): Promise<void> {
  const there = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (there === entry.size_bytes) return;
  await mkdir(dirname(path), { recursive: true });
  const more = there > 0 && there < entry.size_bytes;
  const headers = { ...entry.headers, ...(more ? { range: `bytes=${there}-${entry.size_bytes - 1}` } : {}) };
  const response = await client.raw(entry.url, { headers });
  const appends = more && response.status === 206;
  const to = appends ? path : `${path}.${process.pid}.part`;
  const file = await open(to, appends ? "a" : "w");
  try {
    for await (const chunk of response.body ?? []) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
  if (!appends) await rename(to, path);
}

async function removeWritten(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (isEventFile(name) && name.includes(`.${OURS}.`)) await rm(join(folder, name));
}

/** Points that are not in the file yet. A key whose latest point is known has none. */
async function writeMetrics({ mlflow }: MirrorOptions, state: Known, folder: string, run: Json): Promise<void> {
  const info = recordOf(run.info);
  const data = recordOf(run.data);
  const id = textOf(info.run_id);
  const started = numberOf(info.start_time) ?? 0;
  if (state.written === undefined) {
    const metrics = listOf(data.metrics);
    const params = pairsOf(data.params);
    if (metrics.length === 0 && params.size === 0) return;
    await mkdir(folder, { recursive: true });
    await removeWritten(folder);
    const path = join(folder, `events.out.tfevents.${Math.floor(started / 1000)}.${OURS}.${id.slice(0, 8)}`);
    const head = [versionRecord(started), ...(params.size === 0 ? [] : [paramsRecord(params, id, started)])];
    await writeFile(path, Buffer.concat(head));
    state.written = { path, counts: new Map(), latest: new Map() };
  }
  const { path, counts, latest } = state.written;
  for (const metric of listOf(data.metrics)) {
    const key = textOf(metric.key);
    const now = JSON.stringify([metric.timestamp, metric.step, metric.value]);
    if (latest.get(key) === now) continue;
    let skip = counts.get(key) ?? 0;
    const query = { run_id: id, metric_key: key, max_results: PAGE };
    for await (const points of pagesOf(mlflow, query)) {
      const fresh = points.slice(skip);
      skip = Math.max(0, skip - points.length);
      const records = fresh.map((point) =>
        scalarRecord(key, {
          value: Number(point.value ?? 0),
          step: numberOf(point.step) ?? 0,
          timestamp: numberOf(point.timestamp) ?? 0,
        }),
      );
      await appendFile(path, Buffer.concat(records));
      counts.set(key, (counts.get(key) ?? 0) + fresh.length);
    }
    latest.set(key, now);
  }
}

async function* pagesOf(mlflow: Mlflow, query: Readonly<Record<string, string>>): AsyncGenerator<Json[]> {
  for (let token: string | undefined = ""; token !== undefined; ) {
    const page: Json = await mlflow.get("/metrics/get-history", { ...query, page_token: token || undefined });
    yield listOf(page.metrics);
    token = textOf(page.next_page_token) || undefined;
  }
}
