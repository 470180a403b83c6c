/** One replica set of a deployment, as a host runs it. */
export interface HostRequest {
  /** `<workspace>/<endpoint>/<deployment>/<revision>/<birth>`, where `birth` tells endpoints of one name apart; starting the same id twice is one start. */
  readonly id: string;
  readonly workspace: string;
  readonly endpoint: string;
  readonly deployment: string;
  readonly revision: number;
  readonly apiUrl: string;
  /** Reads this deployment's model and code, nothing else. */
  readonly token: string;
  /** What the router shows to a replica with each request; replicas answer nobody else. */
  readonly secret: string;
  /** `BuildResult.ref` of the environment. */
  readonly environmentRef: string;
  readonly instanceCount: number;
  /** Absent where the host has one machine for all. */
  readonly size?: HostSize;
}

/** What a replica gets of a host that sells machines by size. */
export interface HostSize {
  readonly memoryMb: number;
  /** For one request, the coming up of a replica included. */
  readonly timeoutSec: number;
}

/**
 * `healthy`: every replica answers. `unhealthy`: some do not, and are being started again. `failed`: none ever will, with the reason in words.
 * `gone`: nothing is known of this handle.
 */
export interface HostState {
  readonly state: "starting" | "healthy" | "unhealthy" | "failed" | "gone";
  readonly reason?: string;
  /** Where the router finds the replicas that answer: `http://127.0.0.1:port`, or a function's name. */
  readonly addresses: readonly string[];
}

/** Runs deployments. */
export interface Host {
  start(request: HostRequest): Promise<{ readonly handle: string }>;
  inspect(handle: string): Promise<HostState>;
  /** Resolves when `inspect` may say something new, or after `timeoutMs`. */
  changed(handle: string, timeoutMs: number): Promise<void>;
  /** Lets requests under way finish for at most `drainSec`, then ends every process of it. `draining`: not ended yet, to be asked again. */
  stop(handle: string, drainSec: number): Promise<"stopped" | "draining">;
  /** Latest output of the replicas' processes, newest last. */
  logs(handle: string, tailLines: number): Promise<string>;
}
