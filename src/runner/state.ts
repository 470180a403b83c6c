import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { RunnerReport } from "../contract/runner.ts";

/** `runner.json`: how a launcher finds a running attempt again. `start_time` tells a reused pid from the runner's own. */
export interface RunnerFile {
  readonly pid: number;
  /** Field 22 of `/proc/PID/stat` (ticks since boot); absent where there is no /proc. */
  readonly start_time?: string;
  readonly attempt: string;
  readonly phase: "Preparing" | "Running" | "Done";
  /** Process groups of the command. */
  readonly groups: readonly number[];
}

export interface StateFiles {
  phase(phase: RunnerFile["phase"], groups?: readonly number[]): void;
  /** `final.json`: the report that is owed, written before it is sent. */
  final(report: RunnerReport): void;
}

export function openStateFiles(folder: string, attempt: string): StateFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const startTime = ownStartTime();
  let groups: readonly number[] = [];
  let now: RunnerFile["phase"] | undefined;
  return {
    phase(phase, given) {
      if (phase === now) return;
      now = phase;
      groups = given ?? groups;
      const file: RunnerFile = {
        pid: process.pid,
        ...(startTime === undefined ? {} : { start_time: startTime }),
        attempt,
        phase,
        groups,
      };
      bestEffort(() => replaceFile(join(folder, "runner.json"), JSON.stringify(file)));
    },
    final: (report) => bestEffort(() => replaceFile(join(folder, "final.json"), JSON.stringify(report), true)),
  };
}

let known: { readonly startTime: string | undefined } | undefined;

function ownStartTime(): string | undefined {
  known ??= { startTime: processStartTime(process.pid) };
  return known.startTime;
}

/** A full disk, or a folder that was taken away, must not end a run that can still report. */
function bestEffort(write: () => void): void {
  try {
    write();
  } catch (error) {
    process.stderr.write(`trainyard runner: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** Readers see the old or the new file, never a part. */
export function replaceFile(path: string, text: string, durable = false): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, "w", 0o600);
  try {
    writeSync(file, text);
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** When a process started, in a form that only equals itself; undefined for no such process, or no /proc. */
export function processStartTime(pid: number): string | undefined {
  const path = `/proc/${pid}/stat`;
  try {
    if (!existsSync(path)) return undefined;
    const text = readFileSync(path, "utf8");
    // The second field is the program's name in parentheses and may hold anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
