import type { BatchEndpointSpec, UpdateBatchEndpoint } from "../../contract/batch-endpoints.ts";
import { refuse } from "../jobs/problems.ts";
import { changedMeanwhile, changeEndpoint, findEndpoint, noEndpoint, type StoreDeps } from "./change-endpoint.ts";
import type { BatchEndpointRecord } from "./ports.ts";

interface Named {
  readonly workspace: string;
  readonly name: string;
  readonly actor: string;
}

/** Makes an endpoint or replaces its words; deployments stay, and so does the default that is not given anew. */
export function putEndpoint(
  deps: StoreDeps,
  input: Named & { readonly spec: BatchEndpointSpec },
): Promise<BatchEndpointRecord> {
  const { workspace, name, actor, spec } = input;
  return changeEndpoint(deps, input, (standing) => {
    const nowMs = deps.clock.now();
    const { defaultDeployment, deployments = [], createdMs = nowMs, createdBy = actor } = standing ?? {};
    const chosen = spec.defaults?.deployment_name ?? defaultDeployment;
    const next: BatchEndpointRecord = {
      workspace,
      name,
      ...(spec.description === undefined ? {} : { description: spec.description }),
      tags: spec.tags ?? {},
      properties: spec.properties ?? {},
      ...(chosen === undefined ? {} : { defaultDeployment: chosen }),
      deployments,
      createdMs,
      createdBy,
      updatedMs: nowMs,
      rev: 0,
    };
    mustHaveDefault(next);
    const isNew = standing === undefined;
    const summary = `batch endpoint \`${name}\` ${isNew ? "made" : "changed"}`;
    return { next, deed: { actor, action: isNew ? "create" : "update", summary } };
  });
}

/** Changes words and the default. */
export async function updateEndpoint(
  deps: StoreDeps,
  input: Named & { readonly change: UpdateBatchEndpoint },
): Promise<BatchEndpointRecord> {
  const { workspace, name, actor, change } = input;
  return changeEndpoint(deps, input, (standing) => {
    if (standing === undefined) throw noEndpoint(workspace, name);
    const { description, tags, defaults } = change;
    const next = {
      ...standing,
      ...(description === undefined ? {} : { description }),
      ...(tags === undefined ? {} : { tags }),
      ...(defaults?.deployment_name === undefined ? {} : { defaultDeployment: defaults.deployment_name }),
    };
    mustHaveDefault(next);
    const about = defaults?.deployment_name === undefined ? "changed" : `has default \`${defaults.deployment_name}\``;
    return { next, deed: { actor, action: "update", summary: `batch endpoint \`${name}\` ${about}` } };
  });
}

/** With its deployments. */
export async function deleteEndpoint(deps: StoreDeps, input: Named): Promise<void> {
  const { workspace, name, actor } = input;
  const record = await findEndpoint(deps, workspace, name);
  const deed = { actor, action: "delete", summary: `batch endpoint \`${name}\` deleted` };
  if (!(await deps.batchEndpoints.delete(record, deed))) throw changedMeanwhile(name);
}

function mustHaveDefault({ name, defaultDeployment, deployments }: BatchEndpointRecord): void {
  if (defaultDeployment === undefined || deployments.some((each) => each.name === defaultDeployment)) return;
  const names = deployments.map((each) => `\`${each.name}\``).join(", ");
  refuse([
    {
      field: "defaults.deployment_name",
      message: `endpoint \`${name}\` has no deployment \`${defaultDeployment}\``,
      hint: names === "" ? "publish one with `yard batch-deployment create --set-default`" : `it has ${names}`,
    },
  ]);
}
