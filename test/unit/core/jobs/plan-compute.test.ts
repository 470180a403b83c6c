import { expect, test } from "vitest";
import type { ComputeSpec } from "../../../../src/contract/computes.ts";
import type { CommandJobSpec } from "../../../../src/contract/jobs.ts";
import type { ComputeStore } from "../../../../src/core/computes/ports.ts";
import { planCompute } from "../../../../src/core/jobs/plan-compute.ts";
import { makeFindings } from "../../../../src/core/jobs/problems.ts";

const cluster: ComputeSpec = { type: "cluster", size: "m5.xlarge", max_instances: 2 };
const record = {
  workspace: "w",
  name: "pool",
  spec: cluster,
  hasCredentials: false,
  createdMs: 0,
  createdBy: "",
  rev: 1,
};
const spot = { ...record, name: "spot", spec: { ...cluster, size: "g5.xlarge", tier: "low_priority" as const } };
const computes = { get: async (_, name) => [record, spot].find((each) => each.name === name) } as ComputeStore;

async function plan(spec: Partial<CommandJobSpec>, launches = ["local", "cluster"]) {
  const findings = makeFindings();
  const job: CommandJobSpec = { type: "command", command: "true", environment: "e", ...spec };
  const planned = await planCompute({ computes, launches }, "w", job, findings);
  return { ...planned, warnings: findings.warnings, problems: findings.problems.map(({ field }) => field) };
}

test("a home with machines has serverless compute, and says nothing of it", async () => {
  expect(await plan({ compute: "azureml:serverless" })).toMatchObject({ compute: "local", warnings: [], problems: [] });
  expect(await plan({})).toMatchObject({ compute: "local", warnings: [], problems: [] });
});

test("a cluster is found by each of its names", async () => {
  for (const compute of ["pool", "azureml:pool", "/subscriptions/s/computes/pool"]) {
    expect(await plan({ compute })).toMatchObject({ compute: "pool", problems: [] });
  }
});

test("a compute that is not there is refused where machines cost money, and replaced on a laptop", async () => {
  expect(await plan({ compute: "gpu" })).toMatchObject({ warnings: [], problems: ["compute"] });
  expect(await plan({ compute: "gpu" }, ["local", "attached"])).toMatchObject({
    compute: "local",
    warnings: [expect.stringContaining("has no compute `gpu`")],
    problems: [],
  });
});

test("a job of more machines than its cluster may have is refused", async () => {
  expect(await plan({ compute: "pool", resources: { instance_count: 2 } })).toMatchObject({ problems: [] });
  expect(await plan({ compute: "pool", resources: { instance_count: 3 } })).toMatchObject({
    problems: ["resources.instance_count"],
  });
});

test("a long job on spot machines is told what it would cost without a checkpoint", async () => {
  const long = { compute: "spot", limits: { timeout: 48 * 3600 } };

  expect((await plan(long)).warnings).toEqual([
    expect.stringMatching(
      /a job of 48 hours that keeps no checkpoint is expected to take 2636, which costs 22\.0 times/,
    ),
  ]);
  expect((await plan({ ...long, limits: { timeout: 3600 } })).warnings).toEqual([]);
  expect((await plan({ ...long, compute: "pool" })).warnings).toEqual([]);
  expect((await plan({ ...long, outputs: { checkpoints: {} } })).warnings).toEqual([]);
  expect((await plan({ ...long, command: "python train.py --resume" })).warnings).toEqual([]);
});
