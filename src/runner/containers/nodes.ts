import { renameSync, writeFileSync } from "node:fs";
import { pause } from "../../client/retry.ts";
import type { Attempt } from "../attempt.ts";
import type { CommandEnd, RunningCommand } from "../command.ts";
import { type Machine, nodeRanks, portsFor } from "../distribution.ts";
import { firstFailure } from "./command.ts";
import { awaitOthers, joinMain } from "./gang.ts";
import { rankFunctions } from "./script.ts";
import { type Nodes, volumePaths } from "./volume.ts";

/** This machine among those of its attempt. */
export interface OwnNode {
  /** Labels of this machine's processes, once all machines are there and the script may start them. Rejects when the attempt is stopped before. */
  readonly labels: Promise<readonly string[]>;
  /** The command, as a part of the whole: on the main machine it ends when all do, or one fails. */
  join(command: RunningCommand): RunningCommand;
  ended(end: CommandEnd): void;
  stored(): void;
  /** Main machine: all others have stored what they have. */
  readonly othersStored: Promise<unknown>;
  close(): void;
}

/** Makes this machine known to the others, and them to this one. */
export async function joinNodes(attempt: Attempt, nodes: Nodes): Promise<OwnNode> {
  const ports = await portsFor(attempt.assignment, nodes.index);
  return nodes.index === 0 ? beMain(attempt, nodes, ports) : beOther(attempt, nodes, ports);
}

function beMain(attempt: Attempt, { count }: Nodes, ports: readonly number[]): OwnNode {
  const { request, orders } = attempt;
  const others = awaitOthers(request, count, ports);
  // Also before the command runs: whoever waits shall not wait on.
  orders.stopped.addEventListener("abort", () => others.stop("the job is stopped"));
  return {
    labels: begin(attempt, 0, others.machines),
    join: (command) => ({
      ...command,
      ended: firstFailure([command.ended, ...others.ends]),
      async end(graceMs) {
        others.stop("the job is ended");
        await Promise.all([command.end(graceMs), Promise.race([Promise.all(others.ends), pause(graceMs + 5000)])]);
      },
    }),
    ended: () => others.stop("the job's main machine could not start the command"),
    stored: () => {},
    othersStored: others.stored,
    close: others.close,
  };
}

function beOther(attempt: Attempt, { index, main = "127.0.0.1" }: Nodes, ports: readonly number[]): OwnNode {
  const { request, orders } = attempt;
  const link = joinMain(request, { node: index, main, ports });
  void link.stopped.then((reason) => orders.stop({ kind: "cancel", reason }));
  return {
    labels: begin(attempt, index, link.machines),
    join(command) {
      void command.ended.then((end) => link.ended(withMachine(end, index)));
      return command;
    },
    ended: (end) => link.ended(withMachine(end, index)),
    stored: link.stored,
    othersStored: Promise.resolve(),
    close: () => {},
  };
}

function withMachine(end: CommandEnd, node: number): CommandEnd {
  return end.exitCode === 0 ? end : { ...end, rank: end.rank ?? `on machine ${node}` };
}

/** When all machines are known, the script is told what its processes are; it waits for this file. */
async function begin(
  { request, assignment, orders, tell }: Attempt,
  node: number,
  known: Promise<readonly Machine[]>,
): Promise<readonly string[]> {
  const stopped = new Promise<"stopped">((resolve) => {
    if (orders.stopped.aborted) resolve("stopped");
    orders.stopped.addEventListener("abort", () => resolve("stopped"), { once: true });
  });
  const machines = await Promise.race([known, stopped]);
  if (machines === "stopped") return [];
  const ranks = nodeRanks(assignment, node, machines);
  const { nodes: path } = volumePaths(request.folder);
  // The job's container may run as anybody.
  writeFileSync(`${path}.part`, `${rankFunctions(ranks)}\n`, { mode: 0o644 });
  renameSync(`${path}.part`, path);
  tell(`machine ${node} of ${machines.length}: ${machines.map(({ address }) => address).join(", ")}\n`);
  return ranks.map((rank) => rank.label);
}
