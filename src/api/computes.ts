import { AppError } from "../contract/errors.ts";
import { computes as routes } from "../contract/routes/places.ts";
import { deleteCompute } from "../core/computes/delete-compute.ts";
import { type PutComputeDeps, putCompute } from "../core/computes/put-compute.ts";
import { requireCompute, revisedCompute, showCompute } from "../core/computes/show-compute.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

const DEFAULT_LIMIT = 100;

/** Computes are few: a page is cut from the whole list, and the cursor is the last name shown. */
export function makeComputeRoutes(deps: PutComputeDeps): RawRoute[] {
  return [
    implement(routes.list, async ({ params, query }) => {
      const after = query.cursor === undefined ? "" : readCursor(query.cursor);
      const limit = query.limit ?? DEFAULT_LIMIT;
      const all = await deps.computes.list(params.workspace);
      const rest = all.toSorted((a, b) => (a.name < b.name ? -1 : 1)).filter((record) => record.name > after);
      const page = rest.slice(0, limit);
      const last = page.at(-1)?.name;
      const items = await Promise.all(page.map((record) => showCompute(deps, record)));
      return { items, ...(rest.length > limit && last !== undefined ? { next_cursor: `n.${last}` } : {}) };
    }),
    implement(routes.get, async ({ params }) => {
      const record = await requireCompute(deps.computes, params.workspace, params.name);
      return new Answer(await showCompute(deps, record), { headers: etagHeader(revisedCompute(record)) });
    }),
    implement(routes.put, async ({ params, body, call }) => {
      const { compute, record } = await putCompute(deps, {
        workspace: params.workspace,
        name: params.name,
        spec: body,
        actor: call.principal.name,
        precondition: preconditionOf(call),
      });
      return new Answer(compute, { headers: etagHeader(revisedCompute(record)) });
    }),
    implement(routes.delete, async ({ params, call }) => {
      await deleteCompute(deps, {
        workspace: params.workspace,
        name: params.name,
        actor: call.principal.name,
        precondition: preconditionOf(call),
      });
      return {};
    }),
  ];
}

function readCursor(cursor: string): string {
  const name = /^n\.([A-Za-z0-9][A-Za-z0-9_-]{0,254})$/.exec(cursor)?.[1];
  if (name === undefined) throw new AppError("InvalidCursor", "the cursor is not one of this list");
  return name;
}
