import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** When a process started, in a form that only equals itself, so that a reused pid fools nobody; undefined for no such process. */
export function processStartTime(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold anything. State first: the dead that nobody waited for are dead.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return process.platform === "linux" ? undefined : startTimeByPs(pid);
  }
}

function startTimeByPs(pid: number): string | undefined {
  const { stdout, status } = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

/** True while the process that had this pid and start time lives. Without a start time the pid alone is believed. */
export function isSameProcess(pid: number, startTime: string | undefined): boolean {
  const now = processStartTime(pid);
  return now !== undefined && (startTime === undefined || now === startTime);
}

/** Processes whose environment holds `name=value`. Empty where there is no /proc. */
export function processesWith(name: string, value: string): number[] {
  const needle = Buffer.from(`${name}=${value}\0`);
  const found: number[] = [];
  for (const entry of listProc()) {
    const pid = Number(entry);
    if (pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${entry}/environ`);
      const at = environment.indexOf(needle);
      if (at === 0 || (at > 0 && environment[at - 1] === 0)) found.push(pid);
    } catch {
      // Ended meanwhile, or another account's.
    }
  }
  return found;
}

function listProc(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** False where there is nothing to signal. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
