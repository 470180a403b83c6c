import { parseArgs } from "node:util";
import { killRounds } from "../test/helpers/kill-rounds.ts";
import { killTracking } from "../test/helpers/kill-tracking.ts";
import { startServer } from "../test/helpers/server.ts";

/**
 * `node bench/kill9.ts --rounds 50`: kills the server under jobs and one client that logs, and counts what was lost.
 * With `--clients 8`: no jobs, so many clients that log everything there is to log. Exit code 1 if anything is lost or there twice.
 */
const { values } = parseArgs({
  options: { rounds: { type: "string", default: "50" }, clients: { type: "string" } },
});
const server = await startServer();
try {
  const rounds = Number(values.rounds);
  const report =
    values.clients === undefined
      ? await killRounds(server, rounds)
      : await killTracking(server, Number(values.clients), rounds);
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const wrong =
    "lost" in report
      ? [report.lost, report.doubled]
      : [report.lostJobs, report.doubledJobs, report.brokenLogs, report.lostPoints];
  process.exitCode = wrong.flat().length === 0 ? 0 : 1;
} finally {
  await server.dispose();
}
