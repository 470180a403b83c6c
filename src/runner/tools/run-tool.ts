import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

const OUTPUT_LIMIT = 65_536;

export interface ToolResult {
  readonly code: number;
  /** stdout and stderr as they came, the last 64 KB. */
  readonly output: string;
}

/** Runs a helper program to its end; its output goes to `onOutput` by whole lines. The signal ends it with everything it started. */
export function runTool(
  command: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly onOutput?: (text: string) => void;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(options.signal.reason);
      return;
    }
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let output = "";
    const take = (stream: Readable): void => {
      let begun = "";
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-OUTPUT_LIMIT);
        begun += text;
        const end = begun.length > OUTPUT_LIMIT ? begun.length : begun.lastIndexOf("\n") + 1;
        if (end > 0) options.onOutput?.(begun.slice(0, end));
        begun = begun.slice(end);
      });
      stream.on("end", () => {
        if (begun !== "") options.onOutput?.(begun);
      });
    };
    take(child.stdout);
    take(child.stderr);
    const onAbort = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // Ended by itself.
      }
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    child.on("error", (error) => {
      options.signal?.removeEventListener("abort", onAbort);
      resolve({ code: 127, output: `${command}: ${error.message}` });
    });
    child.on("close", (code, signal) => {
      options.signal?.removeEventListener("abort", onAbort);
      if (options.signal?.aborted) reject(options.signal.reason);
      else resolve({ code: code ?? (signal === null ? 1 : 128), output });
    });
  });
}
