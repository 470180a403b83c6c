import { hostname } from "node:os";
import { join } from "node:path";
import { runner } from "../client/routes.ts";
import type { Assignment } from "../contract/runner.ts";
import { type Attempt, bringCode, machineFacts, makeAttempt, type Outcome, portsOptions, stopOf } from "./attempt.ts";
import { type RunningCommand, startCommand } from "./command.ts";
import { commandText } from "./command-text.ts";
import { deliver, finalize } from "./conclude.ts";
import { type Plan, planRanks } from "./distribution.ts";
import { type UsedEnvironment, useEnvironment } from "./environment/use.ts";
import { detailLog, reasonOf } from "./failure.ts";
import { openHome } from "./home.ts";
import type { LogStream } from "./log.ts";
import { isGone, type Orders, openOrders } from "./orders.ts";
import { type OutputPipe, openPipes, stockPipes } from "./pipe.ts";
import { bringInputs, makeOutputs, type Ports } from "./ports.ts";
import type { RunnerRequest } from "./request.ts";
import { openStateFiles } from "./state.ts";
import { supervise } from "./supervise.ts";
import { pythonFingerprint } from "./tools/python.ts";
import { commandVariables } from "./variables.ts";

interface Prepared {
  readonly environment: UsedEnvironment;
  readonly ports: Ports;
  readonly plan: Plan;
  readonly pipes: readonly OutputPipe[];
}

/** Does ahead of the request what every attempt needs: a runner that waits has time. */
export async function warmUp(): Promise<void> {
  // A runner that has its request already shall begin with that.
  await new Promise((resolve) => setImmediate(resolve));
  const stocking = stockPipes();
  // Looking for Pythons is what a start does most of.
  pythonFingerprint();
  await stocking;
}

/** Runs one attempt from its assignment to the acknowledged final report. */
export async function runAttempt(request: RunnerRequest): Promise<void> {
  const { folder } = request;
  const over = new AbortController();
  const files = openStateFiles(folder, request.attemptId);
  files.phase("Preparing");
  const home = openHome(request, over);
  const orders = openOrders(home);
  const stopBySignal = () => orders.stop({ kind: "cancel", reason: "the runner was asked to stop" });
  const ignore = () => {};
  process.on("SIGTERM", stopBySignal).on("SIGINT", stopBySignal).on("SIGHUP", ignore);
  over.signal.addEventListener("abort", () => orders.stop({ kind: "superseded", reason: "the attempt is over" }));
  try {
    await runAssigned(request, { home, orders, files });
  } finally {
    orders.end();
    files.phase("Done");
    process.off("SIGTERM", stopBySignal).off("SIGINT", stopBySignal).off("SIGHUP", ignore);
  }
}

async function runAssigned(request: RunnerRequest, parts: Pick<Attempt, "home" | "orders" | "files">): Promise<void> {
  const { home, orders } = parts;
  const params = { workspace: home.workspace, run: home.run };
  const assigned = request.assignment ?? home.until(() => home.client.call(runner.assignment, { params }));
  const accepted = begin(request, orders);
  accepted.catch(() => {});
  let assignment: Assignment;
  try {
    assignment = await assigned;
  } catch (error) {
    if (!isGone(error)) await orders.report({ status: "Failed", reason: reasonOf(error) }).catch(() => {});
    return;
  }
  const attempt = makeAttempt({ request, ...parts, assignment });
  const outcome = await perform(attempt, async () => {
    await accepted.catch((error: unknown) => {
      if (isGone(error)) orders.stop({ kind: "superseded", reason: "the run is not known any more" });
      throw error;
    });
    orders.stopped.throwIfAborted();
  });
  if (outcome !== undefined) await deliver(attempt, outcome);
}

/** Resolves when this runner may go on. Who was given its assignment is the attempt's only one, and need not wait for the home to say so. */
async function begin(request: RunnerRequest, orders: Orders): Promise<void> {
  const report = { status: "Preparing", machine: machineFacts() } as const;
  if (request.assignment === undefined) await orders.report(report);
  else orders.note(report);
}

/** Prepares, runs and collects. Undefined when another attempt has taken over and nothing is to be said. */
async function perform(attempt: Attempt, accepted: () => Promise<void>): Promise<Outcome | undefined> {
  const { orders, tell, log } = attempt;
  let prepared: Prepared;
  try {
    prepared = await prepare(attempt, accepted);
  } catch (error) {
    const stop = stopOf(orders);
    if (stop?.kind === "superseded") return undefined;
    if (stop !== undefined) return { status: "Canceled", reason: stop.reason };
    const reason = reasonOf(error);
    tell(`preparation failed: ${reason}\n`);
    const detail = detailLog(error);
    log.write(`${detail === undefined ? "" : `${detail.trimEnd()}\n`}error: ${reason}\n`);
    return { status: "Failed", reason };
  }
  const outcome = await runCommand(attempt, prepared);
  if (stopOf(orders)?.kind === "superseded") return undefined;
  return finalize(attempt, prepared.ports, outcome);
}

async function prepare(attempt: Attempt, accepted: () => Promise<void>): Promise<Prepared> {
  const { request, orders, assignment, tell, log } = attempt;
  const signal = orders.stopped;
  orders.listen();
  for (const note of assignment.notes) tell(`note: ${note}\n`);
  const building = useEnvironment({
    spec: assignment.environment,
    cacheDir: request.cacheDir,
    folder: join(request.folder, "env"),
    onLog: makeBuildLog(log, tell, assignment.environment.label),
    signal,
  });
  building.catch(() => {});
  const fetching = bringCode(attempt, signal);
  fetching.catch(() => {});
  const options = portsOptions(attempt, signal);
  const inputs = await bringInputs(options);
  const outputs = makeOutputs(assignment, request.folder);
  await fetching;
  const environment = await building;
  for (const note of environment.notes) {
    tell(`environment: ${note}\n`);
    // Said once, where people look, by the job that waited for the build.
    if (!environment.report.cached) log.write(`[trainyard] ${note}\n`);
  }
  await accepted();
  const plan = await planRanks(assignment, [...environment.binDirs, process.env.PATH ?? ""].join(":"));
  const pipes = await openPipes(request.folder, plan.ranks.length);
  tell(`prepared on ${hostname()}\n`);
  return { environment, ports: { inputs, outputs }, plan, pipes };
}

/** The build's own words go to the system log; the command's log gets a line at the start and one for each stage. */
function makeBuildLog(log: LogStream, tell: (text: string) => void, label: string): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    tell(text.endsWith("\n") ? text : `${text}\n`);
    if (told.size === 0) log.write(`[trainyard] preparing environment \`${label}\`; the first time takes a while\n`);
    told.add("");
    for (const [line, stage = ""] of text.matchAll(/^(getting|Resolved|Prepared|Installed) .*$/gm)) {
      if (!told.has(stage)) log.write(`[trainyard] ${line}\n`);
      told.add(stage);
    }
  };
}

async function runCommand(attempt: Attempt, { ports, environment, plan, pipes }: Prepared): Promise<Outcome> {
  const { request, assignment, log, work } = attempt;
  const { binDirs, variables } = environment;
  let command: RunningCommand;
  try {
    command = startCommand({
      command: await commandText(assignment, ports, request.folder),
      plan,
      folder: request.folder,
      cwd: work,
      variables: commandVariables({ request, assignment, ports, work, binDirs, environment: variables }),
      pipes,
      write: log.write,
    });
  } catch (error) {
    return { status: "Failed", reason: `the command could not be started: ${reasonOf(error)}` };
  }
  return supervise(attempt, ports, environment.report, command);
}
