import { parseArgs } from "node:util";
import { killRounds } from "../test/helpers/kill-rounds.ts";
import { startServer } from "../test/helpers/server.ts";

/** `node bench/kill9.ts --rounds 50`: kills the server under load and counts what was lost. Exit code 1 if anything was. */
const { values } = parseArgs({ options: { rounds: { type: "string", default: "50" } } });
const server = await startServer();
try {
  const report = await killRounds(server, Number(values.rounds));
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const lost = [report.lostJobs, report.doubledJobs, report.brokenLogs, report.lostPoints].flat().length;
  process.exitCode = lost === 0 ? 0 : 1;
} finally {
  await server.dispose();
}
