import { readdirSync, readFileSync } from "node:fs";
import { pause } from "../client/retry.ts";

/** In the environment of everything a command starts, so that what left the process group is found too. Its value, the work folder, is no other attempt's. */
export const MARKER = "TRAINYARD_FOLDER";

/** What a command started is younger than itself: until so much later its process ids can't have begun again behind its own. */
const RECENT_MS = 2000;
const FEW = 256;

/** The processes that may be a young command's. */
function youngerThan(pid: number, begunMs: number): string[] {
  const last = lastProcess();
  if (performance.now() - begunMs > RECENT_MS || last < pid || last - pid > FEW) return listProcesses();
  return Array.from({ length: last - pid }, (_, i) => String(pid + 1 + i));
}

/** The process id that was given out last; 0 where nobody says. */
function lastProcess(): number {
  try {
    return Number(readFileSync("/proc/loadavg", "utf8").trim().split(" ").at(-1));
  } catch {
    return 0;
  }
}

/** Of these processes, those that carry the marker of an attempt's folder. */
function markedProcesses(folder: string, processes: readonly string[]): number[] {
  const needle = Buffer.from(`${MARKER}=${folder}\0`);
  const found: number[] = [];
  for (const name of processes) {
    const pid = Number(name);
    if (pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${name}/environ`);
      const at = environment.indexOf(needle);
      if (at === 0 || (at > 0 && environment[at - 1] === 0)) found.push(pid);
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found;
}

function listProcesses(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Sends a signal to process groups (negative ids are not needed) and to single processes; those that are gone are fine. */
export function signalAll(groups: readonly number[], pids: readonly number[], signal: NodeJS.Signals): number {
  let reached = 0;
  for (const target of [...groups.map((group) => -group), ...pids]) {
    try {
      process.kill(target, signal);
      reached++;
    } catch {
      // No such process.
    }
  }
  return reached;
}

/** True while a process of the group lives; the dead that nobody has waited for (no reaper in a container) do not count. */
export function groupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  const processes = listProcesses();
  if (processes.length === 0) return true;
  return processes.some((name) => {
    try {
      const text = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, , pgrp] = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return Number(pgrp) === group && state !== "Z" && state !== "X";
    } catch {
      return false;
    }
  });
}

/**
 * Ends everything an attempt started: SIGTERM, then SIGKILL to what is left after the grace period. Returns when nothing is left,
 * or when what is left cannot be killed (stuck in the kernel).
 */
export async function endAll(
  folder: string,
  groups: readonly number[],
  graceMs: number,
  /** When the groups were started, by `performance.now()`. */
  begunMs: number,
): Promise<void> {
  const first = Math.min(...groups, Number.MAX_SAFE_INTEGER);
  const left = () => ({
    groups: groups.filter(groupAlive),
    pids: markedProcesses(folder, youngerThan(first, begunMs)),
  });
  const gone = (now: { groups: number[]; pids: number[] }) => now.groups.length === 0 && now.pids.length === 0;
  let now = left();
  if (gone(now)) return;
  signalAll(now.groups, now.pids, "SIGTERM");
  const deadline = performance.now() + graceMs;
  for (let wait = 5; performance.now() < deadline; wait = Math.min(100, wait * 2)) {
    await pause(Math.min(wait, Math.max(1, deadline - performance.now())));
    now = left();
    if (gone(now)) return;
  }
  // Several rounds: a process may have forked between the look and the signal.
  for (let round = 0, wait = 5; round < 20; round++, wait = Math.min(200, wait * 2)) {
    signalAll(now.groups, now.pids, "SIGKILL");
    await pause(wait);
    now = left();
    if (gone(now)) return;
  }
}
