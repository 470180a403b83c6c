import { accessSync, constants } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import type { Assignment } from "../contract/runner.ts";

/** One process of the command. */
export interface Rank {
  /** Stands before its lines when there is more than one. */
  readonly label: string;
  readonly variables: Readonly<Record<string, string>>;
}

export interface Plan {
  readonly ranks: readonly Rank[];
  /** Starts all ranks itself: `mpirun …`; the shell command follows. */
  readonly launcher?: readonly string[];
  /** The same, to be used instead of the ranks by who finds an `mpirun` where the command runs. */
  readonly mpirun?: readonly string[];
}

/** The processes a command is run as, all on this machine, each with the variables its framework expects. */
export async function planRanks(assignment: Assignment, path = process.env.PATH ?? ""): Promise<Plan> {
  const { distribution } = assignment;
  const nodes = Math.max(1, assignment.instance_count);
  if (assignment.parallel !== undefined) return { ranks: await pytorchRanks(nodes, 1) };
  if (distribution?.type === "pytorch")
    return { ranks: await pytorchRanks(nodes, distribution.process_count_per_instance ?? 1) };
  if (distribution?.type === "tensorflow") {
    return {
      ranks: await tensorflowRanks(distribution.worker_count ?? nodes, distribution.parameter_server_count ?? 0),
    };
  }
  if (distribution?.type === "mpi") {
    const perNode = distribution.process_count_per_instance ?? 1;
    const words = ["--oversubscribe", "--tag-output", "-n", String(nodes * perNode)];
    const mpirun = executableOn(path, "mpirun");
    if (mpirun !== undefined) {
      const root = process.getuid?.() === 0 ? ["--allow-run-as-root"] : [];
      return { ranks: [{ label: "0", variables: {} }], launcher: [mpirun, ...root, ...words] };
    }
    return { ranks: mpiRanks(nodes, perNode), mpirun: ["mpirun", "--allow-run-as-root", ...words] };
  }
  return { ranks: [{ label: "0", variables: {} }] };
}

async function pytorchRanks(nodes: number, perNode: number): Promise<Rank[]> {
  const [port = 29500] = await freePorts(1);
  const all = { nodes, perNode, master: "127.0.0.1", port };
  return counted(nodes * perNode).map((rank) => ({ label: String(rank), variables: pytorchVariables(rank, all) }));
}

function mpiRanks(nodes: number, perNode: number): Rank[] {
  return counted(nodes * perNode).map((rank) => ({
    label: String(rank),
    variables: mpiVariables(rank, { nodes, perNode }),
  }));
}

async function tensorflowRanks(workers: number, servers: number): Promise<Rank[]> {
  const ports = await freePorts(workers + servers);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  return counted(workers + servers).map((task) => tensorflowRank(task, workers, addresses));
}

interface Shape {
  readonly nodes: number;
  /** Processes of each. */
  readonly perNode: number;
}

function pytorchVariables(
  rank: number,
  { nodes, perNode, master, port }: Shape & { readonly master: string; readonly port: number },
): Rank["variables"] {
  const node = String(Math.floor(rank / perNode));
  return {
    MASTER_ADDR: master,
    MASTER_PORT: String(port),
    WORLD_SIZE: String(nodes * perNode),
    RANK: String(rank),
    LOCAL_RANK: String(rank % perNode),
    LOCAL_WORLD_SIZE: String(perNode),
    NODE_RANK: node,
    GROUP_RANK: node,
  };
}

function mpiVariables(rank: number, { nodes, perNode }: Shape): Rank["variables"] {
  return {
    OMPI_COMM_WORLD_SIZE: String(nodes * perNode),
    OMPI_COMM_WORLD_RANK: String(rank),
    OMPI_COMM_WORLD_LOCAL_SIZE: String(perNode),
    OMPI_COMM_WORLD_LOCAL_RANK: String(rank % perNode),
    OMPI_COMM_WORLD_NODE_RANK: String(Math.floor(rank / perNode)),
    OMPI_UNIVERSE_SIZE: String(nodes * perNode),
  };
}

/** Workers come first among the tasks; the rest are parameter servers. */
function tensorflowRank(task: number, workers: number, addresses: readonly string[]): Rank {
  const isWorker = task < workers;
  const [type, index] = isWorker ? ["worker", task] : ["ps", task - workers];
  const cluster = {
    worker: addresses.slice(0, workers),
    ...(addresses.length > workers ? { ps: addresses.slice(workers) } : {}),
  };
  return {
    label: isWorker ? String(index) : `ps ${index}`,
    variables: { TF_CONFIG: JSON.stringify({ cluster, task: { type, index }, environment: "cloud" }) },
  };
}

/** One of the machines of an attempt that has several. */
export interface Machine {
  readonly address: string;
  /** Free ones, one more than it has processes. */
  readonly ports: readonly number[];
}

/** The tasks of one of several machines, as numbers among all. */
function tasksOf({ distribution, instance_count: nodes }: Assignment, node: number): readonly number[] {
  if (distribution?.type === "tensorflow") {
    const all = (distribution.worker_count ?? nodes) + (distribution.parameter_server_count ?? 0);
    return counted(all).filter((task) => task % nodes === node);
  }
  const perNode = perNodeOf(distribution);
  return counted(perNode).map((local) => node * perNode + local);
}

function perNodeOf(distribution: Assignment["distribution"]): number {
  const has = distribution?.type === "pytorch" || distribution?.type === "mpi";
  return has ? (distribution.process_count_per_instance ?? 1) : 1;
}

/** How many processes one of several machines has. */
export function countTasks(assignment: Assignment, node: number): number {
  return tasksOf(assignment, node).length;
}

/** Ports for the processes of one of several machines, and one for all of them to meet at. */
export function portsFor(assignment: Assignment, node: number): Promise<readonly number[]> {
  return freePorts(countTasks(assignment, node) + 1);
}

/** The processes of one of several machines, when all are known. */
export function nodeRanks(assignment: Assignment, node: number, machines: readonly Machine[]): readonly Rank[] {
  const { distribution } = assignment;
  const [main] = machines;
  const shape = { nodes: machines.length, perNode: perNodeOf(distribution) };
  const meeting = { ...shape, master: main?.address ?? "", port: main?.ports[0] ?? 0 };
  const common = { NODE_RANK: String(node), MASTER_ADDR: meeting.master, MASTER_PORT: String(meeting.port) };
  return tasksOf(assignment, node).map((task) => {
    if (distribution?.type === "tensorflow") {
      const workers = distribution.worker_count ?? machines.length;
      const rank = tensorflowRank(task, workers, tensorflowAddresses(assignment, machines));
      return { ...rank, variables: { ...common, ...rank.variables } };
    }
    const own =
      distribution?.type === "pytorch"
        ? pytorchVariables(task, meeting)
        : distribution?.type === "mpi"
          ? mpiVariables(task, shape)
          : {};
    return { label: String(task), variables: { ...common, ...own } };
  });
}

/** Of every task, in order. */
function tensorflowAddresses(assignment: Assignment, machines: readonly Machine[]): readonly string[] {
  const placed = machines.flatMap(({ address, ports }, node) =>
    tasksOf(assignment, node).map((task, local) => ({ task, address: `${address}:${ports[local + 1]}` })),
  );
  return placed.toSorted((a, b) => a.task - b.task).map(({ address }) => address);
}

const counted = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Ports that nothing listens on now; all are held until all are known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    counted(count).map(
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export function executableOn(path: string, name: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    if (folder === "") continue;
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}
