import type { EnvironmentSpec, EnvironmentValue } from "../../contract/environments.ts";
import type { NewActivity } from "../activities/ports.ts";
import type { Write } from "../ports/table.ts";
import type { DeploymentId, DeploymentRecord, EndpointRecord, RevisionRecord } from "./record.ts";

/** Changes that are written together or not at all. A record's `rev` is the one that was read, 0 for a new record; the store counts it up. */
export interface Changes {
  readonly endpoint?: EndpointRecord;
  readonly deployments?: readonly DeploymentRecord[];
  readonly revisions?: readonly RevisionRecord[];
  readonly removed?: {
    readonly endpoint?: EndpointRecord;
    readonly deployments?: readonly DeploymentRecord[];
    readonly revisions?: readonly RevisionRecord[];
  };
  /** Must be as it was read: what the change was judged by. */
  readonly unchanged?: { readonly endpoint: EndpointRecord };
  /** Other rooms' writes that belong to the change. */
  readonly writes?: readonly Write[];
  readonly activity?: NewActivity;
}

export interface EndpointStore {
  getEndpoint(workspace: string, name: string): Promise<EndpointRecord | undefined>;
  /** By name. */
  listEndpoints(query: {
    readonly workspace: string;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly endpoints: readonly EndpointRecord[]; readonly cursor?: string }>;
  getDeployment(id: DeploymentId): Promise<DeploymentRecord | undefined>;
  /** All deployments of an endpoint, by name. */
  listDeployments(workspace: string, endpoint: string): Promise<readonly DeploymentRecord[]>;
  getRevision(id: DeploymentId, number: number): Promise<RevisionRecord | undefined>;
  listRevisions(id: DeploymentId): Promise<readonly RevisionRecord[]>;
  /** False: one of the records is not as it was read any more; nothing is written. */
  save(changes: Changes): Promise<boolean>;
  /** Deployments with work left, of every workspace. */
  unsettled(): Promise<readonly DeploymentId[]>;
  /** Endpoints in state Deleting, of every workspace. */
  deleting(): Promise<readonly { readonly workspace: string; readonly endpoint: string }[]>;
}

/** References to environments become what a builder makes. Throws NotFound or InvalidSpec. */
export interface Environments {
  resolve(
    workspace: string,
    value: EnvironmentValue,
  ): Promise<{ readonly spec: EnvironmentSpec; readonly warnings: readonly string[] }>;
}

/** Writes by which a revision holds a registered model version, which then can't be deleted. `asset` is `azureml:NAME:VERSION`. */
export interface ModelUse {
  use(workspace: string, asset: string, by: string): Promise<readonly Write[]>;
  release(workspace: string, asset: string, by: string): Promise<readonly Write[]>;
}

/** Makes what callers reach equal to the records. Returns when no new request takes the old way. */
export interface Routing {
  refresh(workspace: string, endpoint: string): Promise<void>;
}

/** Waits; rejects when the signal fires, so that a home that closes waits for nobody. */
export type Pause = (ms: number, signal?: AbortSignal) => Promise<void>;

/** Runs one task of a key after the other. A task that comes while another is at it may be left to that one, which then begins anew. */
export type InTurn = (key: string, task: () => Promise<void>) => Promise<void>;

export const SETTLE_TOPIC = "deployments.settle";
export const DELETE_TOPIC = "endpoints.delete";

/** Vault name of an endpoint's secrets. */
export const endpointSecret = (endpoint: EndpointRecord): string =>
  `endpoints/${endpoint.workspace}/${endpoint.name}/${endpoint.birth}`;

export const idOf = (record: DeploymentRecord): DeploymentId => ({
  workspace: record.workspace,
  endpoint: record.endpoint,
  deployment: record.name,
});

/** How a revision is named in a model's `used_by`. */
export const userOf = (revision: Pick<RevisionRecord, "endpoint" | "deployment" | "number">): string =>
  `${revision.endpoint}/${revision.deployment}/${revision.number}`;
