import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { isAppError } from "../contract/errors.ts";
import type { CommandEnd } from "./command.ts";

/** How often the kernel has killed for want of memory, over the machine and this control group; undefined where it does not say. */
export function oomKills(): number | undefined {
  const counts = [
    numberIn("/proc/vmstat", /^oom_kill (\d+)$/m),
    numberIn("/sys/fs/cgroup/memory.events", /^oom_kill (\d+)$/m),
    numberIn("/sys/fs/cgroup/memory/memory.oom_control", /^oom_kill (\d+)$/m),
  ].filter((count) => count !== undefined);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

function numberIn(path: string, pattern: RegExp): number | undefined {
  try {
    const found = pattern.exec(readFileSync(path, "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

/** Why a command failed, in a sentence, with the last line it wrote where that helps. */
export function failureOf(end: CommandEnd, tail: string, outOfMemory: boolean): string {
  const where = end.rank === undefined ? "the command" : `rank ${end.rank}`;
  const last = lastLine(tail);
  const quote = last === undefined ? "" : `: ${last}`;
  const signal = end.signal ?? signalOf(end.exitCode);
  if (outOfMemory && (signal === "SIGKILL" || end.exitCode === 137)) {
    return `${where} was killed by the system because the machine ran out of memory`;
  }
  if (signal !== undefined) {
    const number = constants.signals[signal];
    const meaning = SIGNALS[signal];
    return `${where} was ended by signal ${signal} (${number})${meaning === undefined ? "" : `, ${meaning}`}`;
  }
  if (end.exitCode === 127) return `a command was not found (exit code 127)${quote}`;
  if (end.exitCode === 126) return `a file could not be executed (exit code 126)${quote}`;
  return `${where} ended with exit code ${end.exitCode}${quote}`;
}

const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGSEGV: "an invalid memory access in native code",
  SIGABRT: "an abort in native code",
  SIGBUS: "often a full or vanished disk under a mapped file",
  SIGFPE: "an arithmetic error in native code",
  SIGILL: "an instruction this processor does not have",
  SIGKILL: "sent by somebody or by the system",
  SIGXCPU: "its processor time limit was reached",
};

/** A shell that stays around reports a child's signal as 128 + its number. */
function signalOf(code: number | undefined): NodeJS.Signals | undefined {
  if (code === undefined || code <= 128 || code > 128 + 31) return undefined;
  const found = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return found?.[0] as NodeJS.Signals | undefined;
}

/** The command's last line with something on it: of a Python traceback, the exception. Our own lines say nothing of why it failed. */
function lastLine(tail: string): string | undefined {
  const lines = tail.split(/[\r\n]+/).filter((line) => /[\p{L}\p{N}]/u.test(line) && !line.startsWith("[trainyard] "));
  const line = lines.at(-1)?.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours are control characters
  return line?.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "").slice(0, 500);
}

/** Why preparation failed. */
export function reasonOf(error: unknown): string {
  if (isAppError(error)) {
    const hint = typeof error.details.hint === "string" ? `; ${error.details.hint}` : "";
    return `${error.message}${hint}`;
  }
  if (error instanceof Error && "code" in error && error.code === "ENOSPC") return "the disk is full";
  return `the runner failed: ${error instanceof Error ? error.message : String(error)}`;
}

/** The installer's words behind a failed environment, for the log. */
export function detailLog(error: unknown): string | undefined {
  return isAppError(error) && typeof error.details.log === "string" ? error.details.log : undefined;
}
