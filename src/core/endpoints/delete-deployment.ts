import { AppError } from "../../contract/errors.ts";
import type { Bus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import { mustGetDeployment } from "./get-deployment.ts";
import { mustGetEndpoint } from "./get-endpoint.ts";
import { DELETE_TOPIC, type EndpointStore, idOf, type Pause, type Routing } from "./ports.ts";
import { askToSettle } from "./put-deployment.ts";
import { type DeploymentId, type DeploymentRecord, type EndpointRecord, inState } from "./record.ts";
import { without } from "./traffic.ts";

export interface DeleteDeps {
  readonly endpoints: EndpointStore;
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
  /** Absent where nobody waits: the work goes on after the answer. */
  readonly pause?: Pause;
  readonly routing: Routing;
}

const LOOK_MS = 50;
/** How long a caller waits for processes to end; the work goes on after that. */
const WAIT_MS = 25_000;

/** Deletes a deployment without traffic. When it returns its processes are gone, or will be: those that finish what they had begun, and all where nobody waits. */
export async function deleteDeployment(
  deps: DeleteDeps,
  id: DeploymentId,
  actor: string,
  signal?: AbortSignal,
): Promise<void> {
  const endpoint = await mustGetEndpoint(deps, id.workspace, id.endpoint);
  const record = await mustGetDeployment(deps, id);
  const share = endpoint.traffic[id.deployment] ?? 0;
  if (share > 0 && endpoint.state !== "Deleting") {
    throw new AppError(
      "Conflict",
      `deployment \`${id.deployment}\` has ${share} % of the traffic of endpoint \`${id.endpoint}\``,
      {
        hint: "give its traffic to another deployment first",
      },
    );
  }
  if (record.state !== "Deleting") {
    const saved = await deps.endpoints.save({
      deployments: [deleting(record, deps.clock.now(), actor)],
      ...(endpoint.state === "Deleting"
        ? {}
        : {
            endpoint: {
              ...endpoint,
              traffic: without(endpoint.traffic, id.deployment),
              mirrorTraffic: without(endpoint.mirrorTraffic, id.deployment),
            },
          }),
      activity: {
        workspace: id.workspace,
        actor,
        resource: "deployment",
        name: `${id.endpoint}/${id.deployment}`,
        action: "delete",
        summary: `deployment \`${id.deployment}\` of \`${id.endpoint}\` deleted`,
      },
    });
    if (!saved)
      throw new AppError("Conflict", `deployment \`${id.deployment}\` was changed at the same time`, {
        hint: "repeat",
      });
    await deps.routing.refresh(id.workspace, id.endpoint);
  }
  await askToSettle(deps, id, `${record.birth}/delete`);
  await until(deps, async () => (await deps.endpoints.getDeployment(id))?.birth !== record.birth, signal);
}

/** Deletes an endpoint with all its deployments. Callers get 404 from now on. */
export async function deleteEndpoint(
  deps: DeleteDeps,
  input: { readonly workspace: string; readonly name: string; readonly actor: string },
  signal?: AbortSignal,
): Promise<void> {
  const { workspace, name, actor } = input;
  const endpoint = await mustGetEndpoint(deps, workspace, name);
  if (endpoint.state !== "Deleting") await markDeleting(deps, endpoint, actor);
  await deps.routing.refresh(workspace, name);
  await askToDelete(deps, { workspace, endpoint: name }, endpoint.birth);
  await until(deps, async () => (await deps.endpoints.getEndpoint(workspace, name))?.birth !== endpoint.birth, signal);
}

/** Asks for the rest of an endpoint's deletion. */
export function askToDelete(
  deps: { readonly bus: Pick<Bus, "send"> },
  { workspace, endpoint }: { readonly workspace: string; readonly endpoint: string },
  cause: string,
  delaySec = 0,
): Promise<void> {
  const id = `${workspace}/${endpoint}/${cause}`;
  return deps.bus.send([{ topic: DELETE_TOPIC, id, body: { workspace, endpoint } }], { delaySec });
}

async function markDeleting(deps: DeleteDeps, endpoint: EndpointRecord, actor: string): Promise<void> {
  const { workspace, name } = endpoint;
  const now = deps.clock.now();
  const saved = await deps.endpoints.save({
    endpoint: { ...endpoint, state: "Deleting", traffic: {}, mirrorTraffic: {}, updatedMs: now },
    activity: {
      workspace,
      actor,
      resource: "endpoint",
      name,
      action: "delete",
      summary: `online endpoint \`${name}\` deleted`,
    },
  });
  if (!saved) throw new AppError("Conflict", `endpoint \`${name}\` was changed at the same time`, { hint: "repeat" });
}

/** The deployment on its way out. */
export function deleting(record: DeploymentRecord, atMs: number, by: string): DeploymentRecord {
  return { ...inState(record, { state: "Deleting", atMs, by, why: "deleted" }), unsettled: true };
}

/** Marks every deployment of a deleting endpoint; answers those that are still there. */
export async function deleteDeploymentsOf(
  deps: Pick<DeleteDeps, "endpoints" | "clock">,
  endpoint: EndpointRecord,
): Promise<readonly DeploymentId[]> {
  const records = await deps.endpoints.listDeployments(endpoint.workspace, endpoint.name);
  for (const record of records) {
    if (record.state === "Deleting") continue;
    // Lost races are met again in the next round.
    await deps.endpoints.save({ deployments: [deleting(record, deps.clock.now(), "system")] });
  }
  return records.map(idOf);
}

async function until(deps: DeleteDeps, done: () => Promise<boolean>, signal: AbortSignal | undefined): Promise<void> {
  const { pause, clock } = deps;
  const end = clock.now() + WAIT_MS;
  while (pause !== undefined && !(await done()) && clock.now() < end) await pause(LOOK_MS, signal);
}
