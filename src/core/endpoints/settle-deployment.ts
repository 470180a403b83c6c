import { AppError } from "../../contract/errors.ts";
import { signDeploymentToken } from "../auth/tokens.ts";
import type { Builder } from "../ports/builder.ts";
import type { Clock } from "../ports/clock.ts";
import type { Host, HostState } from "../ports/host.ts";
import type { Signer } from "../ports/signer.ts";
import type { Write } from "../ports/table.ts";
import type { Vault } from "../ports/vault.ts";
import { deleteDeploymentsOf } from "./delete-deployment.ts";
import {
  type EndpointStore,
  endpointSecret,
  type InTurn,
  type ModelUse,
  type Pause,
  type Routing,
  userOf,
} from "./ports.ts";
import { type DeploymentId, type DeploymentRecord, inState, type RevisionRecord } from "./record.ts";
import { readSecrets } from "./secrets.ts";

export interface SettleDeps {
  readonly endpoints: EndpointStore;
  readonly builder: Builder;
  readonly host: Host;
  readonly routing: Routing;
  readonly signer: Signer;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly modelUse: ModelUse;
  readonly inTurn: InTurn;
  /** Absent where nobody waits for a host: it is looked at again later. */
  readonly pause?: Pause;
  /** Base address of the API as replicas see it. */
  readonly apiUrl: () => string;
}

const TAIL_LINES = 200;
const TAIL_CHARS = 60_000;
/** On top of a request's own time limit. */
const DRAIN_EXTRA_SEC = 5;
const LOOK_MS = 1000;

/** `later`: something takes its time, and whoever asked has to ask again. */
export type Settled = "settled" | "later";

/**
 * Brings a deployment to where its records want it: builds, starts, waits for health, switches callers over, stops what was replaced.
 * Every step is written down before or repeats harmlessly, so this may end anywhere and be called again. Rejects when the signal fires.
 */
export async function settleDeployment(deps: SettleDeps, id: DeploymentId, signal: AbortSignal): Promise<Settled> {
  const ends: Next[] = [];
  await deps.inTurn(`${id.workspace}/${id.endpoint}/${id.deployment}`, async () => {
    let next = await step(deps, id, signal);
    while (next === "again") {
      signal.throwIfAborted();
      next = await step(deps, id, signal);
    }
    ends.push(next);
  });
  return ends.at(-1) === "later" ? "later" : "settled";
}

/** Takes everything of a deleted endpoint away, the record last. */
export async function settleDeletedEndpoint(
  deps: SettleDeps,
  where: { readonly workspace: string; readonly endpoint: string },
  signal: AbortSignal,
): Promise<Settled> {
  for (;;) {
    signal.throwIfAborted();
    const endpoint = await deps.endpoints.getEndpoint(where.workspace, where.endpoint);
    if (endpoint?.state !== "Deleting") return "settled";
    const left = await deleteDeploymentsOf(deps, endpoint);
    const ends = await Promise.all(left.map((id) => settleDeployment(deps, id, signal)));
    // Where nobody waits, one that is somebody else's at the moment is looked at again, too.
    if (ends.includes("later") || (left.length > 0 && deps.pause === undefined)) return "later";
    if (left.length > 0) continue;
    await deps.vault.delete(endpointSecret(endpoint));
    await deps.endpoints.save({ removed: { endpoint } });
    await deps.routing.refresh(where.workspace, where.endpoint);
  }
}

type Next = "again" | "later" | "done";

async function step(deps: SettleDeps, id: DeploymentId, signal: AbortSignal): Promise<Next> {
  const record = await deps.endpoints.getDeployment(id);
  if (record === undefined || !record.unsettled) return "done";
  const revisions = await deps.endpoints.listRevisions(id);
  if (record.state === "Deleting") return remove(deps, id, record, revisions);
  const leftover = revisions.find(
    ({ number, stage }) =>
      stage === "Draining" || ((stage === "Waiting" || stage === "Starting") && number !== record.revision),
  );
  const target = revisions.find(({ number }) => number === record.revision);
  // Callers must be switched over before the old one is stopped, also when a crash came between the two.
  if (leftover?.stage === "Draining") await deps.routing.refresh(id.workspace, id.endpoint);
  const drained = leftover === undefined ? "again" : await end(deps, leftover);
  // Who waits for the deployment need not wait for what it replaced.
  if (leftover !== undefined && drained === "again") return "again";
  if (target?.stage === "Waiting") return build(deps, record, target, signal);
  if (target?.stage === "Starting") return start(deps, id, record, target, revisions, signal);
  const unsettled = drained === "later";
  if (target?.stage === "Live") await succeed(deps, record, unsettled);
  else if (!unsettled) await deps.endpoints.save({ deployments: [{ ...record, unsettled }] });
  return drained;
}

