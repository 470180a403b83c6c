import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { REPLICA_FILES } from "../../contract/replica.ts";
import { systemCode } from "./files.ts";

/** Of one file at most: more is no tail. */
const READ_BYTES = 2 * 1024 * 1024;

/** What the wrapper itself said, outside of its log: only when it could not start. */
export const WRAPPER_OUTPUT = "wrapper.txt";

/** The last lines of each replica's log; with more than one replica, each under its own heading. */
export function readLogs(folders: readonly string[], lines: number): string {
  const parts = folders.map((folder) => lastLines(folder, lines));
  if (parts.length === 1) return parts[0] ?? "";
  return parts.map((part, i) => `==> replica ${i} <==\n${part}`).join("\n");
}

function lastLines(folder: string, count: number): string {
  const newer = readEnd(join(folder, REPLICA_FILES.log));
  const own = readEnd(join(folder, WRAPPER_OUTPUT));
  let lines = [...splitLines(newer), ...splitLines(own)];
  if (lines.length < count) lines = [...splitLines(readEnd(join(folder, REPLICA_FILES.olderLog))), ...lines];
  return lines.slice(-count).join("\n");
}

function splitLines(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function readEnd(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, READ_BYTES));
    const got = readSync(fd, bytes, 0, bytes.byteLength, size - bytes.byteLength);
    return bytes.subarray(0, got).toString("utf8");
  } finally {
    closeSync(fd);
  }
}
