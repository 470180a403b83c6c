import type { OnlineDeployment, OnlineDeploymentSpec } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { Bus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { type GetDeploymentDeps, showDeployment } from "./get-deployment.ts";
import { mustChangeEndpoint } from "./get-endpoint.ts";
import { type PlanDeps, planRevision } from "./plan-revision.ts";
import { type ModelUse, SETTLE_TOPIC, userOf } from "./ports.ts";
import { type DeploymentId, type DeploymentRecord, inState, type RevisionRecord } from "./record.ts";

export interface PutDeploymentDeps extends PlanDeps, GetDeploymentDeps {
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly modelUse: ModelUse;
}

/**
 * Makes the deployment, or a new revision of it; the host brings it up afterwards, and the old revision serves until the new one is healthy.
 * The same spec again, with nothing it refers to changed, makes no new revision unless the last one failed.
 */
export async function putDeployment(
  deps: PutDeploymentDeps,
  input: { readonly id: DeploymentId; readonly spec: OnlineDeploymentSpec; readonly actor: string },
): Promise<OnlineDeployment> {
  const { id, spec, actor } = input;
  const endpoint = await mustChangeEndpoint(deps, id.workspace, id.endpoint);
  const plan = await planRevision(deps, id.workspace, spec);
  const before = await deps.endpoints.getDeployment(id);
  if (before?.state === "Deleting") {
    throw new AppError("Conflict", `deployment \`${id.deployment}\` is being deleted`, {
      hint: "wait until it is gone",
    });
  }
  if (before !== undefined && before.state !== "Failed" && (await isSame(deps, before, spec, plan))) {
    return showDeployment(deps, before);
  }
  const now = deps.clock.now();
  const number = (before?.revision ?? 0) + 1;
  const revision: RevisionRecord = {
    ...{ workspace: id.workspace, endpoint: id.endpoint, deployment: id.deployment },
    number,
    rev: 0,
    stage: "Waiting",
    plan,
    createdMs: now,
    createdBy: actor,
  };
  const state = before?.live === undefined ? "Creating" : "Updating";
  const why = before === undefined ? "made" : `changed: revision ${number}`;
  const after: DeploymentRecord = {
    ...inState(before ?? newDeployment(deps, id, actor), { state, atMs: now, by: actor, why }),
    revision: number,
    spec,
    unsettled: true,
  };
  const saved = await deps.endpoints.save({
    deployments: [after],
    revisions: [revision],
    unchanged: { endpoint },
    writes:
      plan.model?.asset === undefined ? [] : await deps.modelUse.use(id.workspace, plan.model.asset, userOf(revision)),
    activity: {
      workspace: id.workspace,
      actor,
      resource: "deployment",
      name: `${id.endpoint}/${id.deployment}`,
      action: before === undefined ? "create" : "update",
      summary: `deployment \`${id.deployment}\` of \`${id.endpoint}\`: revision ${number}${plan.model === undefined ? "" : ` with ${plan.model.asset ?? plan.model.uri}`}`,
      after: { revision: number, ...(plan.model === undefined ? {} : { model: plan.model.asset ?? plan.model.uri }) },
    },
  });
  if (!saved) {
    throw new AppError(
      "Conflict",
      `deployment \`${id.deployment}\`, its endpoint or its model was changed by somebody else at the same time`,
      {
        hint: "look at it again and repeat",
      },
    );
  }
  await askToSettle(deps, id, `${after.birth}/${number}`);
  return showDeployment(deps, after);
}

/** Records are the truth and the message only wakes: a message lost between the two writes is made up for at the next start. */
export function askToSettle(
  deps: { readonly bus: Pick<Bus, "send"> },
  id: DeploymentId,
  cause: string,
  delaySec = 0,
): Promise<void> {
  const { workspace, endpoint, deployment } = id;
  const message = {
    topic: SETTLE_TOPIC,
    id: `${workspace}/${endpoint}/${deployment}/${cause}`,
    body: { workspace, endpoint, deployment },
  };
  return deps.bus.send([message], { delaySec });
}

function newDeployment(deps: PutDeploymentDeps, id: DeploymentId, actor: string): DeploymentRecord {
  const now = deps.clock.now();
  return {
    workspace: id.workspace,
    endpoint: id.endpoint,
    name: id.deployment,
    birth: deps.ids.hex32().slice(0, 12),
    rev: 0,
    state: "Creating",
    history: [],
    revision: 0,
    spec: {},
    createdMs: now,
    createdBy: actor,
    updatedMs: now,
    unsettled: true,
  };
}

async function isSame(
  deps: PutDeploymentDeps,
  before: DeploymentRecord,
  spec: OnlineDeploymentSpec,
  plan: RevisionRecord["plan"],
): Promise<boolean> {
  const { workspace, endpoint, name: deployment } = before;
  const last = await deps.endpoints.getRevision({ workspace, endpoint, deployment }, before.revision);
  return last !== undefined && canonical(last.plan) === canonical(plan) && canonical(before.spec) === canonical(spec);
}

/** JSON with sorted keys: what was stored and what came may order them differently. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