/** Says that the wanted revision is live; `unsettled`: there is something left to do all the same. */
async function succeed(deps: SettleDeps, record: DeploymentRecord, unsettled: boolean): Promise<void> {
  if (record.state === "Succeeded" && record.unsettled === unsettled) return;
  const change = {
    state: "Succeeded",
    atMs: deps.clock.now(),
    by: "system",
    why: `revision ${record.revision} is live`,
  } as const;
  const after = record.state === "Succeeded" ? record : inState(record, change);
  await deps.endpoints.save({ deployments: [{ ...after, unsettled }] });
}

async function build(
  deps: SettleDeps,
  record: DeploymentRecord,
  target: RevisionRecord,
  signal: AbortSignal,
): Promise<Next> {
  let log = "";
  try {
    const { workspace, plan, buildSince: since } = target;
    const request = { workspace, spec: plan.environment, ...(since === undefined ? {} : { since }) };
    const building = deps.builder.build(request, (text) => {
      log = (log + text).slice(-TAIL_CHARS);
    });
    const built = await unlessAborted(building, signal);
    if (built.state === "building") {
      await deps.endpoints.save({
        revisions: [{ ...target, buildSince: built.since }],
        deployments: because(record, built.reason),
      });
      return "later";
    }
    const { buildSince: _, ...rest } = target;
    await deps.endpoints.save({ revisions: [{ ...rest, stage: "Starting", environmentRef: built.ref }] });
    return "again";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === "Unavailable" && deps.pause === undefined) {
      await deps.endpoints.save({ deployments: because(record, error.message) });
      return "later";
    }
    // What is out of reach for the moment is asked again, by whoever sent the message.
    if (error.code === "Unavailable") throw error;
    return fail(deps, target, error.message, typeof error.details.log === "string" ? error.details.log : log);
  }
}

/** Why a deployment waits, where that is news. */
function because(record: DeploymentRecord, reason: string): readonly DeploymentRecord[] {
  return record.reason === reason ? [] : [{ ...record, reason }];
}

/** A build takes minutes and can't be told to stop; what it has made by then is found by the next try. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

async function start(
  deps: SettleDeps,
  id: DeploymentId,
  record: DeploymentRecord,
  target: RevisionRecord,
  revisions: readonly RevisionRecord[],
  signal: AbortSignal,
): Promise<Next> {
  if (target.handle === undefined) {
    try {
      const handle = await startOnHost(deps, target);
      await deps.endpoints.save({ revisions: [{ ...target, handle }] });
      return "again";
    } catch (error) {
      // The host refuses it for good.
      if (!(error instanceof AppError) || error.code !== "DeploymentFailed") throw error;
      return fail(deps, target, error.message, "");
    }
  }
  const state = await healthOf(deps, id, target, target.handle, signal);
  if (state === undefined) return "again";
  if (state.state === "starting" || state.state === "unhealthy") return "later";
  if (state.state === "healthy") return goLive(deps, id, record, target, revisions);
  const reason = state.reason ?? "its replicas are gone from the host";
  return fail(deps, target, reason, await deps.host.logs(target.handle, TAIL_LINES));
}

async function startOnHost(deps: SettleDeps, target: RevisionRecord): Promise<string> {
  const { workspace, endpoint, deployment, number, plan } = target;
  const owner = await deps.endpoints.getEndpoint(workspace, endpoint);
  if (owner === undefined) throw new AppError("NotFound", `endpoint \`${endpoint}\` is gone`);
  const { replicaSecret } = await readSecrets(deps, owner);
  const { handle } = await deps.host.start({
    id: `${workspace}/${endpoint}/${deployment}/${number}/${owner.birth}`,
    workspace,
    endpoint,
    deployment,
    revision: number,
    apiUrl: deps.apiUrl(),
    token: await signDeploymentToken(deps.signer, workspace, endpoint, deployment),
    secret: replicaSecret,
    environmentRef: target.environmentRef ?? "",
    instanceCount: plan.instanceCount,
    ...(plan.size === undefined ? {} : { size: plan.size }),
  });
  return handle;
}

/** How the revision is, once the host knows whether it is healthy, or at once where nobody waits; undefined when something else is wanted meanwhile. */
async function healthOf(
  deps: SettleDeps,
  id: DeploymentId,
  target: RevisionRecord,
  handle: string,
  signal: AbortSignal,
): Promise<HostState | undefined> {
  for (;;) {
    signal.throwIfAborted();
    const state = await deps.host.inspect(handle);
    if (state.state === "healthy" || state.state === "failed" || state.state === "gone") return state;
    const record = await deps.endpoints.getDeployment(id);
    if (record === undefined || record.state === "Deleting" || record.revision !== target.number) return undefined;
    if (deps.pause === undefined) return state;
    await deps.host.changed(handle, LOOK_MS);
  }
}

