import { type Attempt, makeAttempt, type Outcome, stopOf } from "../attempt.ts";
import { deliver, finalize } from "../conclude.ts";
import { openHome } from "../home.ts";
import { openOrders } from "../orders.ts";
import { openStateFiles } from "../state.ts";
import { supervise } from "../supervise.ts";
import { watchUserContainer } from "./command.ts";
import { heedTermination, INTERRUPTED, learnWhy } from "./interruption.ts";
import { type PreparedFile, readIfThere, readPrepared, readVolumeRequest, volumePaths } from "./volume.ts";

/** Watches over the command in the user's container, from before its start to the acknowledged final report. Answers the exit code: the command's. */
export async function keep(volume: string, env: NodeJS.ProcessEnv): Promise<number> {
  const request = readVolumeRequest(volume);
  const prepared = readPrepared(volume);
  const files = openStateFiles(volume, request.attemptId);
  const home = openHome(request, new AbortController());
  const orders = openOrders(home);
  heedTermination(home, orders);
  const { assignment } = prepared;
  const attempt = makeAttempt({ request, home, orders, files, assignment }, { goOn: true });
  orders.listen();
  const outcome = await watch(attempt, prepared, env);
  const stop = stopOf(orders);
  try {
    if (stop?.kind === "superseded") return INTERRUPTED;
    const final = await finalize(attempt, prepared.ports, outcome);
    if (stop?.kind === "interrupted") {
      attempt.tell(`${stop.reason}: what the command left is stored\n`);
      await Promise.allSettled([attempt.log.end(), attempt.systemLog.end()]);
      return INTERRUPTED;
    }
    await deliver(attempt, final);
    return exitCodeOf(final);
  } finally {
    orders.end();
  }
}

async function watch(attempt: Attempt, prepared: PreparedFile, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const { request, orders, log, home } = attempt;
  const started = await watchUserContainer({
    volume: request.folder,
    ranks: prepared.ranks,
    write: log.write,
    env,
    signal: orders.stopped,
  });
  if (started === "stopped") return { status: "Canceled", reason: stopOf(orders)?.reason ?? "canceled" };
  if ("end" in started) {
    const { exitCode, reason = "the command could not be started" } = started.end;
    return { status: "Failed", reason, ...(exitCode === undefined ? {} : { exit_code: exitCode }) };
  }
  const outcome = await supervise(attempt, prepared.ports, prepared.environment, started.command);
  // The user's container is told to end before this one is.
  if (stopOf(orders) === undefined && readIfThere(volumePaths(request.folder).terminated) !== undefined) {
    await learnWhy(home, orders);
    if (stopOf(orders)?.kind === "cancel") return { ...outcome, status: "Canceled", reason: stopOf(orders)?.reason };
  }
  return outcome;
}

function exitCodeOf({ status, exit_code }: Outcome): number {
  if (status === "Completed") return 0;
  return exit_code === undefined || exit_code === 0 ? 1 : exit_code;
}
