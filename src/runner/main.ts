import { buildEnvironment } from "./build-environment.ts";
import { readRequest } from "./request.ts";
import { runAttempt, warmUp } from "./run.ts";

/**
 * `node runner.mjs`: runs one attempt; the request comes as a line on stdin or in TRAINYARD_RUNNER_REQUEST (request.ts). Started without
 * one it waits, everything loaded. `node runner.mjs build-environment`: makes an environment (build-environment.ts).
 */
async function main(): Promise<void> {
  // Who started it may be gone by the time it speaks.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  if (process.argv[2] === "build-environment") {
    let input = "";
    for await (const chunk of process.stdin.setEncoding("utf8")) input += chunk;
    process.exitCode = await buildEnvironment(input, (line) => process.stdout.write(line));
    return;
  }
  const asked = readRequest();
  const warm = warmUp();
  warm.catch(() => {});
  const request = await asked;
  if (request !== undefined) await runAttempt(request, warm);
  // Idle connections and timers have nothing more to say.
  process.exit(0);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `trainyard runner: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(70);
});
