import type { ReplicaPhase } from "../../contract/replica.ts";
import type { StatusFile } from "../folder.ts";

/** How the replica is, in memory: a function has no folder that others read. */
export interface FunctionStatus extends StatusFile {
  readonly reason: string | undefined;
  /** Resolves once it is known whether the replica can serve, or after `ms`. */
  known(ms: number): Promise<void>;
}

export function makeStatus(): FunctionStatus {
  let phase: ReplicaPhase = "preparing";
  let reason: string | undefined;
  const waiting = new Set<() => void>();
  const isKnown = (): boolean => phase !== "preparing" && phase !== "starting";
  return {
    get phase() {
      return phase;
    },
    get reason() {
      return reason;
    },
    set(change) {
      phase = change.phase;
      reason = change.reason;
      if (isKnown()) for (const wake of waiting) wake();
    },
    setPort: () => undefined,
    restarted: () => undefined,
    known(ms) {
      if (isKnown()) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(limit);
          waiting.delete(done);
          resolve();
        };
        const limit = setTimeout(done, ms);
        waiting.add(done);
      });
    },
  };
}
