import { createReadStream } from "node:fs";
import { isEventFile, type Owners } from "../contract/event-files/metric-keys.ts";
import { type EventFileReader, type EventPoint, makeEventFileReader } from "../contract/event-files/read-file.ts";
import { filesBelow } from "./collect.ts";
import { reasonOf } from "./failure.ts";
import type { Home } from "./home.ts";

export interface EventFiles {
  /** Reads what is left, and sends it: as long as it takes for the home to hear it. */
  finish(): Promise<void>;
}

/** A folder whose files become the run's; `name`: what its files' paths begin with there. */
export interface WatchedFolder {
  readonly folder: string;
  readonly name: string;
}

const FIRST_MS = 2000;
const EVERY_MS = 10_000;
/** Of the time between two looks, what a look may take: outputs can be a great many files. */
const SHARE = 0.05;
const BATCH = 1000;

/** Reads TensorBoard's event files among a command's outputs into the run's metrics and params, while they grow. */
export function startEventFiles(options: {
  readonly home: Home;
  readonly trackingUri: string;
  readonly token: string;
  readonly folders: readonly WatchedFolder[];
  readonly tell: (text: string) => void;
}): EventFiles {
  const { home, folders, tell } = options;
  const owners: Owners = new Map();
  const readers = new Map<string, { readonly reader: EventFileReader; read: number; told: number }>();
  const said = new Set<string>();
  let points: EventPoint[] = [];
  let params: (readonly [string, string])[] = [];

  async function post(call: string, body: object): Promise<void> {
    const response = await home.client.raw(`${options.trackingUri.replace(/\/+$/, "")}/api/2.0/mlflow/runs/${call}`, {
      method: "POST",
      headers: { authorization: `Bearer ${options.token}`, "content-type": "application/json" },
      body: JSON.stringify({ run_id: home.run, ...body }),
    });
    await response.text();
  }

  async function send(until: (call: () => Promise<void>) => Promise<void>): Promise<void> {
    while (points.length > 0) {
      const metrics = points.slice(0, BATCH).map((point) => ({
        ...point,
        value: Number.isFinite(point.value) ? point.value : String(point.value),
      }));
      await until(() => post("log-batch", { metrics }));
      points = points.slice(BATCH);
    }
    for (let next = params[0]; next !== undefined; next = params[0]) {
      const [key, value] = next;
      // Trials of several values in one run: the first is the run's.
      if (!said.has(key)) await until(() => post("log-parameter", { key, value })).catch(refusedIsFine);
      said.add(key);
      params = params.slice(1);
    }
  }

  async function read(path: string, full: string, sizeBytes: number): Promise<void> {
    const known = readers.get(path) ?? { reader: makeEventFileReader(path, owners), read: 0, told: 0 };
    readers.set(path, known);
    if (sizeBytes <= known.read) return;
    for await (const chunk of createReadStream(full, { start: known.read, end: sizeBytes - 1 })) {
      const bytes = chunk as Uint8Array;
      const found = known.reader.push(bytes);
      known.read += bytes.length;
      for (const point of found.points) points.push(point);
      for (const param of found.params) params.push(param);
    }
    for (const { offset, message } of known.reader.problems.slice(known.told))
      tell(`event file ${path}: byte ${offset}: ${message}`);
    known.told = known.reader.problems.length;
  }

  async function look(until: (call: () => Promise<void>) => Promise<void>): Promise<void> {
    await send(until);
    for (const { folder, name } of folders) {
      for (const file of await filesBelow(folder)) {
        if (!isEventFile(file.path)) continue;
        await read(`${name}/${file.path}`, file.full, file.sizeBytes);
        await send(until);
      }
    }
  }

  let last: Promise<void> = Promise.resolve();
  let over = false;
  let timer = setTimeout(tick, FIRST_MS);

  function tick(): void {
    const started = performance.now();
    // The home may be away: what was read waits for the next look.
    last = look((call) => call())
      .catch(() => undefined)
      .then(() => {
        if (!over) timer = setTimeout(tick, Math.max(EVERY_MS, (performance.now() - started) / SHARE));
      });
  }

  return {
    async finish() {
      over = true;
      clearTimeout(timer);
      await last;
      await look((call) => home.until(call)).catch((error: unknown) =>
        tell(`event files could not be read into metrics: ${reasonOf(error)}`),
      );
    },
  };
}

function refusedIsFine(error: unknown): void {
  if (!(error instanceof Error && "code" in error && ["InvalidArgument", "Conflict"].includes(String(error.code))))
    throw error;
}
