import { mkdirSync } from "node:fs";
import { arch, cpus, hostname, platform, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { pause } from "../client/retry.ts";
import { runner } from "../client/routes.ts";
import { renderCommand } from "../contract/expressions.ts";
import { STD_LOG, SYSTEM_LOG } from "../contract/names.ts";
import type { Assignment, RunnerReport } from "../contract/runner.ts";
import { type CommandEnd, type RunningCommand, startCommand } from "./command.ts";
import { type Plan, planRanks } from "./distribution.ts";
import { type UsedEnvironment, useEnvironment } from "./environment/use.ts";
import { startEventFiles } from "./event-files.ts";
import { detailLog, failureOf, oomKills, reasonOf } from "./failure.ts";
import { type Home, openHome } from "./home.ts";
import { type LogStream, openLog } from "./log.ts";
import { materialize } from "./materialize.ts";
import { startSystemMetrics } from "./metrics.ts";
import { isGone, type Orders, openOrders, type Stop } from "./orders.ts";
import { type OutputPipe, openPipes } from "./pipe.ts";
import {
  bringInputs,
  makeOutputs,
  outputFolders,
  type Ports,
  type PortsOptions,
  sendArtifacts,
  sendOutputs,
} from "./ports.ts";
import { endAll } from "./processes.ts";
import type { RunnerRequest } from "./request.ts";
import { openStateFiles, type StateFiles } from "./state.ts";
import { pythonFingerprint } from "./tools/python.ts";
import { commandVariables } from "./variables.ts";

/** Everything one attempt works with. */
interface Attempt {
  readonly request: RunnerRequest;
  readonly home: Home;
  readonly orders: Orders;
  readonly files: StateFiles;
  readonly assignment: Assignment;
  readonly log: LogStream;
  readonly systemLog: LogStream;
  /** Folder of the snapshot's copy: the command's working folder. */
  readonly work: string;
  /** A line of the system log. */
  readonly tell: (text: string) => void;
}

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

type Outcome = Pick<RunnerReport, "status" | "reason" | "exit_code" | "signal">;

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
  const systemLog = openLog({ path: join(folder, "system.log"), name: SYSTEM_LOG, home, eager: false, batchMs: 500 });
  const attempt: Attempt = {
    request,
    home,
    orders,
    files,
    assignment,
    log: openLog({ path: join(folder, "std.log"), name: STD_LOG, home }),
    systemLog,
    work: join(folder, "code"),
    tell: (text) => systemLog.write(`${new Date().toISOString()} ${text}`),
  };
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

function stopOf(orders: Orders): Stop | undefined {
  return orders.stopped.aborted ? (orders.stopped.reason as Stop) : undefined;
}

async function prepare(attempt: Attempt, accepted: () => Promise<readonly OutputPipe[]>): Promise<Prepared> {
  const { request, orders, assignment, work, tell, log } = attempt;
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
  for (const name of ["outputs", "logs"]) mkdirSync(join(work, name), { recursive: true });
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

async function bringCode({ request, home, assignment, work, tell }: Attempt, signal: AbortSignal): Promise<void> {
  if (assignment.code === undefined) {
    mkdirSync(work, { recursive: true });
    return;
  }
  const brought = await materialize({
    home,
    uri: assignment.code,
    folder: work,
    sameHost: request.sameHost,
    link: false,
    signal,
  });
  tell(`code: ${brought.files} files, ${brought.bytes} bytes\n`);
}

function portsOptions({ home, assignment, request, tell }: Attempt, signal?: AbortSignal): PortsOptions {
  return { home, assignment, folder: request.folder, sameHost: request.sameHost, tell, signal };
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

async function runCommand(attempt: Attempt, prepared: Prepared): Promise<Outcome> {
  const { request, assignment, orders, files, log, work, home, tell } = attempt;
  const { ports, environment } = prepared;
  let command: RunningCommand;
  const oomBefore = oomKills();
  try {
    command = startCommand({
      command: renderCommand(assignment.command, ports),
      plan: prepared.plan,
      cwd: work,
      variables: commandVariables({
        request,
        assignment,
        ports,
        work,
        binDirs: environment.binDirs,
        environment: environment.variables,
      }),
      pipes: prepared.pipes,
      write: log.write,
    });
  } catch (error) {
    return { status: "Failed", reason: `the command could not be started: ${reasonOf(error)}` };
  }
  files.phase("Running", command.groups);
  const told = orders.report({ status: "Running", environment: environment.report });
  told.catch(() => {});
  tell(`running with process group ${command.groups.join(", ")}\n`);
  const metrics = startSystemMetrics(home, assignment.tracking_uri, request.token, request.folder);
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
    const go = () => void endAll(request.folder, command.groups, graceMs).then(resolve);
    if (ending.signal.aborted) go();
    else ending.signal.addEventListener("abort", go, { once: true });
  });
  const end = await command.ended;
  // Decided here: an order that comes after the command's own end changes nothing.
  const why = ending.signal.aborted ? String(ending.signal.reason) : undefined;
  clearTimeout(timeout);
  orders.stopped.removeEventListener("abort", onStop);
  files.phase("Finalizing");
  orders.report({ status: "Finalizing" }).catch(() => {});
  if (why !== undefined) await asked;
  await clearUp(attempt, command, end, graceMs);
  await metrics.stop();
  await events.finish();
  const killed = oomBefore !== undefined && (oomKills() ?? 0) > oomBefore;
  return outcomeOf(attempt, end, why, killed);
}

/** What a command leaves running is ended; its output up to then still counts. */
async function clearUp(attempt: Attempt, command: RunningCommand, end: CommandEnd, graceMs: number): Promise<void> {
  // Something in the background may be about to write its last lines.
  if (end.exitCode === 0) await Promise.race([command.drained, pause(250)]);
  await endAll(attempt.request.folder, command.groups, Math.min(graceMs, 2000));
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
  return { status: "Failed", reason: failureOf(end, log.tail(), killed), ...facts };
}

/** Stores outputs and artifacts. A completed command whose results cannot be kept has failed. */
async function finalize(attempt: Attempt, ports: Ports, outcome: Outcome): Promise<Outcome> {
  const options = portsOptions(attempt);
  try {
    await sendArtifacts(options, attempt.work);
    await sendOutputs(options, ports.outputs);
    return outcome;
  } catch (error) {
    attempt.tell(`collecting results failed: ${reasonOf(error)}\n`);
    if (outcome.status !== "Completed") return outcome;
    return {
      ...outcome,
      status: "Failed",
      reason: `the command succeeded, but its results could not be stored: ${reasonOf(error)}`,
    };
  }
}

/** The final word: on disk first, then the logs' rest, then the report, again and again until it is heard. */
async function deliver(attempt: Attempt, outcome: Outcome): Promise<void> {
  const { files, orders, log, systemLog, request, tell } = attempt;
  tell(`${outcome.status}${outcome.reason === undefined ? "" : `: ${outcome.reason}`}\n`);
  const reason = outcome.reason?.slice(0, 4000);
  files.final({
    attempt: request.attemptId,
    at: new Date().toISOString(),
    ...outcome,
    ...(reason === undefined ? {} : { reason }),
  });
  await Promise.allSettled([log.end(), systemLog.end()]);
  await orders.report({ ...outcome, ...(reason === undefined ? {} : { reason }) }).catch(() => {});
  files.phase("Done");
}

function machineFacts(): Record<string, string> {
  const processors = cpus();
  return {
    host: hostname(),
    system: `${platform()} ${release()} ${arch()}`,
    processors: String(processors.length),
    processor: processors[0]?.model.trim() ?? "",
    memory_mb: String(Math.round(totalmem() / 1024 / 1024)),
    node: process.version,
  };
}
