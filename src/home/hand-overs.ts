import type { HandOvers } from "../core/jobs/hand-overs.ts";
import type { Log } from "./part.ts";

/** Handles wait in this process: one that is lost with it is asked for again. */
export function makeHandOvers(waitMs: number, log: Log): HandOvers & { close(): void } {
  const waiting = new Map<string, { readonly handle: string; readonly timer: NodeJS.Timeout }>();
  const key = (workspace: string, attempt: string): string => `${workspace} ${attempt}`;

  function take(workspace: string, attempt: string): string | undefined {
    const known = waiting.get(key(workspace, attempt));
    clearTimeout(known?.timer);
    waiting.delete(key(workspace, attempt));
    return known?.handle;
  }

  return {
    take,
    add(workspace, attempt, handle, keep) {
      take(workspace, attempt);
      const timer = setTimeout(() => {
        take(workspace, attempt);
        keep().catch((error: unknown) => log.fault("a handle could not be kept", error, { workspace, attempt }));
      }, waitMs);
      waiting.set(key(workspace, attempt), { handle, timer });
    },
    close() {
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
