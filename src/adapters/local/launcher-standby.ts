import { type ChildProcess, spawn } from "node:child_process";
import { processStartTime } from "./process-table.ts";

/** A runner that was started ahead of need and waits for its request. */
export interface Standby {
  readonly pid: number;
  readonly startTime: string | undefined;
  /** Hands the request over; false when the process is not there any more. */
  give(request: string): Promise<boolean>;
  /** Ends it unused. */
  drop(): void;
}

/** Node's start is most of a short job's latency: a standby has it behind it. It ends by itself when this process does, for its stdin ends then. */
export function startStandby(
  program: string,
  env: Readonly<Record<string, string>>,
  onEnded: () => void,
): Standby | undefined {
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env,
    cwd: "/",
  });
  let alive = true;
  const gone = (): void => {
    alive = false;
  };
  child.once("exit", () => {
    gone();
    onEnded();
  });
  child.once("error", gone);
  child.stdin?.on("error", gone);
  child.unref();
  unrefStdin(child);
  const { pid } = child;
  if (pid === undefined) return undefined;
  return {
    pid,
    startTime: processStartTime(pid),
    give(request) {
      return new Promise((resolve) => {
        if (!alive || child.stdin === null) {
          resolve(false);
          return;
        }
        child.stdin.write(`${request}\n`, (error) => {
          if (error == null) child.stdin?.end();
          resolve(error == null);
        });
      });
    },
    drop() {
      child.stdin?.destroy();
    },
  };
}

/** Waiting for a job must not keep this process alive. */
function unrefStdin(child: ChildProcess): void {
  const stdin: unknown = child.stdin;
  if (typeof stdin === "object" && stdin !== null && "unref" in stdin && typeof stdin.unref === "function")
    stdin.unref();
}
