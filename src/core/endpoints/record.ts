import type { OnlineDeploymentSpec, OnlineEndpointSpec, ReplicaAssignment } from "../../contract/endpoints.ts";
import type { EnvironmentSpec } from "../../contract/environments.ts";
import type { HostSize } from "../ports/host.ts";

/** Percentages by deployment. */
export type Traffic = Readonly<Record<string, number>>;

export interface EndpointRecord {
  readonly workspace: string;
  readonly name: string;
  /** Tells endpoints of one name, made one after the other, apart. */
  readonly birth: string;
  /** Counts writes; a write names the count it saw. */
  readonly rev: number;
  readonly authMode: "key" | "aml_token" | "aad_token";
  readonly state: "Succeeded" | "Deleting";
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly traffic: Traffic;
  readonly mirrorTraffic: Traffic;
  readonly publicNetworkAccess: "enabled" | "disabled";
  readonly kept: Pick<OnlineEndpointSpec, "identity" | "location" | "compute">;
  readonly warnings: readonly string[];
  readonly createdMs: number;
  readonly createdBy: string;
  readonly updatedMs: number;
}

export type DeploymentState = "Creating" | "Updating" | "Succeeded" | "Failed" | "Deleting";

/** One change of state: who, when, why. */
export interface StateChange {
  readonly state: DeploymentState;
  readonly atMs: number;
  readonly by: string;
  readonly why: string;
}

export interface DeploymentRecord {
  readonly workspace: string;
  readonly endpoint: string;
  readonly name: string;
  readonly birth: string;
  readonly rev: number;
  readonly state: DeploymentState;
  readonly history: readonly StateChange[];
  /** The revision asked for last. */
  readonly revision: number;
  /** The revision that has the deployment's share of the traffic. */
  readonly live?: number;
  readonly reason?: string;
  readonly logTail?: string;
  readonly spec: OnlineDeploymentSpec;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly updatedMs: number;
  /** Work is left to do: a revision to bring up, or one to take down. */
  readonly unsettled: boolean;
}

/**
 * `Waiting`: nothing done yet. `Starting`: its environment is ready, the host may have it. `Live`: gets traffic. `Draining`: replaced, to be stopped.
 * `Ended` and `Failed` have nothing on the host any more.
 */
export type RevisionStage = "Waiting" | "Starting" | "Live" | "Draining" | "Ended" | "Failed";

/** What one revision is made of, pinned: labels are versions, references are URIs. */
export interface RevisionPlan {
  readonly model?: NonNullable<ReplicaAssignment["model"]> & { readonly asset?: string };
  readonly code?: NonNullable<ReplicaAssignment["code"]>;
  readonly environment: EnvironmentSpec;
  readonly environmentVariables: Readonly<Record<string, string>>;
  readonly requestSettings: ReplicaAssignment["request_settings"];
  readonly readinessProbe: ReplicaAssignment["readiness_probe"];
  readonly livenessProbe: ReplicaAssignment["liveness_probe"];
  readonly instanceCount: number;
  /** Of each replica; absent where the host has one machine for all. */
  readonly size?: HostSize;
  readonly warnings: readonly string[];
}

export interface RevisionRecord {
  readonly workspace: string;
  readonly endpoint: string;
  readonly deployment: string;
  readonly number: number;
  readonly rev: number;
  readonly stage: RevisionStage;
  readonly plan: RevisionPlan;
  /** Where the builder goes on from, while its environment is being built. */
  readonly buildSince?: string;
  readonly environmentRef?: string;
  readonly handle?: string;
  readonly reason?: string;
  readonly createdMs: number;
  readonly createdBy: string;
}

/** Where a deployment's name leads. */
export interface DeploymentId {
  readonly workspace: string;
  readonly endpoint: string;
  readonly deployment: string;
}

const HISTORY_LENGTH = 50;

/** The record in another state, with the change at the end of its history. */
export function inState(record: DeploymentRecord, change: StateChange): DeploymentRecord {
  const { reason: _, logTail: __, ...rest } = record;
  return {
    ...rest,
    state: change.state,
    history: [...record.history, change].slice(-HISTORY_LENGTH),
    updatedMs: change.atMs,
  };
}
