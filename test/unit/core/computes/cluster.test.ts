import { describe, expect, test } from "vitest";
import { clusterNotes, machineFor, tierOf } from "../../../../src/core/computes/cluster.ts";
import { findMachine, machineTypes } from "../../../../src/core/computes/machines.ts";

describe("the machine behind a size", () => {
  test.each([
    // Azure's sizes that its own examples name most.
    ["STANDARD_DS3_v2", "m5.xlarge"],
    ["Standard_DS2_v2", "m5.large"],
    ["Standard_DS12_v2", "r5.xlarge"],
    ["Standard_D2_v2", "m5.large"],
    ["Standard_D4s_v3", "m5.xlarge"],
    ["standard_d16as_v4", "m5.4xlarge"],
    ["Standard_E8s_v3", "r5.2xlarge"],
    ["Standard_F4s_v2", "c5.xlarge"],
    ["Standard_B2ms", "m5.large"],
    ["Standard_NC6", "g4dn.2xlarge"],
    ["Standard_NC4as_T4_v3", "g4dn.xlarge"],
    ["Standard_NC64as_T4_v3", "g4dn.12xlarge"],
    ["Standard_NC6s_v3", "g5.2xlarge"],
    ["Standard_NC24rs_v3", "g5.12xlarge"],
    ["Standard_NC24ads_A100_v4", "g6e.8xlarge"],
    ["Standard_ND40rs_v2", "g5.48xlarge"],
    ["Standard_ND96asr_v4", "p4d.24xlarge"],
    ["Standard_ND96amsr_A100_v4", "p4de.24xlarge"],
    ["Standard_ND96isr_H100_v5", "p5.48xlarge"],
    ["Standard_NV36ads_A10_v5", "g5.16xlarge"],
    ["c5.9xlarge", "c5.9xlarge"],
    ["G5.xlarge", "g5.xlarge"],
  ])("of `%s` is %s", (size, type) => {
    expect(machineFor(size).machine.type).toBe(type);
  });

  test("has at least the vCPUs and GPUs of the Azure size", () => {
    expect(machineFor("Standard_NC16as_T4_v3").machine).toMatchObject({ vcpus: 16, gpus: 1 });
    expect(machineFor("Standard_D64s_v5").machine.vcpus).toBeGreaterThanOrEqual(64);
  });

  test("is told where it stands for another", () => {
    expect(machineFor("m5.xlarge").note).toBeUndefined();
    expect(machineFor("Standard_DS3_v2").note).toBe("`Standard_DS3_v2` runs as `m5.xlarge` (4 vCPUs, 16 GiB)");
    expect(machineFor("Standard_NC6s_v3").note).toMatch(
      /`g5.2xlarge` \(8 vCPUs, 32 GiB, 1 GPU \(A10G, 24 GB\)\); .*V100/,
    );
  });

  test.each(["Standard_X", "m5.xlarg", "huge", "p3.2xlarge", "Standard_NC80adis_H100_v5", "Standard_PB6s"])(
    "of `%s` is refused",
    (size) => {
      expect(() => machineFor(size)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
    },
  );

  test("names the nearest type", () => {
    expect(() => machineFor("m5.xlarg")).toThrow(
      expect.objectContaining({ details: { hint: expect.stringContaining("did you mean `m5.xlarge`?") } }),
    );
  });
});

test("types are named as EC2 names them", () => {
  expect(findMachine("m5.large")).toMatchObject({ vcpus: 2, memoryGib: 8, gpus: 0, family: "m5" });
  expect(findMachine("c5.18xlarge")).toMatchObject({ vcpus: 72, memoryGib: 144 });
  expect(findMachine("r6i.32xlarge")).toMatchObject({ vcpus: 128, memoryGib: 1024 });
  for (const type of machineTypes()) expect(type).toMatch(/^[a-z]+\d+[a-z]*\.(?:large|xlarge|\d+xlarge)$/);
});

test("tiers of both clouds", () => {
  expect(["low_priority", "spot", "Spot"].map(tierOf)).toEqual(["spot", "spot", "spot"]);
  expect([undefined, "dedicated", "on_demand", "Standard"].map(tierOf)).toEqual(Array(4).fill("dedicated"));
});

test("what a cluster is taken otherwise than written", () => {
  expect(clusterNotes({ size: "m5.large", min_instances: 0 })).toEqual([]);
  expect(clusterNotes({ min_instances: 2, idle_time_before_scale_down: 120 })).toEqual([
    expect.stringContaining("`min_instances` is taken as 0"),
    expect.stringContaining("`idle_time_before_scale_down`"),
  ]);
});
