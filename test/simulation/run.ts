import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { generate } from "./generate.ts";
import { PLANTS, type Plant } from "./plants.ts";
import { shrink } from "./shrink.ts";
import type { BatchResult } from "./worker.ts";
import { World } from "./world.ts";

/**
 * `npm run test:simulation`: composite jobs under seeds, with everything going wrong that can. Last line: `N seeds, V violations`.
 * --seeds N (20000) --from S (0): how many, and the first. --seed S: that one, told in full. --plant NAME: with a bug put in, until it is found; `--plant all`.
 * --keep: makes the first failing seed, made smaller, a file that `npm test` runs again.
 */
const BATCH = 50;
const PROGRESS_MS = 5000;
const SHOWN = 10;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    plant: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

type Failed = BatchResult["failed"][number];

/** Over all processors; stops with the first violation where `untilFirst`. */
async function runSeeds(
  from: number,
  count: number,
  plant: Plant | undefined,
  untilFirst: boolean,
): Promise<{ readonly ran: number; readonly failed: readonly Failed[] }> {
  const failed: Failed[] = [];
  let ran = 0;
  let next = from;
  const started = performance.now();
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - started) / 1000);
    console.error(`${ran} of ${count} seeds in ${seconds} s, ${failed.length} violations`);
  }, PROGRESS_MS);
  const isDone = (): boolean => next >= from + count || (untilFirst && failed.length > 0);
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { plant } });
      const give = (): void => {
        if (isDone()) {
          void worker.terminate().then(() => resolve());
          return;
        }
        worker.postMessage({ from: next, count: Math.min(BATCH, from + count - next) });
        next += BATCH;
      };
      worker.on("message", (result: BatchResult) => {
        ran += result.ran;
        for (const one of result.failed) tell(one, failed.push(one));
        give();
      });
      worker.on("error", reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), Math.ceil(count / BATCH)) }, work));
  clearInterval(progress);
  return { ran, failed };
}

function tell({ seed, violations }: Failed, number: number): void {
  if (number <= SHOWN) console.error(`seed ${seed}: ${violations.slice(0, 3).join("; ")}`);
}

async function runOne(seed: number, plant: Plant | undefined): Promise<number> {
  const scenario = generate(seed);
  console.log(JSON.stringify(scenario, undefined, 2));
  const violations = await new World(scenario, plant).run();
  for (const violation of violations) console.log(violation);
  console.log(`1 seeds, ${violations.length > 0 ? 1 : 0} violations`);
  return violations.length;
}

async function keep(seed: number, plant: Plant | undefined): Promise<void> {
  const file = fileURLToPath(new URL(`./seeds/${seed}.json`, import.meta.url));
  writeFileSync(file, `${JSON.stringify(await shrink(generate(seed), plant), undefined, 2)}\n`);
  console.error(`seed ${seed} is kept, made smaller, as ${file}`);
}

function plantOf(name: string): Plant {
  if (name in PLANTS) return name as Plant;
  throw new Error(`there is no bug \`${name}\` to plant; there are ${Object.keys(PLANTS).join(", ")}, and all`);
}

async function runPlants(from: number, count: number): Promise<number> {
  let missed = 0;
  for (const plant of Object.keys(PLANTS) as Plant[]) {
    const { failed } = await runSeeds(from, count, plant, true);
    const first = failed[0]?.seed;
    if (first === undefined) missed += 1;
    console.log(`${plant} (${PLANTS[plant]}): ${first === undefined ? "not found" : `found with seed ${first}`}`);
  }
  console.log(`${Object.keys(PLANTS).length} bugs planted, ${missed} not found`);
  return missed;
}

const from = Number(values.from);
const count = Number(values.seeds);
if (values.plant === "all") {
  process.exitCode = (await runPlants(from, Math.min(count, 1000))) === 0 ? 0 : 1;
} else {
  const plant = values.plant === undefined ? undefined : plantOf(values.plant);
  if (values.seed !== undefined) {
    process.exitCode = (await runOne(Number(values.seed), plant)) === 0 ? 0 : 1;
  } else {
    const { ran, failed } = await runSeeds(from, count, plant, plant !== undefined);
    const [first] = failed;
    if (first !== undefined) {
      console.error(
        `to see it: npm run test:simulation -- --seed ${first.seed}${plant === undefined ? "" : ` --plant ${plant}`}`,
      );
      if (values.keep) await keep(first.seed, plant);
    }
    console.log(`${ran} seeds, ${failed.length} violations`);
    process.exitCode = failed.length === 0 ? 0 : 1;
  }
}
