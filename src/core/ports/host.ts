/** One replica set of a deployment, as a host runs it. */
export interface HostRequest {
  /** `<workspace>/<endpoint>/<deployment>/<revision>`; starting the same id twice is one start. */
  readonly id: string;
  readonly workspace: string;
  readonly endpoint: string;
  readonly deployment: string;
  readonly revision: number;
  readonly apiUrl: string;
  /** Reads this deployment's model and code, nothing else. */
  readonly token: string;
  readonly instanceCount: number;
}

export interface HostState {
  readonly state: "starting" | "healthy" | "unhealthy" | "failed" | "gone";
  readonly reason?: string;
  /** Where the serving proxy finds the replicas (`http://127.0.0.1:port`). */
  readonly addresses: readonly string[];
}

/** Runs deployments. */
export interface Host {
  start(request: HostRequest): Promise<{ readonly handle: string }>;
  inspect(handle: string): Promise<HostState>;
  /** Lets requests under way finish for at most `drainSec`, then ends every process of it. */
  stop(handle: string, drainSec: number): Promise<void>;
  /** Latest output of the replicas' processes, newest last. */
  logs(handle: string, tailLines: number): Promise<string>;
}
