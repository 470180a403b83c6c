import type { Key } from "../../core/ports/table.ts";

/**
 * Every key shape of the table; no other file joins text into keys. One section a room; docs/access-patterns.md lists pattern -> key -> index.
 * A workspace's partition is removed with the workspace: `workspace-purge.ts` has to know it.
 * Names never hold `#`, so `#` separates. Numbers in sort keys are zero-padded, times are ISO 8601 (sorts as text).
 */
export const padded = (n: number, width = 16): string => String(n).padStart(width, "0");

// workspaces
export const WORKSPACE_LIST = "WORKSPACES";
export const workspaceKey = (workspace: string): Key => ({ pk: WORKSPACE_LIST, sk: workspace });
/** Stands from a workspace's deletion until all that was in it is gone. */
export const workspacePurgeKey = (workspace: string): Key => ({ pk: "WORKSPACE-PURGES", sk: workspace });
/** What a workspace keeps its things in that is not the home's; from before it is there until all of it is gone. */
export const WORKSPACE_STORAGE = "WORKSPACE-STORAGE";
export const workspaceStorageKey = (workspace: string): Key => ({ pk: WORKSPACE_STORAGE, sk: workspace });

// access: members of a workspace (`*`: of the whole home), the same by person, roles of a workspace's own, personal access tokens
export const memberList = (workspace: string): string => `W#${workspace}#MEMBERS`;
export const memberKey = (workspace: string, person: string): Key => ({ pk: memberList(workspace), sk: person });
export const membershipList = (person: string): string => `PERSON#${person}`;
export const membershipKey = (workspace: string, person: string): Key => ({
  pk: membershipList(person),
  sk: workspace,
});
export const roleList = (workspace: string): string => `W#${workspace}#ROLES`;
export const roleKey = (workspace: string, name: string): Key => ({ pk: roleList(workspace), sk: name });
export const tokenKey = (id: string): Key => ({ pk: `TOKEN#${id}`, sk: "TOKEN" });
/** gsi1 and gsi2, by time of making. */
export const tokensOf = (person: string): string => `TOKENS-OF#${person}`;
export const TOKEN_LIST = "TOKENS";

/** Whom an IAM user or role stands for, and that the AWS home has had a first owner. */
export const IAM_LINKS = "IAM-LINKS";
export const iamLinkKey = (principal: string): Key => ({ pk: IAM_LINKS, sk: principal });
export const BOOTSTRAP_KEY: Key = { pk: "BOOTSTRAP", sk: "BOOTSTRAP" };

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
export const datastoreList = (workspace: string): string => `W#${workspace}#DATASTORE`;
export const datastoreKey = (workspace: string, name: string): Key => ({
  pk: datastoreList(workspace),
  sk: name,
});

/** Of a workspace's secrets, without their values. */
export const secretList = (workspace: string): string => `W#${workspace}#SECRETS`;
export const secretRecordKey = (workspace: string, name: string): Key => ({ pk: secretList(workspace), sk: name });

// runs: one partition a run; RUN is MLflow's record, JOB what was submitted
export const runPartition = (workspace: string, run: string): string => `W#${workspace}#RUN#${run}`;
export const runKey = (workspace: string, run: string): Key => ({ pk: runPartition(workspace, run), sk: "RUN" });
export const jobKey = (workspace: string, run: string): Key => ({ pk: runPartition(workspace, run), sk: "JOB" });
/** What lists show of a job: it stands in their indexes instead of the job. */
export const jobCardKey = (workspace: string, run: string): Key => ({
  pk: runPartition(workspace, run),
  sk: "JOB-CARD",
});
/** Who started an attempt, on which of its machines. */
export const startKey = (workspace: string, run: string, attempt: string, node: number): Key => ({
  pk: runPartition(workspace, run),
  sk: `START#${attempt}#${padded(node, 4)}`,
});
/** Attempts that were started as one, with the job whose children they are. */
export const arrayKey = (workspace: string, run: string, array: string): Key => ({
  pk: runPartition(workspace, run),
  sk: `ARRAY#${array}`,
});
/** gsi1: a workspace's jobs by creation time. */
export const jobList = (workspace: string): string => `W#${workspace}#JOBS`;
/** Jobs waiting for or holding a slot of a compute. */
export const queueKey = (workspace: string, compute: string, seq: string): Key => ({
  pk: `W#${workspace}#QUEUE#${compute}`,
  sk: seq,
});

