import { parentPort, workerData } from "node:worker_threads";
import { generate } from "./generate.ts";
import type { Plant } from "./plants.ts";
import { World } from "./world.ts";

/** Runs the seeds it is sent, and answers what was wrong with which. */
export interface Batch {
  readonly from: number;
  readonly count: number;
}

export interface BatchResult {
  readonly ran: number;
  readonly failed: readonly { readonly seed: number; readonly violations: readonly string[] }[];
}

const { plant } = workerData as { readonly plant?: Plant };

parentPort?.on("message", async ({ from, count }: Batch) => {
  const failed: { seed: number; violations: readonly string[] }[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const violations = await new World(generate(seed), plant).run();
    if (violations.length > 0) failed.push({ seed, violations });
  }
  parentPort?.postMessage({ ran: count, failed } satisfies BatchResult);
});
