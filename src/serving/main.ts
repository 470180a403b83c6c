import { existsSync, readFileSync } from "node:fs";
import { makeClient } from "../client/client.ts";
import { REPLICA_FILES, type ReplicaRequest } from "../contract/replica.ts";
import { openStatusFile, readRequest } from "./folder.ts";
import { openLogFile } from "./log-file.ts";
import { type Materialized, materialize } from "./materialize.ts";
import type { ReplicaProxy } from "./proxy.ts";
import { openReplica } from "./replica.ts";

/** After this long without a request, nobody is on the way to a replica that left the router's table. */
const QUIET_MS = 250;
/** How often the wrapper looks whether its folder is still there: without it nobody wants this replica. */
const FOLDER_LOOK_MS = 2000;
const PATIENCE = { attempts: 100, baseMs: 100, maxMs: 3000 };

/** One replica: its folder is the working folder, `request.json` says what it is; SIGTERM lets it finish and end. */
async function main(): Promise<void> {
  const request = readRequest();
  const log = openLogFile();
  const status = openStatusFile();
  process.on("uncaughtException", (error) => log.say(`a fault of the wrapper: ${error.stack ?? error.message}`));
  process.on("unhandledRejection", (error) => log.say(`a fault of the wrapper: ${String(error)}`));
  let terminated: () => void = () => undefined;
  const termination = new Promise<"terminated">((resolve) => {
    terminated = () => resolve("terminated");
  });
  process.on("SIGTERM", () => terminated());
  process.on("SIGINT", () => terminated());
  setInterval(() => {
    if (!existsSync(REPLICA_FILES.request)) terminated();
  }, FOLDER_LOOK_MS).unref();

  const made = await Promise.race([prepare(request), termination]).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    log.say(`could not prepare: ${reason}`);
    status.set({ phase: "failed", reason });
    return "failed" as const;
  });
  if (made === "terminated" || made === "failed") process.exit(0);

  const { proxy, model, over } = await openReplica({ request, made, status, log });
  status.setPort(proxy.port);
  if ((await Promise.race([over, termination])) === "terminated") {
    if (existsSync(REPLICA_FILES.request)) status.set({ phase: "draining" });
    await quiet(proxy);
    await model.stop();
  }
  await proxy.close();
  process.exit(0);
}

function prepare(request: ReplicaRequest): Promise<Materialized> {
  const client = makeClient({ url: () => addressOf(request), token: request.token, retry: PATIENCE });
  return materialize(client, request);
}

/** Where the home listens now: a server that was restarted may have another port. */
function addressOf(request: ReplicaRequest): string {
  if (request.serverFile === undefined) return request.apiUrl;
  try {
    const { url } = JSON.parse(readFileSync(request.serverFile, "utf8")) as { url?: unknown };
    return typeof url === "string" ? url : request.apiUrl;
  } catch {
    return request.apiUrl;
  }
}

async function quiet(proxy: ReplicaProxy): Promise<void> {
  while (proxy.quietMs() < QUIET_MS) await new Promise((resolve) => setTimeout(resolve, 20));
}

await main();
