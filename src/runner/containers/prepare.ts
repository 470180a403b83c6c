import { execFile } from "node:child_process";
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { runner } from "../../client/routes.ts";
import type { EnvironmentSpec } from "../../contract/environments.ts";
import type { RunnerReport } from "../../contract/runner.ts";
import { type Attempt, bringCode, machineFacts, makeAttempt, portsOptions, stopOf } from "../attempt.ts";
import { commandText } from "../command-text.ts";
import { deliver } from "../conclude.ts";
import { countTasks, planRanks } from "../distribution.ts";
import { reasonOf } from "../failure.ts";
import { openHome } from "../home.ts";
import { isGone, type Orders, openOrders } from "../orders.ts";
import { bringInputs, makeOutputs, type Ports } from "../ports.ts";
import { openStateFiles } from "../state.ts";
import { commandVariables } from "../variables.ts";
import { planCredentials } from "./credentials.ts";
import { heedTermination, INTERRUPTED } from "./interruption.ts";
import { bringBack } from "./outputs.ts";
import { makeUserScript } from "./script.ts";
import { readNodes, readVolumeRequest, volumePaths, writePrepared } from "./volume.ts";

/** Makes everything ready on the volume for the two containers that follow. Answers the exit code: 0 lets them start. */
export async function prepareContainers(volume: string): Promise<number> {
  const request = readVolumeRequest(volume);
  // The user's container may run as anybody.
  process.umask(0);
  const files = openStateFiles(volume, request.attemptId);
  files.phase("Preparing");
  const home = openHome(request, new AbortController());
  const orders = openOrders(home);
  heedTermination(home, orders);
  const accepted = orders.report({ status: "Preparing", machine: machineFacts() });
  accepted.catch(() => {});
  let attempt: Attempt | undefined;
  try {
    const params = { workspace: home.workspace, run: home.run };
    const assignment = await home.until(() => home.client.call(runner.assignment, { params }), orders.stopped);
    attempt = makeAttempt({ request, home, orders, files, assignment }, { node: readNodes(process.env)?.index ?? 0 });
    orders.listen();
    await prepareVolume(attempt);
    await accepted.catch((error: unknown) => {
      if (isGone(error)) orders.stop({ kind: "superseded", reason: "the run is not known any more" });
      throw error;
    });
    orders.stopped.throwIfAborted();
    await Promise.allSettled([attempt.log.end(), attempt.systemLog.end()]);
    return 0;
  } catch (error) {
    return await explain(error, orders, attempt);
  } finally {
    orders.end();
  }
}

async function explain(error: unknown, orders: Orders, attempt: Attempt | undefined): Promise<number> {
  const stop = stopOf(orders);
  const unknown = attempt === undefined && isGone(error);
  if (stop?.kind === "superseded" || unknown) return 1;
  if (stop?.kind === "interrupted") return INTERRUPTED;
  const reason = stop?.reason ?? reasonOf(error);
  const outcome = { status: stop === undefined ? ("Failed" as const) : ("Canceled" as const), reason };
  if (attempt === undefined) await orders.report(outcome).catch(() => {});
  else {
    if (stop === undefined) attempt.log.write(`error: ${reason}\n`);
    await deliver(attempt, outcome);
  }
  return 1;
}

async function prepareVolume(attempt: Attempt): Promise<void> {
  const { request, assignment, orders, work, tell } = attempt;
  const signal = orders.stopped;
  for (const note of assignment.notes) tell(`note: ${note}\n`);
  const fetching = bringCode(attempt, signal);
  fetching.catch(() => {});
  const inputs = await bringInputs(portsOptions(attempt, signal));
  await fetching;
  const ports: Ports = { inputs, outputs: makeOutputs(assignment, request.folder) };
  if (!request.attemptId.endsWith(".1")) await bringBack(attempt, ports.outputs, signal);
  const nodes = readNodes(process.env);
  const { ranks, mpirun } = nodes === undefined ? await planRanks(assignment, "") : {};
  const count = nodes === undefined ? (ranks?.length ?? 0) : countTasks(assignment, nodes.index);
  const labels = ranks?.map((rank) => rank.label) ?? Array.from({ length: count }, (_, i) => String(i));
  await makePipes(request.folder, count);
  const lent = await planCredentials(attempt.home, tell, signal);
  writeFileSync(
    volumePaths(request.folder).script,
    makeUserScript({
      volume: request.folder,
      work,
      command: await commandText(assignment, ports, request.folder),
      // The job's own variables win.
      variables: { ...lent?.variables, ...variablesOf(attempt, ports) },
      ...(ranks === undefined ? {} : { ranks }),
      ...(mpirun === undefined ? {} : { mpirun }),
      graceSec: assignment.grace_sec,
    }),
    { mode: 0o755 },
  );
  openToAll(request.folder);
  const environment = environmentOf(assignment.environment);
  const place = lent === undefined ? {} : { credentials: lent.place };
  writePrepared(request.folder, { assignment, ports, ranks: labels, environment, ...place });
  tell("prepared; the job's container follows\n");
}

/** The image's own PATH stays, unless the job sets one. */
function variablesOf(attempt: Attempt, ports: Ports): Record<string, string> {
  const { request, assignment, work } = attempt;
  const { PATH, ...variables } = commandVariables(
    { request, assignment, ports, work, binDirs: [], environment: {} },
    {},
  );
  return PATH === undefined || assignment.environment_variables.PATH === undefined ? variables : { ...variables, PATH };
}

async function makePipes(volume: string, count: number): Promise<void> {
  const paths = Array.from({ length: count }, (_, rank) => volumePaths(volume).output(rank));
  await promisify(execFile)("mkfifo", ["-m", "666", ...paths]);
}

/** What was brought belongs to this container's user, who need not be the other's. */
function openToAll(volume: string): void {
  chmodSync(volume, 0o777);
  for (const part of ["code", "inputs", "outputs"]) {
    const folder = join(volume, part);
    if (!existsSync(folder)) continue;
    chmodSync(folder, 0o777);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isSymbolicLink()) continue;
      const path = join(entry.parentPath, entry.name);
      chmodSync(path, entry.isDirectory() ? 0o777 : statSync(path).mode | 0o666);
    }
  }
}

function environmentOf({ kind, image, label }: EnvironmentSpec): NonNullable<RunnerReport["environment"]> {
  return { hash: kind, ref: image ?? label, cached: true };
}
