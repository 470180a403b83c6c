import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../home/part.ts";

const ROTATE_BYTES = 8 * 1024 * 1024;

/** The server's own log, one JSON object a line, in `log/server.log`; the file before it is `server.log.1`. */
export function openServerLog(dataDir: string): Log {
  const folder = join(dataDir, "log");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "server.log");

  function write(level: "info" | "fault", message: string, about: Readonly<Record<string, unknown>>): void {
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_BYTES) renameSync(path, `${path}.1`);
      const line = JSON.stringify({ at: new Date().toISOString(), level, message, ...about });
      appendFileSync(path, `${line}\n`, { mode: 0o600 });
    } catch {
      // A full disk must not take the server down over its own log.
    }
  }

  return {
    info: (message, about = {}) => write("info", message, about),
    fault: (message, error, about = {}) => write("fault", message, { ...about, error: describe(error) }),
  };
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: describe(cause) }) };
}
