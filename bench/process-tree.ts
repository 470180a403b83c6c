import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Ticks of /proc/PID/stat in a second; fixed by Linux for user space. */
const TICKS_PER_SECOND = 100;

/** The process and all its descendants that are alive. */
function tree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(stat(Number(name))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Fields of /proc/PID/stat from the third on, `state`; none of a process that has gone. */
function stat(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // A program's name may hold spaces and parentheses.
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** Milliseconds of processor time, user and system, of the tree so far. */
export function cpuMs(root: number): number {
  const ticks = tree(root).map((pid) => {
    const fields = stat(pid);
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  });
  return (ticks.reduce((sum, each) => sum + each, 0) * 1000) / TICKS_PER_SECOND;
}

/** Megabytes resident of the tree. A program shared with other processes counts in full: what its own machine would need. */
export function residentMb(root: number): number {
  return statusMb(root, /^VmRSS:\s+(\d+) kB/m);
}

/** The most that was resident since `forgetPeak`, as a sum of each process's own. */
export function peakMb(root: number): number {
  return statusMb(root, /^VmHWM:\s+(\d+) kB/m);
}

export function forgetPeak(root: number): void {
  for (const pid of tree(root)) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusMb(root: number, line: RegExp): number {
  const kilobytes = tree(root).map((pid) => {
    try {
      return Number(line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}
