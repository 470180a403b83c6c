import type { OnlineDeployment } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Host, HostState } from "../ports/host.ts";
import { mustGetEndpoint } from "./get-endpoint.ts";
import { type EndpointStore, idOf, type Pause } from "./ports.ts";
import type { DeploymentId, DeploymentRecord, RevisionRecord } from "./record.ts";

export interface GetDeploymentDeps {
  readonly endpoints: EndpointStore;
  readonly host: Host;
}

const SETTLED = new Set(["Succeeded", "Failed"]);
const FIRST_LOOK_MS = 10;
const NEXT_LOOK_MS = 100;

/** Throws NotFound, naming what is missing. */
export async function mustGetDeployment(
  deps: Pick<GetDeploymentDeps, "endpoints">,
  id: DeploymentId,
): Promise<DeploymentRecord> {
  const found = await deps.endpoints.getDeployment(id);
  if (found !== undefined) return found;
  await mustGetEndpoint(deps, id.workspace, id.endpoint);
  throw new AppError("NotFound", `endpoint \`${id.endpoint}\` has no deployment \`${id.deployment}\``, {
    hint: "`yard online-deployment list` shows those there are",
  });
}

/** The deployment; with `waitMs`, once its state has settled or the time is over, where this home waits. */
export async function getDeployment(
  deps: GetDeploymentDeps & { readonly clock: Clock; readonly pause?: Pause },
  id: DeploymentId,
  waitMs: number,
  signal?: AbortSignal,
): Promise<OnlineDeployment> {
  const until = deps.clock.now() + waitMs;
  for (let look = FIRST_LOOK_MS; ; look = Math.min(look * 1.5, NEXT_LOOK_MS)) {
    const record = await mustGetDeployment(deps, id);
    if (deps.pause === undefined || SETTLED.has(record.state) || deps.clock.now() >= until)
      return showDeployment(deps, record);
    await deps.pause(Math.min(look, Math.max(1, until - deps.clock.now())), signal);
  }
}

export async function listDeployments(
  deps: GetDeploymentDeps,
  workspace: string,
  endpoint: string,
): Promise<OnlineDeployment[]> {
  await mustGetEndpoint(deps, workspace, endpoint);
  const records = await deps.endpoints.listDeployments(workspace, endpoint);
  return Promise.all(records.map((record) => showDeployment(deps, record)));
}

/** The record as callers see it, with what the host says of the live revision's replicas. */
export async function showDeployment(deps: GetDeploymentDeps, record: DeploymentRecord): Promise<OnlineDeployment> {
  const id = idOf(record);
  const [wanted, live] = await Promise.all([
    deps.endpoints.getRevision(id, record.revision),
    record.live === undefined ? undefined : liveState(deps, id, record.live),
  ]);
  const plan = wanted?.plan;
  const trouble = live?.state === "unhealthy" || live?.state === "failed" ? live.reason : undefined;
  const reason = record.reason ?? trouble;
  return {
    name: record.name,
    endpoint_name: record.endpoint,
    id: `azureml://workspaces/${record.workspace}/online-endpoints/${record.endpoint}/deployments/${record.name}`,
    revision: record.revision,
    ...(record.live === undefined ? {} : { live_revision: record.live }),
    provisioning_state: record.state,
    ...(reason === undefined ? {} : { reason }),
    ...(record.logTail === undefined ? {} : { log_tail: record.logTail }),
    ...modelOf(wanted),
    ...(plan === undefined ? {} : { environment: plan.environment }),
    spec: record.spec,
    instance_count: plan?.instanceCount ?? 1,
    healthy_instances: live?.addresses.length ?? 0,
    tags: { ...record.spec.tags },
    warnings: [...(plan?.warnings ?? [])],
    created_at: new Date(record.createdMs).toISOString(),
    created_by: record.createdBy,
    updated_at: new Date(record.updatedMs).toISOString(),
  };
}

function modelOf(revision: RevisionRecord | undefined): { model?: string } {
  const model = revision?.plan.model;
  return model === undefined ? {} : { model: model.asset ?? model.uri };
}

async function liveState(deps: GetDeploymentDeps, id: DeploymentId, number: number): Promise<HostState | undefined> {
  const revision = await deps.endpoints.getRevision(id, number);
  return revision?.handle === undefined ? undefined : deps.host.inspect(revision.handle);
}

/** Latest log lines of the replicas: of the revision that is coming up, else of the live one; what a failed one left otherwise. */
export async function deploymentLogs(deps: GetDeploymentDeps, id: DeploymentId, tailLines: number): Promise<string> {
  const record = await mustGetDeployment(deps, id);
  const numbers = [
    record.revision,
    ...(record.live === undefined || record.live === record.revision ? [] : [record.live]),
  ];
  const parts: string[] = [];
  for (const number of numbers) {
    const revision = await deps.endpoints.getRevision(id, number);
    if (revision?.handle === undefined || revision.stage === "Ended" || revision.stage === "Failed") continue;
    parts.push(await deps.host.logs(revision.handle, tailLines));
  }
  if (record.state === "Failed" && record.logTail !== undefined) {
    parts.push(`revision ${record.revision} failed: ${record.reason ?? ""}\n${record.logTail}`);
  }
  return parts.filter((part) => part !== "").join("\n");
}
