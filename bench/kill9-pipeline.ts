import { killPipeline } from "../test/helpers/kill-pipeline.ts";
import { startServer } from "../test/helpers/server.ts";

const STEPS = 30;
const KILLS = 20;

/** A pipeline whose server is killed again and again: it completes, and no step runs twice. */
const server = await startServer();
try {
  const started = performance.now();
  const { job, ran, attempts } = await killPipeline(server, STEPS, KILLS);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const twice = ran.filter((times) => times !== 1).length;
  const retried = attempts.filter((times) => times > 1).length;
  console.log(
    `${STEPS} steps, ${KILLS} kills: ${job.status} after ${seconds} s; ${twice} steps ran other than once, ${retried} were retried`,
  );
  if (job.status !== "Completed" || twice > 0) process.exitCode = 1;
} finally {
  await server.dispose();
}
