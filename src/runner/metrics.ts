import { execFile } from "node:child_process";
import { readFileSync, statfsSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";
import type { Home } from "./home.ts";

type Values = Record<string, number>;

export interface SystemMetrics {
  /** Sends what is still held and stops. */
  stop(): Promise<void>;
}

/** Short commands are not looked at. */
const BEGIN_MS = 100;
const FIRST_MS = 900;
const EVERY_MS = 10_000;

/** Samples this machine and stores it as the run's `system/…` metrics. Nothing of it may disturb the run: failures are dropped. */
export function startSystemMetrics(options: {
  readonly home: Home;
  readonly trackingUri: string;
  readonly token: string;
  readonly folder: string;
  /** Of several machines, which one: its metrics are `system/node_1/…`, as MLflow names them. */
  readonly node?: number;
  /** What the driver's tool says; default: it is asked here. */
  readonly readGraphics?: () => Promise<string>;
}): SystemMetrics {
  const { home, trackingUri, token, folder, node, readGraphics = askGraphics } = options;
  const prefix = node === undefined ? "system" : `system/node_${node}`;
  let step = 0;
  let before: Counters | undefined;
  let last: Promise<void> = Promise.resolve();
  const stopped = new AbortController();
  let timer = setTimeout(begin, BEGIN_MS);

  function begin(): void {
    timer = setTimeout(tick, FIRST_MS);
    before = counters();
  }

  function tick(): void {
    timer = setTimeout(tick, EVERY_MS);
    last = sample().catch(() => {});
  }

  async function sample(): Promise<void> {
    const now = counters();
    const values = { ...gauges(folder), ...rates(before ?? now, now), ...graphicsOf(await readGraphics()) };
    before = now;
    const timestamp = Date.now();
    const metrics = Object.entries(values)
      .filter(([, value]) => Number.isFinite(value))
      .map(([key, value]) => ({ key: `${prefix}/${key}`, value, timestamp, step }));
    step++;
    await home.client.raw(sameOrigin(trackingUri, "/api/2.0/mlflow/runs/log-batch"), {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ run_id: home.run, metrics, params: [], tags: [] }),
      signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(5000)]),
    });
  }

  return {
    async stop() {
      clearTimeout(timer);
      const giveUp = setTimeout(() => stopped.abort(), 500);
      await last;
      clearTimeout(giveUp);
    },
  };
}

function sameOrigin(base: string, path: string): string {
  return `${base.replace(/\/+$/, "")}${path}`;
}

interface Counters {
  readonly atMs: number;
  readonly busy: number;
  readonly total: number;
  readonly received: number;
  readonly sent: number;
}

function counters(): Counters {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    total += all;
    busy += all - times.idle;
  }
  const { received, sent } = network();
  return { atMs: performance.now(), busy, total, received, sent };
}

function network(): { received: number; sent: number } {
  let [received, sent] = [0, 0];
  try {
    for (const line of readFileSync("/proc/net/dev", "utf8").split("\n").slice(2)) {
      const [name = "", rest = ""] = line.split(":");
      if (rest === "" || name.trim() === "lo") continue;
      const fields = rest.trim().split(/\s+/).map(Number);
      received += fields[0] ?? 0;
      sent += fields[8] ?? 0;
    }
  } catch {
    // No /proc on this system.
  }
  return { received, sent };
}

const MEGABYTE = 1e6;

function gauges(folder: string): Values {
  const total = totalmem();
  const used = total - available();
  const values: Values = {
    system_memory_usage_megabytes: used / MEGABYTE,
    system_memory_usage_percentage: (used / total) * 100,
  };
  try {
    const disk = statfsSync(folder);
    const usedBytes = (disk.blocks - disk.bavail) * disk.bsize;
    values.disk_usage_megabytes = usedBytes / MEGABYTE;
    values.disk_available_megabytes = (disk.bavail * disk.bsize) / MEGABYTE;
    values.disk_usage_percentage = (usedBytes / (disk.blocks * disk.bsize)) * 100;
  } catch {
    // The folder is gone: the run is over.
  }
  return values;
}

/** `freemem` leaves out what the file cache would give back. */
function available(): number {
  try {
    const found = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    return found === undefined ? freemem() : Number(found) * 1024;
  } catch {
    return freemem();
  }
}

function rates(before: Counters, now: Counters): Values {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  return {
    cpu_utilization_percentage: ((now.busy - before.busy) / Math.max(1, now.total - before.total)) * 100,
    network_receive_megabytes: (now.received - before.received) / MEGABYTE / seconds,
    network_transmit_megabytes: (now.sent - before.sent) / MEGABYTE / seconds,
  };
}

/** Of the driver's tool: one line a GPU. */
export const GRAPHICS_QUERY: readonly string[] = [
  "--query-gpu=index,utilization.gpu,memory.used,memory.total,power.draw",
  "--format=csv,noheader,nounits",
];

let graphicsAbsent = false;

function askGraphics(): Promise<string> {
  if (graphicsAbsent) return Promise.resolve("");
  return new Promise((resolve) => {
    execFile("nvidia-smi", GRAPHICS_QUERY, { timeout: 3000 }, (error, stdout) => {
      graphicsAbsent = error !== null;
      resolve(graphicsAbsent ? "" : stdout);
    });
  });
}

function graphicsOf(lines: string): Values {
  const values: Values = {};
  for (const line of lines.split("\n").filter((each) => each.trim() !== "")) {
    const [index, busy = 0, used = 0, total = 1, watts = Number.NaN] = line.split(",").map(Number);
    values[`gpu_${index}_utilization_percentage`] = busy;
    values[`gpu_${index}_memory_usage_megabytes`] = used;
    values[`gpu_${index}_memory_usage_percentage`] = (used / total) * 100;
    values[`gpu_${index}_power_usage_watts`] = watts;
  }
  return values;
}
