import { buildEnvironment } from "./build-environment.ts";
import { readRequests } from "./request.ts";
import { runAttempt, warmUp } from "./run.ts";

/** Parts of an attempt in containers of their own, over the volume named next. */
const CONTAINERS: Readonly<Record<string, () => Promise<(volume: string) => Promise<number>>>> = {
  prepare: async () => (await import("./containers/prepare.ts")).prepareContainers,
  keep: async () => {
    const { keep } = await import("./containers/keep.ts");
    return (volume) => keep(volume, process.env);
  },
};

/** A runner that has grown beyond this takes no more attempts. */
const ENOUGH_BYTES = 250 * 1024 * 1024;

/**
 * `node runner.mjs`: runs attempts, one after the other; requests come as lines on stdin, or one in TRAINYARD_RUNNER_REQUEST (request.ts). In between
 * it waits, everything loaded; it writes `done` to stdout after each. `node runner.mjs build-environment`: makes an environment (build-environment.ts). `node runner.mjs prepare VOLUME` and `… keep VOLUME`: an attempt whose command runs
 * in a container of its own (containers/).
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
  const role = CONTAINERS[process.argv[2] ?? ""];
  if (role !== undefined) {
    process.exit(await (await role())(process.argv[3] ?? ""));
  }
  const warm = () => void warmUp().catch(() => {});
  warm();
  for await (const request of readRequests()) {
    await runAttempt(request);
    if (process.memoryUsage.rss() > ENOUGH_BYTES) break;
    process.stdout.write("done\n");
    warm();
  }
  // Idle connections and timers have nothing more to say.
  process.exit(0);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `trainyard runner: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(70);
});
