import { runner as routes } from "../contract/routes/runner.ts";
import { appendLog } from "../core/jobs/append-log.ts";
import { assignRun, mustBeRun } from "../core/jobs/assign-run.ts";
import { type LendDeps, lendCredentials } from "../core/jobs/lend-credentials.ts";
import type { LogStore } from "../core/jobs/log-ports.ts";
import { heartbeat, type ReportDeps, reportRun } from "../core/jobs/report-run.ts";
import { type StartDeps, startAttempt } from "../core/jobs/start-attempt.ts";
import type { Vault } from "../core/ports/vault.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

/** What a runner calls, with its run's token. */
export function makeRunnerRoutes(
  deps: ReportDeps & StartDeps & LendDeps & { readonly logs: LogStore; readonly vault: Vault },
): RawRoute[] {
  return [
    implement(routes.start, ({ body }) => startAttempt(deps, body)),
    implement(routes.assignment, ({ params, call }) => {
      mustBeRun(call.principal, params.run);
      return assignRun(deps, { workspace: params.workspace, run: params.run, origin: call.url.origin });
    }),
    implement(routes.report, ({ params, body, call }) => {
      mustBeRun(call.principal, params.run);
      return reportRun(deps, { workspace: params.workspace, run: params.run, report: body });
    }),
    implement(routes.heartbeat, ({ params, query, body, call }) => {
      mustBeRun(call.principal, params.run);
      return heartbeat(deps, {
        workspace: params.workspace,
        run: params.run,
        attempt: body.attempt,
        ...(query.wait_ms === undefined ? {} : { waitMs: query.wait_ms }),
        signal: call.request.signal,
      });
    }),
    implement(routes.log, async ({ params, query, body, call }) => {
      mustBeRun(call.principal, params.run);
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      return appendLog(deps, {
        workspace: params.workspace,
        run: params.run,
        name: query.name,
        offset: query.offset,
        bytes,
      });
    }),
    implement(routes.credentials, ({ params, call }) => {
      mustBeRun(call.principal, params.run);
      return lendCredentials(deps, { workspace: params.workspace, run: params.run });
    }),
  ];
}
