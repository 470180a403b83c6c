import { AppError } from "../contract/errors.ts";
import type { Action, Resource } from "../contract/route.ts";
import { batchDeployments, batchEndpoints } from "../contract/routes/batch-endpoints.ts";
import { allows } from "../core/auth/allow.ts";
import { findEndpoint } from "../core/batch-endpoints/change-endpoint.ts";
import { invokeEndpoint } from "../core/batch-endpoints/invoke.ts";
import type { BatchEndpointDeps } from "../core/batch-endpoints/ports.ts";
import { deleteDeployment, findDeployment, putDeployment } from "../core/batch-endpoints/put-deployment.ts";
import { deleteEndpoint, putEndpoint, updateEndpoint } from "../core/batch-endpoints/put-endpoint.ts";
import { showDeployment, showEndpoint } from "../core/batch-endpoints/show.ts";
import { implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { Call, RawRoute } from "./raw-route.ts";

export interface BatchEndpointRouteDeps extends BatchEndpointDeps {
  address(): string;
}

/** Endpoints that run published pipelines. */
export function makeBatchEndpointRoutes(deps: BatchEndpointRouteDeps): RawRoute[] {
  return [...endpointRoutes(deps), ...deploymentRoutes(deps)];
}

function endpointRoutes(deps: BatchEndpointRouteDeps): RawRoute[] {
  return [
    implement(batchEndpoints.list, async ({ params, query }) =>
      answerPage(await deps.batchEndpoints.list(params.workspace, pageOf(query)), (record) =>
        showEndpoint(record, deps.address()),
      ),
    ),
    implement(batchEndpoints.get, async ({ params }) =>
      showEndpoint(await findEndpoint(deps, params.workspace, params.endpoint), deps.address()),
    ),
    implement(batchEndpoints.put, async ({ params: { workspace, endpoint: name }, body, call }) => {
      const made = await putEndpoint(deps, { workspace, name, spec: body, actor: call.principal.name });
      return showEndpoint(made, deps.address());
    }),
    implement(batchEndpoints.update, async ({ params: { workspace, endpoint: name }, body, call }) => {
      const changed = await updateEndpoint(deps, { workspace, name, change: body, actor: call.principal.name });
      return showEndpoint(changed, deps.address());
    }),
    implement(batchEndpoints.delete, async ({ params: { workspace, endpoint: name }, call }) => {
      await deleteEndpoint(deps, { workspace, name, actor: call.principal.name });
      return {};
    }),
    implement(batchEndpoints.invoke, async ({ params, body, call }) => {
      mustMay(call, params.workspace, "job", "the pipeline is submitted in the caller's name");
      const endpoint = await findEndpoint(deps, params.workspace, params.endpoint);
      return invokeEndpoint(deps, { endpoint, request: body, actor: call.principal.name });
    }),
  ];
}

function deploymentRoutes(deps: BatchEndpointRouteDeps): RawRoute[] {
  return [
    implement(batchDeployments.list, async ({ params }) => {
      const endpoint = await findEndpoint(deps, params.workspace, params.endpoint);
      return { items: endpoint.deployments.map((each) => showDeployment(endpoint, each)) };
    }),
    implement(batchDeployments.get, async ({ params }) => {
      const endpoint = await findEndpoint(deps, params.workspace, params.endpoint);
      return showDeployment(endpoint, findDeployment(endpoint, params.deployment));
    }),
    implement(batchDeployments.put, async ({ params, body, call }) => {
      if (typeof body.component !== "string")
        mustMay(call, params.workspace, "component", "a component that is written out is registered first");
      const made = await putDeployment(deps, { id: params, spec: body, actor: call.principal.name });
      return showDeployment(made.endpoint, made.deployment);
    }),
    implement(batchDeployments.delete, async ({ params, call }) => {
      await deleteDeployment(deps, { id: params, actor: call.principal.name });
      return {};
    }),
  ];
}

function mustMay({ principal }: Call, workspace: string, resource: Resource, hint: string): void {
  const action: Action = "create";
  if (allows(principal, { resource, action }, workspace)) return;
  throw new AppError("Forbidden", `\`${principal.name}\` may not create ${resource}s in workspace \`${workspace}\``, {
    hint,
  });
}
