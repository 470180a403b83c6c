import { ERRORS, isAppError } from "../contract/errors.ts";
import { OWN_ENV } from "../contract/server-env.ts";
import { startServer } from "./server.ts";
import { readSettings } from "./settings.ts";

/** Serves until SIGINT or SIGTERM; the exit code tells how it ended. A second signal ends it at once. */
async function main(argv: readonly string[]): Promise<void> {
  for (const name of process.env[OWN_ENV]?.split(" ") ?? []) delete process.env[name];
  delete process.env[OWN_ENV];
  try {
    const settings = readSettings(argv, process.env);
    const server = await startServer(settings);
    let stopping = false;
    const stop = (): void => {
      if (stopping) process.exit(1);
      stopping = true;
      server.close().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    process.on("SIGHUP", stop);
    // Whoever reads stdout may leave after the ready line.
    process.stdout.on("error", () => undefined);
    process.stdout.write(`trainyard is ready at ${server.url} (data in ${settings.dataDir})\n`);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): never {
  if (!isAppError(error)) {
    process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(ERRORS.Internal.exit);
  }
  const hint = typeof error.details.hint === "string" ? `\nhint: ${error.details.hint}` : "";
  process.stderr.write(`error: ${error.message}${hint}\n`);
  process.exit(ERRORS[error.code].exit);
}

await main(process.argv.slice(2));
