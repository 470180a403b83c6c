import type { OnlineEndpoint } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { EndpointStore } from "./ports.ts";
import type { EndpointRecord } from "./record.ts";
import { type Place, showEndpoint } from "./show-endpoint.ts";

interface Deps {
  readonly endpoints: EndpointStore;
  readonly place: Place;
}

/** Throws NotFound. */
export async function mustGetEndpoint(
  deps: Pick<Deps, "endpoints">,
  workspace: string,
  name: string,
): Promise<EndpointRecord> {
  const found = await deps.endpoints.getEndpoint(workspace, name);
  if (found !== undefined) return found;
  throw new AppError("NotFound", `there is no online endpoint \`${name}\` in workspace \`${workspace}\``, {
    hint: "`yard online-endpoint list` shows those there are",
  });
}

/** The same, for changes: refuses an endpoint that is being deleted. */
export async function mustChangeEndpoint(
  deps: Pick<Deps, "endpoints">,
  workspace: string,
  name: string,
): Promise<EndpointRecord> {
  const found = await mustGetEndpoint(deps, workspace, name);
  if (found.state !== "Deleting") return found;
  throw new AppError("Conflict", `endpoint \`${name}\` is being deleted`, {
    hint: "wait until it is gone, then make it anew",
  });
}

export async function getEndpoint(deps: Deps, workspace: string, name: string): Promise<OnlineEndpoint> {
  const record = await mustGetEndpoint(deps, workspace, name);
  return showEndpoint(deps.place, record, await deps.endpoints.listDeployments(workspace, name));
}

export async function listEndpoints(
  deps: Deps,
  query: { readonly workspace: string; readonly limit: number; readonly cursor?: string },
): Promise<{ readonly items: OnlineEndpoint[]; readonly next_cursor?: string }> {
  const { endpoints, cursor } = await deps.endpoints.listEndpoints(query);
  const items = await Promise.all(
    endpoints.map(async (one) =>
      showEndpoint(deps.place, one, await deps.endpoints.listDeployments(one.workspace, one.name)),
    ),
  );
  return { items, ...(cursor === undefined ? {} : { next_cursor: cursor }) };
}
