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
  return counted(nodes * perNode).map((rank) => ({
    label: String(rank),
    variables: {
      MASTER_ADDR: "127.0.0.1",
      MASTER_PORT: String(port),
      WORLD_SIZE: String(nodes * perNode),
      RANK: String(rank),
      LOCAL_RANK: String(rank % perNode),
      LOCAL_WORLD_SIZE: String(perNode),
      NODE_RANK: String(Math.floor(rank / perNode)),
      GROUP_RANK: String(Math.floor(rank / perNode)),
    },
  }));
}

function mpiRanks(nodes: number, perNode: number): Rank[] {
  const size = nodes * perNode;
  return counted(size).map((rank) => ({
    label: String(rank),
    variables: {
      OMPI_COMM_WORLD_SIZE: String(size),
      OMPI_COMM_WORLD_RANK: String(rank),
      OMPI_COMM_WORLD_LOCAL_SIZE: String(perNode),
      OMPI_COMM_WORLD_LOCAL_RANK: String(rank % perNode),
      OMPI_COMM_WORLD_NODE_RANK: String(Math.floor(rank / perNode)),
      OMPI_UNIVERSE_SIZE: String(size),
    },
  }));
}

async function tensorflowRanks(workers: number, servers: number): Promise<Rank[]> {
  const ports = await freePorts(workers + servers);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const cluster = {
    worker: addresses.slice(0, workers),
    ...(servers > 0 ? { ps: addresses.slice(workers) } : {}),
  };
  const task = (type: string, index: number): Rank => ({
    label: type === "worker" ? String(index) : `${type} ${index}`,
    variables: { TF_CONFIG: JSON.stringify({ cluster, task: { type, index }, environment: "cloud" }) },
  });
  return [...counted(workers).map((i) => task("worker", i)), ...counted(servers).map((i) => task("ps", i))];
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
