import { expect, test } from "vitest";
import type { CommandJobSpec } from "../../../../src/contract/jobs.ts";
import { warnOfFields } from "../../../../src/core/jobs/plan-fields.ts";
import { makeFindings } from "../../../../src/core/jobs/problems.ts";

function warnings(spec: Partial<CommandJobSpec>, hasMachines = true): readonly string[] {
  const findings = makeFindings();
  warnOfFields({ type: "command", command: "true", environment: "e", ...spec }, findings, hasMachines);
  return findings.warnings.map((warning) => /^`([^`]+)`/.exec(warning)?.[1] ?? warning);
}

const ASKED = {
  resources: { instance_count: 2, instance_type: "Standard_DS3_v2", shm_size: "8g" },
  queue_settings: { job_tier: "Spot" },
};

test("a home with machines honours what a job asks of them", () => {
  expect(warnings({ compute: "serverless", ...ASKED })).toEqual([]);
  expect(warnings(ASKED)).toEqual([]);
});

test("where the job names a compute, that decides", () => {
  expect(warnings({ compute: "azureml:gpu", ...ASKED })).toEqual([
    "resources.instance_type",
    "queue_settings.job_tier",
  ]);
});

test("of arguments for Docker, the size of shared memory is taken", () => {
  expect(warnings({ resources: { docker_args: "--shm-size=8g" } })).toEqual([]);
  expect(warnings({ resources: { docker_args: ["--shm-size 8g", "--ipc=host"] } })).toEqual(["resources.docker_args"]);
});

test("says that MPI's own launcher does not reach other machines", () => {
  expect(warnings({ resources: { instance_count: 2 }, distribution: { type: "mpi" } })).toEqual(["distribution.type"]);
});

test("a home without machines honours none of it", () => {
  expect(warnings(ASKED, false)).toEqual([
    "resources.instance_count",
    "resources.instance_type",
    "resources.shm_size",
    "queue_settings.job_tier",
  ]);
});