/** The job that completed last with a step's key. */
export const reuseKey = (workspace: string, key: string): Key => ({ pk: `W#${workspace}#REUSE`, sk: key });
/** Composite jobs that are not final. */
export const compositeKey = (workspace: string, run: string): Key => ({ pk: `W#${workspace}#COMPOSITES`, sk: run });
/** How far a composite is, and what happened to it that was not taken into account yet. */
export const coordKey = (workspace: string, run: string): Key => ({ pk: runPartition(workspace, run), sk: "COORD" });
export const INBOX_PREFIX = "INBOX#";
export const inboxKey = (workspace: string, run: string, cause: string): Key => ({
  pk: runPartition(workspace, run),
  sk: `${INBOX_PREFIX}${cause}`,
});

/** gsi2: jobs that name this one as their parent, by creation time. */
export const jobChildren = (workspace: string, parent: string): string => `W#${workspace}#CHILDREN#${parent}`;
/** Ended attempts whose machine is yet to be tidied. */
export const leftoverKey = (workspace: string, attempt: string): Key => ({
  pk: `W#${workspace}#LEFTOVERS`,
  sk: attempt,
});
/** Logs of a run: a head each, and a partition of chunks by offset. */
export const logHeadKey = (workspace: string, run: string, attempt: string, name: string): Key => ({
  pk: `${runPartition(workspace, run)}#LOGS`,
  sk: `${attempt}#${name}`,
});
export const logChunkKey = (workspace: string, run: string, attempt: string, name: string, offset: number): Key => ({
  pk: logChunks(workspace, run, `${attempt}#${name}`),
  sk: padded(offset),
});
/** The chunks behind a head. */
export const logChunks = (workspace: string, run: string, headSk: string): string =>
  `${runPartition(workspace, run)}#LOG#${headSk}`;

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
/** One small item a version, by the order they were made in. */
export const ASSET_ORDER_PREFIX = "N#";
export const assetOrderKey = (workspace: string, kind: string, name: string, seq: number): Key => ({
  pk: assetPartition(workspace, kind, name),
  sk: `${ASSET_ORDER_PREFIX}${padded(seq)}`,
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
/** What routers go by; not in the workspace's partitions: it goes with its endpoint, without which no workspace goes. */
export const routeKey = (workspace: string, endpoint: string): Key => ({
  pk: `ROUTE#${workspace}#${endpoint}`,
  sk: "ROUTE",
});
/** One partition a deployment; numbers count up. */
export const revisionKey = (workspace: string, endpoint: string, deployment: string, number: number): Key => ({
  pk: `W#${workspace}#ENDPOINT#${endpoint}#DEPLOYMENT#${deployment}`,
  sk: padded(number, 8),
});
/** gsi1: deployments with work left and endpoints on their way out, of every workspace; few at any time. */
export const UNSETTLED_DEPLOYMENTS = "DEPLOYMENTS#UNSETTLED";
export const DELETING_ENDPOINTS = "ENDPOINTS#DELETING";

// tracking: experiments in one partition of a workspace, their names apart (uniqueness); a run's metric log is a partition of its own
export const experimentList = (workspace: string): string => `W#${workspace}#EXPERIMENTS`;
export const experimentKey = (workspace: string, id: string): Key => ({
  pk: experimentList(workspace),
  sk: `E#${id.padStart(20, "0")}`,
});
export const experimentCounterKey = (workspace: string): Key => ({ pk: experimentList(workspace), sk: "COUNTER" });
export const deletedExperimentsKey = (workspace: string): Key => ({ pk: experimentList(workspace), sk: "DELETED" });
export const experimentNameKey = (workspace: string, name: string): Key => ({
  pk: `W#${workspace}#EXPERIMENT-NAME#${name}`,
  sk: "NAME",
});
/** One entry a run, moved to the end when a run that is final changes: the list of an experiment's runs and their change feed in one. */
export const RUN_FEED_SHARDS = 4;
export const runFeed = (workspace: string, experiment: string, shard: number): string =>
  `W#${workspace}#EXPERIMENT#${experiment}#FEED#${shard}`;
export const runFeedKey = (workspace: string, experiment: string, run: string, atMs: number): Key => ({
  pk: runFeed(workspace, experiment, shardOf(run, RUN_FEED_SHARDS)),
  sk: `${padded(atMs)}#${run}`,
});
/** Overflow of a run's summary beyond its RUN item. */
export const runPartKey = (workspace: string, run: string, part: number): Key => ({
  pk: runPartition(workspace, run),
  sk: `PART#${padded(part, 6)}`,
});
export const runDatasetKey = (workspace: string, run: string, index: number): Key => ({
  pk: runPartition(workspace, run),
  sk: `DATASET#${padded(index, 6)}`,
});
export const runDatasetPieceKey = (workspace: string, run: string, index: number, piece: number): Key => ({
  pk: runPartition(workspace, run),
  sk: `DATASET#${padded(index, 6)}#${padded(piece, 4)}`,
});
export const metricLog = (workspace: string, run: string): string => `${runPartition(workspace, run)}#LOG`;
export const metricLogKey = (workspace: string, run: string, level: number, seq: number): Key => ({
  pk: metricLog(workspace, run),
  sk: `${level}#${padded(seq)}`,
});
export const loggedModelKey = (workspace: string, model: string): Key => ({
  pk: `W#${workspace}#LOGGED-MODEL#${model}`,
  sk: "MODEL",
});
export const loggedModelList = (workspace: string, experiment: string): string =>
  `W#${workspace}#EXPERIMENT#${experiment}#LOGGED-MODELS`;
export const loggedModelListKey = (workspace: string, experiment: string, model: string): Key => ({
  pk: loggedModelList(workspace, experiment),
  sk: model,
});

// registry: the heads of all models in one partition (counter, aliases, revision), the versions of each in its own
export const modelList = (workspace: string): string => `W#${workspace}#MODELS`;
export const modelHeadKey = (workspace: string, name: string): Key => ({ pk: modelList(workspace), sk: name });
export const modelVersionKey = (workspace: string, name: string, version: string): Key => ({
  pk: assetPartition(workspace, "model", name),
  sk: `V#${version.padStart(16, "0")}`,
});
/** A deployment's hold on a version; `user` is `<endpoint>/<deployment>`. */
export const modelUsePrefix = (version: string): string => `USE#${version.padStart(16, "0")}#`;
export const modelUseKey = (workspace: string, name: string, version: string, user: string): Key => ({
  pk: assetPartition(workspace, "model", name),
  sk: `${modelUsePrefix(version)}${user}`,
});

// lineage: edges that no record of the thing itself has; a partition for each thing and direction
export const lineagePartition = (
  workspace: string,
  direction: string,
  kind: string,
  name: string,
  version = "",
): string => `W#${workspace}#LINEAGE-${direction.toUpperCase()}#${kind}#${plainText(name)}#${plainText(version)}`;
export const lineageEdgeKey = (
  partition: string,
  role: string,
  end: { readonly kind: string; readonly name: string; readonly version?: string },
): Key => ({ pk: partition, sk: `${end.kind}#${plainText(end.name)}#${plainText(end.version ?? "")}#${role}` });

/** Names that clients choose freely: never `#`, and at most three bytes a character. */
function plainText(text: string): string {
  return text.toWellFormed().replace(/[%#\p{Cc}]/gu, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

// gc: receipts of a workspace by time, the things of each, and the one sweep of trees and blobs that may be under way
export const gcList = (workspace: string): string => `W#${workspace}#GC`;
export const gcReceiptKey = (workspace: string, receipt: string): Key => ({ pk: gcList(workspace), sk: receipt });
export const gcEntries = (workspace: string, receipt: string): string => `W#${workspace}#GC#${receipt}`;
export const gcEntryKey = (workspace: string, receipt: string, kind: string, id: string): Key => ({
  pk: gcEntries(workspace, receipt),
  sk: `${kind}#${id}`,
});
/** gsi1: receipts with something left to do, of every workspace. */
export const GC_OPEN = "GC#OPEN";
export const gcOpenPrefix = (workspace: string): string => `${workspace}#`;
export const gcSweepKey = (workspace: string): Key => ({ pk: `W#${workspace}#GC-SWEEP`, sk: "SWEEP" });
/** Who a doomed tree or blob belongs to; spread over many partitions. */
export const gcClaimKey = (workspace: string, receipt: string, name: string): Key => ({
  pk: `W#${workspace}#GC#${receipt}#CLAIMS#${name.slice(0, 2)}`,
  sk: name,
});

// schedules: a light record each, the job it submits beside it, and its firings, one a cause
export const scheduleList = (workspace: string): string => `W#${workspace}#SCHEDULES`;
export const scheduleKey = (workspace: string, name: string): Key => ({ pk: scheduleList(workspace), sk: name });
export const scheduleJobKey = (workspace: string, name: string): Key => ({
  pk: `W#${workspace}#SCHEDULE#${name}`,
  sk: "JOB",
});
export const firingKey = (workspace: string, schedule: string, id: string): Key => ({
  pk: `W#${workspace}#SCHEDULE#${schedule}#FIRINGS`,
  sk: id,
});
/** gsi1: firings of a schedule by time. */
export const firingList = (workspace: string, schedule: string): string => `W#${workspace}#FIRINGS#${schedule}`;
/** gsi2: firings with something left to do, of every workspace. */
export const OPEN_FIRINGS = "FIRINGS#OPEN";

// batch endpoints, each with its deployments
export const batchEndpointList = (workspace: string): string => `W#${workspace}#BATCH-ENDPOINTS`;
export const batchEndpointKey = (workspace: string, name: string): Key => ({
  pk: batchEndpointList(workspace),
  sk: name,
});

// notifications
export const notificationList = (workspace: string): string => `W#${workspace}#NOTIFICATIONS`;
export const notificationKey = (workspace: string, name: string): Key => ({
  pk: notificationList(workspace),
  sk: name,
});

// the AWS home's own: secrets and their names, what the bus remembers of a message, timers, builds of images
export const secretKey = (name: string): Key => ({ pk: "SECRETS", sk: name });
export const secretNameKey = (name: string): Key => ({ pk: "SECRET-NAMES", sk: name });
export const messageKey = (topic: string, id: string): Key => ({ pk: `MESSAGE#${id}`, sk: topic });
export const DEAD_LETTERS = "DEAD-LETTERS";
export const deadLetterKey = (atMs: number, id: string): Key => ({ pk: DEAD_LETTERS, sk: `${padded(atMs)}#${id}` });
export const timerKey = (id: string): Key => ({ pk: `TIMER#${id}`, sk: "TIMER" });
/** Who does what only one may do at a time. */
export const turnKey = (name: string): Key => ({ pk: `TURN#${name}`, sk: "TURN" });
export const imageBuildKey = (hash: string): Key => ({ pk: `IMAGE-BUILD#${hash}`, sk: "BUILD" });
/** A deployment's replica set on a host that tells nobody by itself; the handle names its home's function. */
export const hostedKey = (handle: string): Key => ({ pk: `HOSTED#${handle}`, sk: "HOSTED" });

function shardOf(text: string, shards: number): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  return (hash >>> 0) % shards;
}
