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
  /** `python:PREFIX`, `python:FILE`, or `PYTHON_ON_PATH`. */
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

/** `environmentRef` of a replica in a container: the environment is the image, whose Python is the first on its PATH. */
export const PYTHON_ON_PATH = "python:";

/** A replica in a function (AWS Lambda) is told what it is by this variable, as JSON of `FunctionReplica`. */
export const FUNCTION_REPLICA = "TRAINYARD_FUNCTION";
export type FunctionReplica = Pick<
  ReplicaRequest,
  "id" | "workspace" | "endpoint" | "deployment" | "revision" | "apiUrl" | "token"
>;

/** Asks a replica in a function how it is, and gives it time to come up: between invocations a function does not run. */
export interface ProbeEvent {
  readonly trainyard: "probe";
  /** Waits so long for phase `ready` or `failed`. */
  readonly wait_ms: number;
}

export interface ProbeAnswer {
  readonly phase: ReplicaPhase;
  readonly reason?: string;
  /** The last lines of the model server and its wrapper. */
  readonly log: string;
}

/** A request to a replica in a function: as function URLs hand requests over (payload format 2.0), as far as it is used. */
export interface HttpEvent {
  readonly version: "2.0";
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: { readonly http: { readonly method: string } };
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

/** The beginning of a streamed answer: JSON of this, eight zero bytes, then the body. */
export interface HttpPrelude {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
}
export const PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response";
export const PRELUDE_END_BYTES = 8;

/** Path of the program of a replica in a function, below where its image has ours; what it needs of `python/serving` has its path of the package. */
export const SERVING_PROGRAM = "dist/serving/function.mjs";
