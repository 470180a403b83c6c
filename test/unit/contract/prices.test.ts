import { expect, test } from "vitest";
import { machineUsdPerHour } from "../../../src/contract/prices/table.ts";
import { findMachine, machineTypes } from "../../../src/core/computes/machines.ts";

test("every machine that a cluster can be made of has a price, and more of one family costs more", () => {
  expect(machineTypes().filter((type) => machineUsdPerHour(type) === undefined)).toEqual([]);
  for (const type of machineTypes()) {
    const { vcpus = 0, gpus = 0 } = findMachine(type) ?? {};
    const perHour = machineUsdPerHour(type) ?? 0;
    expect(perHour / (vcpus * 0.04 + gpus * 0.4)).toBeGreaterThan(0.5);
    expect(perHour / (vcpus * 0.09 + gpus * 6.5)).toBeLessThan(2);
  }
});

test("a type of no known family or size has no price", () => {
  expect(machineUsdPerHour("q9.large")).toBeUndefined();
  expect(machineUsdPerHour("m5.huge")).toBeUndefined();
  expect(machineUsdPerHour("m5.4xlarge")).toBeCloseTo(0.768, 6);
  expect(machineUsdPerHour("c5.9xlarge")).toBeCloseTo(1.53, 6);
});
