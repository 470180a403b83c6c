/**
 * What a host and the wrapper of one replica tell each other through files of the replica's folder. Plain types: both sides are ours, of one version.
 */

/** `request.json`, written by the host before it starts the wrapper. Holds secrets: readable by its owner only. */
export interface ReplicaRequest {
  /** The replica set's id, and which of it this one is (from 0). */
  readonly id: string;
  readonly index: number;
  readonly workspace: string;
  readonly endpoint: string;
  readonly deployment: string;
  readonly revision: number;
  readonly apiUrl: string;
  /** `server.json` of a laptop home, which says where a restarted server listens. */
  readonly serverFile?: string;
  readonly token: string;
  readonly secret: string;
  readonly environmentRef: string;
  /** Folder that the set's replicas share: model and code are brought there once. */
  readonly sharedFolder: string;
}

export type ReplicaPhase = "preparing" | "starting" | "ready" | "unhealthy" | "draining" | "failed";

/** `status.json`, replaced whole by the wrapper with each change. */
export interface ReplicaStatus {
  readonly pid: number;
  readonly phase: ReplicaPhase;
  /** In words, for phases `unhealthy` and `failed`. */
  readonly reason?: string;
  /** Where the wrapper listens on loopback. */
  readonly port?: number;
  /** How often the model server was started again. */
  readonly restarts: number;
}

/** Marks every process of a replica in its environment: `<set id>#<index>`. */
export const REPLICA_MARKER = "TRAINYARD_REPLICA";
/** Header that carries the set's secret from the router to a replica; never forwarded to the model. */
export const SECRET_HEADER = "x-trainyard-secret";
/** On answers of a replica that passed nothing on to the model: the same request may go to another replica. */
export const UNTOUCHED_HEADER = "x-trainyard-untouched";
/** Names of the files in a replica's folder. */
export const REPLICA_FILES = {
  request: "request.json",
  status: "status.json",
  log: "log.txt",
  olderLog: "log.1.txt",
} as const;
