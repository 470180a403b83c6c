import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeClient } from "../../client/client.ts";
import { FUNCTION_REPLICA, type FunctionReplica, PYTHON_ON_PATH, type ReplicaRequest } from "../../contract/replica.ts";
import { makeLog } from "../log-file.ts";
import { materialize } from "../materialize.ts";
import { openReplica } from "../replica.ts";
import { handleInvocation } from "./handle.ts";
import { openRuntime } from "./runtime.ts";
import { makeStatus } from "./status.ts";

/** Lambda lets a function begin for ten seconds without a request, at its own expense. */
const BEGIN_MS = 9000;
const PATIENCE = { attempts: 20, baseMs: 100, maxMs: 3000 };
/** What a model server has no business with: the function's own invocations and rights, and this deployment's token. */
const PRIVATE = [
  FUNCTION_REPLICA,
  "AWS_LAMBDA_RUNTIME_API",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "_HANDLER",
  "_X_AMZN_TRACE_ID",
];

/** One replica in a function of AWS Lambda: a runtime of Lambda's own interface in front of the same proxy and model server as elsewhere. */
async function main(): Promise<void> {
  const { AWS_LAMBDA_RUNTIME_API: api = "", [FUNCTION_REPLICA]: told = "{}" } = process.env;
  for (const name of PRIVATE) delete process.env[name];
  const home = join(tmpdir(), "replica");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  // The image's own is read-only.
  process.env.HOME = tmpdir();
  process.chdir(home);

  const status = makeStatus();
  const log = makeLog((bytes) => void process.stdout.write(bytes));
  process.on("uncaughtException", (error) => log.say(`a fault of the wrapper: ${error.stack ?? error.message}`));
  process.on("unhandledRejection", (error) => log.say(`a fault of the wrapper: ${String(error)}`));
  const request: ReplicaRequest = {
    ...(JSON.parse(told) as FunctionReplica),
    index: 0,
    secret: randomUUID(),
    environmentRef: PYTHON_ON_PATH,
    sharedFolder: join(home, "shared"),
  };
  let port: number | undefined;
  const coming = async (): Promise<void> => {
    const client = makeClient({ url: () => request.apiUrl, token: request.token, retry: PATIENCE });
    const made = await materialize(client, request);
    const { proxy } = await openReplica({ request, made, status, log, freezes: true });
    port = proxy.port;
  };
  coming().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    log.say(`could not prepare: ${reason}`);
    status.set({ phase: "failed", reason });
  });
  await status.known(BEGIN_MS);

  const runtime = openRuntime(api);
  const deps = { status, log, secret: request.secret, port: () => port };
  for (;;) {
    const invocation = await runtime.next();
    await handleInvocation(deps, invocation).catch((error: unknown) =>
      log.say(`an invocation could not be answered: ${String(error)}`),
    );
    // Nothing comes of this one any more; the next request gets a new one.
    if (status.phase === "failed") process.exit(1);
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