async function goLive(
  deps: SettleDeps,
  id: DeploymentId,
  record: DeploymentRecord,
  target: RevisionRecord,
  revisions: readonly RevisionRecord[],
): Promise<Next> {
  const old = revisions.find(({ number, stage }) => stage === "Live" && number !== target.number);
  const saved = await deps.endpoints.save({
    deployments: [{ ...record, live: target.number, updatedMs: deps.clock.now() }],
    revisions: [{ ...target, stage: "Live" }, ...(old === undefined ? [] : [{ ...old, stage: "Draining" as const }])],
    activity: {
      workspace: id.workspace,
      actor: "system",
      resource: "deployment",
      name: `${id.endpoint}/${id.deployment}`,
      action: "live",
      summary: `revision ${target.number} of \`${id.endpoint}/${id.deployment}\` is healthy and live`,
      after: { revision: target.number },
    },
  });
  if (saved) await deps.routing.refresh(id.workspace, id.endpoint);
  return "again";
}

/** Stops a revision that is not wanted any more, and lets its model go. */
async function end(deps: SettleDeps, revision: RevisionRecord): Promise<Next> {
  const drainSec = Math.ceil(revision.plan.requestSettings.request_timeout_ms / 1000) + DRAIN_EXTRA_SEC;
  if (revision.handle !== undefined) {
    const stopped = await deps.host.stop(revision.handle, revision.stage === "Draining" ? drainSec : 0);
    if (stopped === "draining") return "later";
  }
  await deps.endpoints.save({ revisions: [{ ...revision, stage: "Ended" }], writes: await release(deps, revision) });
  return "again";
}

async function release(deps: SettleDeps, revision: RevisionRecord): Promise<readonly Write[]> {
  const asset = revision.plan.model?.asset;
  return asset === undefined ? [] : deps.modelUse.release(revision.workspace, asset, userOf(revision));
}

/** The revision can't be had. What was live before goes on serving. */
async function fail(deps: SettleDeps, target: RevisionRecord, reason: string, log: string): Promise<Next> {
  if (target.handle !== undefined) await deps.host.stop(target.handle, 0);
  const { workspace, endpoint, deployment, number } = target;
  const record = await deps.endpoints.getDeployment({ workspace, endpoint, deployment });
  const wanted = record !== undefined && record.revision === number && record.state !== "Deleting";
  const failed: readonly DeploymentRecord[] = wanted
    ? [
        {
          ...inState(record, { state: "Failed", atMs: deps.clock.now(), by: "system", why: reason }),
          reason,
          logTail: lastLines(log),
        },
      ]
    : [];
  await deps.endpoints.save({
    revisions: [{ ...target, stage: "Failed", reason }],
    deployments: failed,
    writes: await release(deps, target),
    activity: {
      workspace,
      actor: "system",
      resource: "deployment",
      name: `${endpoint}/${deployment}`,
      action: "fail",
      summary: `revision ${number} of \`${endpoint}/${deployment}\` failed: ${reason}`,
      after: { revision: number },
    },
  });
  return "again";
}

function lastLines(log: string): string {
  return log.slice(-TAIL_CHARS).trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

async function remove(
  deps: SettleDeps,
  id: DeploymentId,
  record: DeploymentRecord,
  revisions: readonly RevisionRecord[],
): Promise<Next> {
  await deps.routing.refresh(id.workspace, id.endpoint);
  const running = revisions.filter(({ stage }) => stage !== "Ended" && stage !== "Failed");
  const ends = await Promise.all(
    running.map((revision) => {
      const live = revision.stage === "Live" || revision.stage === "Draining";
      return end(deps, live ? { ...revision, stage: "Draining" } : revision);
    }),
  );
  if (ends.includes("later")) return "later";
  if (running.length > 0) return "again";
  await deps.endpoints.save({ removed: { deployments: [record], revisions } });
  return "done";
}
