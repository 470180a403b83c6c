import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { generate } from "./generate.ts";
import type { Plant } from "./plants.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { World } from "./world.ts";

const KEPT = fileURLToPath(new URL("./seeds/", import.meta.url));

/** The first of the seeds with something wrong. */
async function firstBad(
  seeds: number,
  plant?: Plant,
): Promise<{ seed: number; violations: readonly string[] } | undefined> {
  for (let seed = 0; seed < seeds; seed++) {
    const violations = await new World(generate(seed), plant).run();
    if (violations.length > 0) return { seed, violations };
  }
  return undefined;
}

describe("composite jobs under faults", () => {
  test("end as they should, with 300 seeds", async () => {
    expect(await firstBad(300)).toBeUndefined();
  });

  test.for(readdirSync(KEPT).filter((file) => file.endsWith(".json")))("end as they should, with %s", async (file) => {
    const scenario = JSON.parse(readFileSync(`${KEPT}${file}`, "utf8")) as Scenario;

    expect(await new World(scenario).run()).toEqual([]);
  });

  test("are the same each time with the same seed", async () => {
    const worlds = [new World(generate(7)), new World(generate(7))];
    for (const world of worlds) await world.run();

    expect(worlds[0]?.scheduler.steps).toBe(worlds[1]?.scheduler.steps);
    expect(worlds[0]?.records.jobs).toEqual(worlds[1]?.records.jobs);
  });
});

function sizeOf({ root }: Scenario): number {
  return root.kind === "pipeline" ? root.plan.nodes.length : root.plan.trials;
}

describe("a bug that is put in", () => {
  test.for([
    "submit-again",
    "launch-again",
    "effects-forgotten",
    "end-told-later",
    "no-lock",
    "early-start",
    "early-finish",
  ] as const)("is found: %s", async (plant) => {
    expect(await firstBad(1000, plant)).toBeDefined();
  });

  test("is told of with a scenario that is smaller, and fails too", async () => {
    const bad = await firstBad(1000, "early-start");
    const before = generate(bad?.seed ?? 0);
    const after = await shrink(before, "early-start");

    expect(sizeOf(after)).toBeLessThan(sizeOf(before));
    expect(await new World(after, "early-start").run()).not.toEqual([]);
  });
});
