import { pause } from "../client/retry.ts";
import type { RunnerReport } from "../contract/runner.ts";
import { type Attempt, type Outcome, stopOf } from "./attempt.ts";
import type { CommandEnd, RunningCommand } from "./command.ts";
import { startEventFiles } from "./event-files.ts";
import { failureOf, oomKills } from "./failure.ts";
import { startSystemMetrics } from "./metrics.ts";
import { outputFolders, type Ports } from "./ports.ts";

/** Watches over a started command until it has ended, by itself or by order: logs, metrics, limits. */
export async function supervise(
  attempt: Attempt,
  ports: Ports,
  environment: RunnerReport["environment"],
  command: RunningCommand,
): Promise<Outcome> {
  const { request, assignment, orders, files, log, work, home, tell } = attempt;
  const oomBefore = oomKills();
  files.phase("Running", command.groups);
  orders.note({ status: "Running", ...(environment === undefined ? {} : { environment }) });
  if (command.groups.length > 0) tell(`running with process group ${command.groups.join(", ")}\n`);
  const metrics = startSystemMetrics({
    home,
    trackingUri: assignment.tracking_uri,
    token: request.token,
    folder: request.folder,
    ...(attempt.node === undefined ? {} : { node: attempt.node }),
    ...(command.readGraphics === undefined ? {} : { readGraphics: command.readGraphics }),
  });
  const events = startEventFiles({
    home,
    trackingUri: assignment.tracking_uri,
    token: request.token,
    folders: outputFolders(assignment, ports, work),
    tell: (text) => {
      tell(`${text}\n`);
      log.write(`[trainyard] ${text}\n`);
    },
  });

  const ending = new AbortController();
  const timeout =
    assignment.timeout_sec === undefined
      ? undefined
      : setTimeout(() => ending.abort("timeout"), Math.min(assignment.timeout_sec * 1000, 2 ** 31 - 1));
  const onStop = () => ending.abort("stop");
  orders.stopped.addEventListener("abort", onStop, { once: true });
  if (orders.stopped.aborted) onStop();

  const graceMs = assignment.grace_sec * 1000;
  const asked = new Promise<void>((resolve) => {
    const go = () => void command.end(graceMs).then(resolve);
    if (ending.signal.aborted) go();
    else ending.signal.addEventListener("abort", go, { once: true });
  });
  const end = await command.ended;
  // Decided here: an order that comes after the command's own end changes nothing.
  const why = ending.signal.aborted ? String(ending.signal.reason) : undefined;
  clearTimeout(timeout);
  orders.stopped.removeEventListener("abort", onStop);
  orders.note({ status: "Finalizing" });
  if (why !== undefined) await asked;
  await clearUp(command, end, graceMs);
  await metrics.stop();
  await events.finish();
  const killed = oomBefore !== undefined && (oomKills() ?? 0) > oomBefore;
  return outcomeOf(attempt, end, why, killed);
}

/** What a command leaves running is ended; its output up to then still counts. */
async function clearUp(command: RunningCommand, end: CommandEnd, graceMs: number): Promise<void> {
  // Something in the background may be about to write its last lines.
  if (end.exitCode === 0) await Promise.race([command.drained, pause(250)]);
  await command.end(Math.min(graceMs, 2000));
  await Promise.race([command.drained, pause(1000)]);
  command.abandonOutput();
}

function outcomeOf(
  { orders, assignment, log }: Attempt,
  end: CommandEnd,
  why: string | undefined,
  killed: boolean,
): Outcome {
  const facts = {
    ...(end.exitCode === undefined ? {} : { exit_code: end.exitCode }),
    ...(end.signal === undefined ? {} : { signal: end.signal }),
  };
  if (why === "timeout") {
    return {
      status: "Failed",
      reason: `the command ran longer than its limit of ${assignment.timeout_sec} s and was ended`,
      ...facts,
    };
  }
  if (why === "stop") return { status: "Canceled", reason: stopOf(orders)?.reason ?? "canceled", ...facts };
  if (end.exitCode === 0) return { status: "Completed", ...facts };
  return { status: "Failed", reason: end.reason ?? failureOf(end, log.tail(), killed), ...facts };
}
