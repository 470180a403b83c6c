import { describe, expect, test } from "vitest";
import type { Assignment } from "../../../src/contract/runner.ts";
import { countTasks, nodeRanks, planRanks } from "../../../src/runner/distribution.ts";

const machines = [
  { address: "10.0.0.1", ports: [5000, 5001, 5002] },
  { address: "10.0.0.2", ports: [6000, 6001, 6002] },
];
const assigned = (distribution: Assignment["distribution"], instance_count = 2) =>
  ({ distribution, instance_count }) as Assignment;

describe("processes over several machines", () => {
  test("of PyTorch meet at a port of the first machine", () => {
    const [first, second] = nodeRanks(assigned({ type: "pytorch", process_count_per_instance: 2 }), 1, machines);

    expect([first?.label, second?.label]).toEqual(["2", "3"]);
    expect(second?.variables).toEqual({
      MASTER_ADDR: "10.0.0.1",
      MASTER_PORT: "5000",
      WORLD_SIZE: "4",
      RANK: "3",
      LOCAL_RANK: "1",
      LOCAL_WORLD_SIZE: "2",
      NODE_RANK: "1",
      GROUP_RANK: "1",
    });
  });

  test("of TensorFlow know the addresses of all, each on a port of its own", () => {
    const assignment = assigned({ type: "tensorflow", worker_count: 2, parameter_server_count: 1 });
    const configs = [0, 1].flatMap((node) =>
      nodeRanks(assignment, node, machines).map(({ variables }) => JSON.parse(variables.TF_CONFIG ?? "")),
    );

    expect(configs.map(({ task }) => task)).toEqual([
      { type: "worker", index: 0 },
      { type: "ps", index: 0 },
      { type: "worker", index: 1 },
    ]);
    for (const { cluster } of configs) {
      expect(cluster).toEqual({ worker: ["10.0.0.1:5001", "10.0.0.2:6001"], ps: ["10.0.0.1:5002"] });
    }
  });

  test("of MPI have their ranks among all", () => {
    const [only] = nodeRanks(assigned({ type: "mpi" }), 1, machines);

    expect(only?.variables).toMatchObject({
      OMPI_COMM_WORLD_SIZE: "2",
      OMPI_COMM_WORLD_RANK: "1",
      OMPI_COMM_WORLD_LOCAL_RANK: "0",
      MASTER_ADDR: "10.0.0.1",
    });
  });

  test("without a distribution are one a machine, which know the first machine", () => {
    expect(nodeRanks(assigned(undefined), 1, machines)).toEqual([
      { label: "1", variables: { NODE_RANK: "1", MASTER_ADDR: "10.0.0.1", MASTER_PORT: "5000" } },
    ]);
  });

  test("are as many on each machine as are counted before the machines are known", () => {
    for (const distribution of [
      { type: "pytorch", process_count_per_instance: 3 },
      { type: "tensorflow", worker_count: 3, parameter_server_count: 2 },
      { type: "mpi" },
      undefined,
    ] as const) {
      const assignment = assigned(distribution);
      for (const node of [0, 1]) {
        const ports = Array.from({ length: 5 }, (_, i) => 7000 + i);
        const all = machines.map(({ address }) => ({ address, ports }));
        expect(nodeRanks(assignment, node, all)).toHaveLength(countTasks(assignment, node));
      }
    }
  });
});

test("where it is not known yet whether there is an `mpirun`, both ways are planned", async () => {
  const plan = await planRanks(assigned({ type: "mpi", process_count_per_instance: 2 }), "");

  expect(plan.ranks).toHaveLength(4);
  expect(plan.mpirun?.join(" ")).toBe("mpirun --allow-run-as-root --oversubscribe --tag-output -n 4");
});
