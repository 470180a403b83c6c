import { mkdirSync } from "node:fs";
import { arch, cpus, hostname, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { STD_LOG, SYSTEM_LOG } from "../contract/names.ts";
import type { Assignment, RunnerReport } from "../contract/runner.ts";
import type { Home } from "./home.ts";
import { type LogStream, openLog } from "./log.ts";
import { materialize } from "./materialize.ts";
import type { Orders, Stop } from "./orders.ts";
import type { PortsOptions } from "./ports.ts";
import type { RunnerRequest } from "./request.ts";
import type { StateFiles } from "./state.ts";

/** Everything one attempt works with. */
export interface Attempt {
  readonly request: RunnerRequest;
  readonly home: Home;
  readonly orders: Orders;
  readonly files: StateFiles;
  readonly assignment: Assignment;
  /** Of several machines, which one; absent on the main one. */
  readonly node?: number;
  readonly log: LogStream;
  readonly systemLog: LogStream;
  /** Folder of the snapshot's copy: the command's working folder. */
  readonly work: string;
  /** A line of the system log. */
  readonly tell: (text: string) => void;
}

export type Outcome = Pick<RunnerReport, "status" | "reason" | "exit_code" | "signal" | "outputs">;

/** The attempt with its logs, on disk in its folder. `goOn`: another process of this attempt has begun them. `node`: which of several machines. `logBatchMs`: how long output may wait for more. */
export function makeAttempt(
  parts: Pick<Attempt, "request" | "home" | "orders" | "files" | "assignment">,
  options: { readonly goOn?: boolean; readonly node?: number; readonly logBatchMs?: number } = {},
): Attempt {
  const { request, home } = parts;
  const { goOn = false, node = 0, logBatchMs: batchMs = 100 } = options;
  const named = (name: string) => (node === 0 ? name : name.replace(/(?=\.\w+$)/, `_node_${node}`));
  const system = join(request.folder, "system.log");
  const hidden = Object.values(parts.assignment.secrets ?? {});
  const common = { home, goOn, hidden };
  const systemLog = openLog({ ...common, path: system, name: named(SYSTEM_LOG), eager: false, batchMs: 500 });
  return {
    ...parts,
    ...(node === 0 ? {} : { node }),
    log: openLog({ ...common, path: join(request.folder, "std.log"), name: named(STD_LOG), batchMs }),
    systemLog,
    work: join(request.folder, "code"),
    tell: (text) => systemLog.write(`${new Date().toISOString()} ${text}`),
  };
}

export function stopOf(orders: Orders): Stop | undefined {
  return orders.stopped.aborted ? (orders.stopped.reason as Stop) : undefined;
}

/** Makes the command's working folder: the snapshot's files, and the folders whose files become artifacts. */
export async function bringCode({ request, home, assignment, work, tell }: Attempt, signal: AbortSignal) {
  if (assignment.code === undefined) mkdirSync(work, { recursive: true });
  else {
    const { sameHost } = request;
    const brought = await materialize({ home, uri: assignment.code, folder: work, sameHost, link: false, signal });
    tell(`code: ${brought.files} files, ${brought.bytes} bytes\n`);
  }
  for (const name of ["outputs", "logs"]) mkdirSync(join(work, name), { recursive: true });
}

export function portsOptions({ home, assignment, request, tell }: Attempt, signal?: AbortSignal): PortsOptions {
  return { home, assignment, folder: request.folder, sameHost: request.sameHost, tell, signal };
}

let facts: Record<string, string> | undefined;

export function machineFacts(): Record<string, string> {
  facts ??= readFacts();
  return facts;
}

function readFacts(): Record<string, string> {
  const processors = cpus();
  return {
    host: hostname(),
    system: `${platform()} ${release()} ${arch()}`,
    processors: String(processors.length),
    processor: processors[0]?.model.trim() ?? "",
    memory_mb: String(Math.round(totalmem() / 1024 / 1024)),
    node: process.version,
  };
}
