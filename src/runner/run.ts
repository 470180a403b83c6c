import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { runner } from "../client/routes.ts";
import type { Assignment } from "../contract/runner.ts";
import { type Attempt, bringCode, machineFacts, makeAttempt, type Outcome, portsOptions, stopOf } from "./attempt.ts";
import { type RunningCommand, startCommand } from "./command.ts";
import { deliver, finalize } from "./conclude.ts";
import { type Plan, planRanks } from "./distribution.ts";
import { type UsedEnvironment, useEnvironment } from "./environment/use.ts";
import { detailLog, reasonOf } from "./failure.ts";
import { openHome } from "./home.ts";
import type { LogStream } from "./log.ts";
import { isGone, openOrders } from "./orders.ts";
import { commandText } from "./parallel.ts";
import { type OutputPipe, openPipes } from "./pipe.ts";
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

/** What can be had before it is known which attempt to run. */
export interface Warm {
  readonly pipes: readonly OutputPipe[];
}

/** Does ahead of the request what every attempt needs: a runner that waits has time. */
export async function warmUp(): Promise<Warm> {
  // A runner that has its request already shall ask for its assignment first.
  await new Promise((resolve) => setImmediate(resolve));
  const opening = openPipes(tmpdir(), 1);
  // Looking for Pythons is what a start does most of; a second look costs a tenth of the first.
  pythonFingerprint();
  return { pipes: await opening };
}

/** Runs one attempt from its assignment to the acknowledged final report. */
export async function runAttempt(request: RunnerRequest, warm: Promise<Warm>): Promise<void> {
  const { folder } = request;
  const over = new AbortController();
  const files = openStateFiles(folder, request.attemptId);
  files.phase("Preparing");
  const home = openHome(request, over);
  const orders = openOrders(home);
  const stopBySignal = () => orders.stop({ kind: "cancel", reason: "the runner was asked to stop" });
  process
    .on("SIGTERM", stopBySignal)
    .on("SIGINT", stopBySignal)
    .on("SIGHUP", () => {});
  over.signal.addEventListener("abort", () => orders.stop({ kind: "superseded", reason: "the attempt is over" }));

  const assigned = home.until(() =>
    home.client.call(runner.assignment, { params: { workspace: home.workspace, run: home.run } }),
  );
  const accepted = orders.report({ status: "Preparing", machine: machineFacts() });
  accepted.catch(() => {});
  let assignment: Assignment;
  try {
    assignment = await assigned;
  } catch (error) {
    if (!isGone(error)) await orders.report({ status: "Failed", reason: reasonOf(error) }).catch(() => {});
    files.phase("Done");
    return;
  }
  const attempt = makeAttempt({ request, home, orders, files, assignment });
  const outcome = await perform(attempt, async () => {
    await accepted.catch((error: unknown) => {
      if (isGone(error)) orders.stop({ kind: "superseded", reason: "the run is not known any more" });
      throw error;
    });
    orders.stopped.throwIfAborted();
    return (await warm).pipes;
  });
  if (outcome === undefined) files.phase("Done");
  else await deliver(attempt, outcome);
  orders.end();
}

/** Prepares, runs and collects. Undefined when another attempt has taken over and nothing is to be said. */
async function perform(attempt: Attempt, accepted: () => Promise<readonly OutputPipe[]>): Promise<Outcome | undefined> {
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

async function prepare(attempt: Attempt, accepted: () => Promise<readonly OutputPipe[]>): Promise<Prepared> {
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
  const pipes = await accepted();
  const plan = await planRanks(assignment, [...environment.binDirs, process.env.PATH ?? ""].join(":"));
  const more = await openPipes(request.folder, Math.max(0, plan.ranks.length - pipes.length));
  tell(`prepared on ${hostname()}\n`);
  return { environment, ports: { inputs, outputs }, plan, pipes: [...pipes, ...more] };
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
      command: commandText(assignment, ports, request.folder),
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
