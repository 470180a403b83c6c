import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { REPLICA_FILES, type ReplicaPhase, type ReplicaRequest, type ReplicaStatus } from "../contract/replica.ts";

/** The replica's folder is the working folder: socket names stay short however deep it lies. */
export function readRequest(): ReplicaRequest {
  return JSON.parse(readFileSync(REPLICA_FILES.request, "utf8")) as ReplicaRequest;
}

export interface StatusFile {
  readonly phase: ReplicaPhase;
  set(change: { readonly phase: ReplicaPhase; readonly reason?: string }): void;
  setPort(port: number): void;
  restarted(): void;
}

/** Keeps `status.json`. Readers see whole files only; a write costs no fsync, since a machine that dies takes the process with it. */
export function openStatusFile(): StatusFile {
  let status: ReplicaStatus = { pid: process.pid, phase: "preparing", restarts: 0 };
  const write = (next: ReplicaStatus): void => {
    status = next;
    const temporary = `${REPLICA_FILES.status}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify(status), { mode: 0o600 });
    renameSync(temporary, REPLICA_FILES.status);
  };
  write(status);
  return {
    get phase() {
      return status.phase;
    },
    set({ phase, reason }) {
      if (phase === status.phase && reason === status.reason) return;
      const { reason: _, ...rest } = status;
      write({ ...rest, phase, ...(reason === undefined ? {} : { reason }) });
    },
    setPort: (port) => write({ ...status, port }),
    restarted: () => write({ ...status, restarts: status.restarts + 1 }),
  };
}
