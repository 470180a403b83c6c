import { activities as routes } from "../contract/routes/places.ts";
import type { ActivityStore } from "../core/activities/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import { getWorkspace } from "../core/workspaces/get-workspace.ts";
import type { WorkspaceStore } from "../core/workspaces/ports.ts";
import { implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { RawRoute } from "./raw-route.ts";

/** Clocks of writers differ by less. */
const DAY_MS = 86_400_000;

export function makeActivityRoutes(deps: {
  readonly activities: ActivityStore;
  readonly workspaces: WorkspaceStore;
  readonly clock: Clock;
}): RawRoute[] {
  return [
    implement(routes.list, async ({ params: { workspace }, query }) => {
      const { createdAt } = await getWorkspace(deps, workspace);
      const { limit: _limit, cursor: _cursor, ...asked } = query;
      const filter = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
      const page = await deps.activities.list({
        workspace,
        filter,
        ...pageOf(query),
        newestMs: deps.clock.now() + DAY_MS,
        oldestMs: Date.parse(createdAt) - DAY_MS,
      });
      return answerPage(page, (activity) => activity);
    }),
  ];
}
