import { onlineDeployments, onlineEndpoints } from "../contract/routes/endpoints.ts";
import { type DeleteDeps, deleteDeployment, deleteEndpoint } from "../core/endpoints/delete-deployment.ts";
import { getKeys, makeScoringToken, regenerateKey } from "../core/endpoints/endpoint-keys.ts";
import { getAssignment } from "../core/endpoints/get-assignment.ts";
import { deploymentLogs, getDeployment, listDeployments } from "../core/endpoints/get-deployment.ts";
import { getEndpoint, listEndpoints } from "../core/endpoints/get-endpoint.ts";
import { type PutDeploymentDeps, putDeployment } from "../core/endpoints/put-deployment.ts";
import { type PutEndpointDeps, putEndpoint } from "../core/endpoints/put-endpoint.ts";
import type { DeploymentId } from "../core/endpoints/record.ts";
import { updateEndpoint } from "../core/endpoints/update-endpoint.ts";
import type { Signer } from "../core/ports/signer.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

export type EndpointRouteDeps = PutEndpointDeps & PutDeploymentDeps & DeleteDeps & { readonly signer: Signer };

const PAGE = 100;
const LOG_LINES = 200;

/** Online endpoints and deployments. Scoring itself is not here: it has its own way in, past this frame. */
export function makeEndpointRoutes(deps: EndpointRouteDeps): RawRoute[] {
  return [...endpointRoutes(deps), ...deploymentRoutes(deps)];
}

function endpointRoutes(deps: EndpointRouteDeps): RawRoute[] {
  return [
    implement(onlineEndpoints.list, async ({ params, query }) => {
      const { limit = PAGE, cursor } = query;
      return listEndpoints(deps, { workspace: params.workspace, limit, ...(cursor === undefined ? {} : { cursor }) });
    }),
    implement(onlineEndpoints.get, ({ params }) => getEndpoint(deps, params.workspace, params.endpoint)),
    implement(onlineEndpoints.put, ({ params, body, call }) =>
      putEndpoint(deps, { workspace: params.workspace, name: params.endpoint, spec: body, actor: call.principal.name }),
    ),
    implement(onlineEndpoints.update, ({ params, body, call }) =>
      updateEndpoint(deps, {
        workspace: params.workspace,
        name: params.endpoint,
        change: body,
        actor: call.principal.name,
      }),
    ),
    implement(onlineEndpoints.delete, async ({ params, call }) => {
      const input = { workspace: params.workspace, name: params.endpoint, actor: call.principal.name };
      await deleteEndpoint(deps, input, call.request.signal);
      return {};
    }),
    implement(onlineEndpoints.keys, ({ params }) => getKeys(deps, params.workspace, params.endpoint)),
    implement(onlineEndpoints.regenerateKey, ({ params, body, call }) =>
      regenerateKey(deps, {
        workspace: params.workspace,
        name: params.endpoint,
        key: body.key_type,
        actor: call.principal.name,
      }),
    ),
    implement(onlineEndpoints.token, ({ params }) => makeScoringToken(deps, params.workspace, params.endpoint)),
  ];
}

function deploymentRoutes(deps: EndpointRouteDeps): RawRoute[] {
  const idOf = (params: { workspace: string; endpoint: string; deployment: string }): DeploymentId => ({
    workspace: params.workspace,
    endpoint: params.endpoint,
    deployment: params.deployment,
  });
  return [
    implement(onlineDeployments.list, async ({ params, query }) => {
      const { limit = PAGE, cursor } = query;
      const all = await listDeployments(deps, params.workspace, params.endpoint);
      return pageByName(all, limit, cursor);
    }),
    implement(onlineDeployments.get, ({ params, query, call }) =>
      getDeployment(deps, idOf(params), query.wait_ms ?? 0, call.request.signal),
    ),
    implement(onlineDeployments.put, ({ params, body, call }) =>
      putDeployment(deps, { id: idOf(params), spec: body, actor: call.principal.name }),
    ),
    implement(onlineDeployments.delete, async ({ params, call }) => {
      await deleteDeployment(deps, idOf(params), call.principal.name, call.request.signal);
      return {};
    }),
    implement(onlineDeployments.logs, async ({ params, query }) => ({
      text: await deploymentLogs(deps, idOf(params), query.tail ?? LOG_LINES),
    })),
    implement(onlineDeployments.assignment, ({ params, call }) =>
      getAssignment(deps, call.principal, idOf(params), params.revision),
    ),
  ];
}

/** An endpoint has few deployments: all are read, and the cursor is the last name seen. */
function pageByName<T extends { readonly name: string }>(
  all: readonly T[],
  limit: number,
  cursor: string | undefined,
): { items: T[]; next_cursor?: string } {
  const rest = cursor === undefined ? all : all.filter(({ name }) => name > cursor);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(rest.length > limit && last !== undefined ? { next_cursor: last.name } : {}) };
}
