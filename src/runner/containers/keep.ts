import { pause } from "../../client/retry.ts";
import { type Attempt, makeAttempt, type Outcome, stopOf } from "../attempt.ts";
import { deliver, finalize } from "../conclude.ts";
import { reasonOf } from "../failure.ts";
import { type Home, openHome } from "../home.ts";
import { type Orders, openOrders, type Stop } from "../orders.ts";
import { openStateFiles } from "../state.ts";
import { supervise } from "../supervise.ts";
import { watchUserContainer } from "./command.ts";
import { serveCredentials } from "./credentials.ts";
import { heedTermination, INTERRUPTED, learnWhy } from "./interruption.ts";
import { joinNodes, type OwnNode } from "./nodes.ts";
import { startOutputSync } from "./outputs.ts";
import { type PreparedFile, readIfThere, readNodes, readPrepared, readVolumeRequest, volumePaths } from "./volume.ts";

/** Each batch of a log is a call of a function and writes of a table, which are paid for. */
const LOG_BATCH_MS = 1500;
/** Other machines have this long to store what they have, once the main one has. */
const OTHERS_STORE_MS = 15 * 60_000;

/** Watches over the command in the user's container, from before its start to the acknowledged final report. Answers the exit code: the command's. */
export async function keep(volume: string, env: NodeJS.ProcessEnv): Promise<number> {
  const request = readVolumeRequest(volume);
  const prepared = readPrepared(volume);
  const files = openStateFiles(volume, request.attemptId);
  const home = openHome(request, new AbortController());
  const nodes = readNodes(env);
  const speaks = nodes === undefined || nodes.index === 0;
  const orders = speaks ? openOrders(home) : muteOrders();
  heedTermination(home, orders);
  const { assignment } = prepared;
  const attempt = makeAttempt(
    { request, home, orders, files, assignment },
    { goOn: true, logBatchMs: LOG_BATCH_MS, ...(nodes === undefined ? {} : { node: nodes.index }) },
  );
  orders.listen();
  // Before the command's pipes are read, without which it does not start.
  const credentials = await lend(attempt, prepared);
  const own = nodes === undefined ? undefined : await joinNodes(attempt, nodes);
  try {
    const outcome = await watch(attempt, prepared, env, own);
    return await conclude(attempt, prepared, outcome, own);
  } finally {
    orders.end();
    own?.close();
    credentials?.close();
  }
}

async function lend({ home, tell }: Attempt, { credentials }: PreparedFile) {
  if (credentials === undefined) return undefined;
  return serveCredentials(home, credentials).catch((error: unknown) => {
    tell(`warning: the command gets no AWS credentials: ${reasonOf(error)}\n`);
    return undefined;
  });
}

async function conclude(
  attempt: Attempt,
  prepared: PreparedFile,
  outcome: Outcome,
  own: OwnNode | undefined,
): Promise<number> {
  const { orders, log, systemLog, tell } = attempt;
  const stop = stopOf(orders);
  if (stop?.kind === "superseded") return INTERRUPTED;
  const final = await finalize(attempt, prepared.ports, outcome);
  if (stop?.kind === "interrupted") tell(`${stop.reason}: what the command left is stored\n`);
  if (stop?.kind === "interrupted" || attempt.node !== undefined) {
    await Promise.allSettled([log.end(), systemLog.end()]);
    own?.stored();
    // The main machine's end ends the others.
    return stop?.kind === "interrupted" ? INTERRUPTED : exitCodeOf(final);
  }
  if (own !== undefined) await Promise.race([own.othersStored, pause(OTHERS_STORE_MS)]);
  await deliver(attempt, own === undefined ? final : withoutContents(final));
  return exitCodeOf(final);
}

/** Of several machines each stores its own files: none knows what an output holds in the end, unless it is one value. */
function withoutContents({ outputs = {}, ...outcome }: Outcome): Outcome {
  const literals = Object.entries(outputs).filter(([, { value }]) => value !== undefined);
  return { ...outcome, outputs: Object.fromEntries(literals) };
}

async function watch(
  attempt: Attempt,
  prepared: PreparedFile,
  env: NodeJS.ProcessEnv,
  own: OwnNode | undefined,
): Promise<Outcome> {
  const { request, orders, log, home } = attempt;
  const started = await watchUserContainer({
    volume: request.folder,
    ranks: own === undefined ? prepared.ranks : await own.labels,
    write: log.write,
    env,
    signal: orders.stopped,
  });
  if (started === "stopped") return { status: "Canceled", reason: stopOf(orders)?.reason ?? "canceled" };
  if ("end" in started) {
    const { exitCode, reason = "the command could not be started" } = started.end;
    own?.ended(started.end);
    return { status: "Failed", reason, ...(exitCode === undefined ? {} : { exit_code: exitCode }) };
  }
  const command = own === undefined ? started.command : own.join(started.command);
  const sync = startOutputSync(attempt, prepared.ports.outputs);
  const outcome = await supervise(attempt, prepared.ports, prepared.environment, command);
  await sync.stop();
  // The user's container is told to end before this one is.
  if (stopOf(orders) === undefined && readIfThere(volumePaths(request.folder).terminated) !== undefined) {
    await learn(home, orders, attempt);
    const stop = stopOf(orders);
    if (stop?.kind === "cancel") return { ...outcome, status: "Canceled", reason: stop.reason };
  }
  return outcome;
}

/** A machine that does not speak for the attempt knows only that it is ended. */
async function learn(home: Home, orders: Orders, { node }: Attempt): Promise<void> {
  if (node === undefined) await learnWhy(home, orders);
  else orders.stop({ kind: "interrupted", reason: "the machine was taken away" });
}

/** Of a machine that does not speak for the attempt: it hears from the main one. */
function muteOrders(): Orders {
  const stopped = new AbortController();
  return {
    stopped: stopped.signal,
    stop(order: Stop) {
      if (!stopped.signal.aborted) stopped.abort(order);
    },
    report: () => Promise.resolve(),
    note: () => {},
    listen: () => {},
    end: () => {},
  };
}

function exitCodeOf({ status, exit_code }: Outcome): number {
  if (status === "Completed") return 0;
  return exit_code === undefined || exit_code === 0 ? 1 : exit_code;
}
