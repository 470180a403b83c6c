import type { Key } from "../../core/ports/table.ts";

/**
 * Every key shape of the table; no other file joins text into keys. One section a room; docs/access-patterns.md lists pattern -> key -> index.
 * Names never hold `#`, so `#` separates. Numbers in sort keys are zero-padded, times are ISO 8601 (sorts as text).
 */
export const padded = (n: number, width = 16): string => String(n).padStart(width, "0");

// workspaces
export const workspaceKey = (workspace: string): Key => ({ pk: "WORKSPACES", sk: workspace });

// activities: by month, and by what they are about (gsi1)
export const activityMonth = (workspace: string, month: string): string => `W#${workspace}#ACTIVITY#${month}`;
export const activityKey = (workspace: string, at: string, id: string): Key => ({
  pk: activityMonth(workspace, at.slice(0, 7)),
  sk: `${at}#${id}`,
});
export const activitySubject = (workspace: string, resource: string, name: string): string =>
  `W#${workspace}#ACTIVITY#${resource}#${name}`;

// computes and datastores
export const computeKey = (workspace: string, name: string): Key => ({ pk: `W#${workspace}#COMPUTE`, sk: name });
export const datastoreKey = (workspace: string, name: string): Key => ({ pk: `W#${workspace}#DATASTORE`, sk: name });

// runs: one partition a run; RUN is MLflow's record, JOB what was submitted
export const runPartition = (workspace: string, run: string): string => `W#${workspace}#RUN#${run}`;
export const runKey = (workspace: string, run: string): Key => ({ pk: runPartition(workspace, run), sk: "RUN" });
export const jobKey = (workspace: string, run: string): Key => ({ pk: runPartition(workspace, run), sk: "JOB" });
/** gsi1: a workspace's jobs by creation time. */
export const jobList = (workspace: string): string => `W#${workspace}#JOBS`;
/** Jobs waiting for or holding a slot of a compute. */
export const queueKey = (workspace: string, compute: string, seq: string): Key => ({
  pk: `W#${workspace}#QUEUE#${compute}`,
  sk: seq,
});

// assets: one partition a name; HEAD holds counter and labels
export const assetPartition = (workspace: string, kind: string, name: string): string =>
  `W#${workspace}#ASSET#${kind}#${name}`;
export const assetHeadKey = (workspace: string, kind: string, name: string): Key => ({
  pk: assetPartition(workspace, kind, name),
  sk: "HEAD",
});
export const assetVersionKey = (workspace: string, kind: string, name: string, version: string): Key => ({
  pk: assetPartition(workspace, kind, name),
  sk: `V#${version}`,
});
/** gsi1 of HEAD items: names of a kind. */
export const assetNames = (workspace: string, kind: string): string => `W#${workspace}#ASSETS#${kind}`;

// trees
export const treeKey = (workspace: string, id: string): Key => ({ pk: `W#${workspace}#TREE#${id}`, sk: "TREE" });

// endpoints and deployments
export const endpointKey = (workspace: string, name: string): Key => ({ pk: `W#${workspace}#ENDPOINT`, sk: name });
export const deploymentKey = (workspace: string, endpoint: string, name: string): Key => ({
  pk: `W#${workspace}#ENDPOINT#${endpoint}`,
  sk: name,
});
