import type { ReplicaAssignment } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { Principal } from "../auth/principal.ts";
import type { EndpointStore } from "./ports.ts";
import type { DeploymentId } from "./record.ts";

/** What a replica of a revision has to serve. Only the deployment's own token may ask. */
export async function getAssignment(
  deps: { readonly endpoints: EndpointStore },
  caller: Principal,
  id: DeploymentId,
  number: number,
): Promise<ReplicaAssignment> {
  if (caller.kind !== "deployment" || caller.endpoint !== id.endpoint || caller.deployment !== id.deployment) {
    throw new AppError(
      "Forbidden",
      `\`${caller.name}\` may not ask for the assignment of \`${id.endpoint}/${id.deployment}\``,
    );
  }
  const revision = await deps.endpoints.getRevision(id, number);
  if (revision === undefined) {
    throw new AppError("NotFound", `deployment \`${id.endpoint}/${id.deployment}\` has no revision ${number}`);
  }
  const { plan } = revision;
  const { asset: _, ...model } = plan.model ?? {};
  return {
    workspace: id.workspace,
    endpoint: id.endpoint,
    deployment: id.deployment,
    revision: number,
    ...(plan.model === undefined ? {} : { model: model as NonNullable<ReplicaAssignment["model"]> }),
    ...(plan.code === undefined ? {} : { code: plan.code }),
    environment: plan.environment,
    environment_variables: { ...plan.environmentVariables },
    request_settings: plan.requestSettings,
    readiness_probe: plan.readinessProbe,
    liveness_probe: plan.livenessProbe,
  };
}
