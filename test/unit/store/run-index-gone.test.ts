import { expect, it, onTestFinished } from "vitest";
import { searchRuns } from "../../../src/core/tracking/search-runs.ts";
import { openStores } from "../../../src/home/stores.ts";
import { runFeed, runKey } from "../../../src/store/facts/keys.ts";
import { itemsOf } from "../../../src/store/partitions.ts";
import { openTrash } from "../../../src/store/trash.ts";
import { openTestGround } from "../../helpers/test-ground.ts";

const HOUR_MS = 3_600_000;

/** Functions over one table, none of which hears of another's writes. */
async function openFunctions() {
  const { ground, pass, close } = await openTestGround();
  onTestFinished(close);
  const stores = openStores(ground);
  for (const runId of ["a", "b"]) await createRun(runId);

  async function createRun(runId: string): Promise<void> {
    const about = { workspace: "w", runId, experimentId: "0", name: runId, userId: "u", tags: {} };
    await stores.runs.create({ ...about, createdMs: ground.clock.now(), status: "FINISHED", source: "client" }, "u");
  }

  return {
    ground,
    pass,
    createRun,
    /** A function: what it finds, and which of that it had from an earlier search. */
    start() {
      const { runIndex: search, experiments } = openStores(ground);
      const kept = new Map<number, string>();
      return async () => {
        const query = { experimentIds: ["0"], orderBy: [], view: "active" as const };
        const { runs } = await searchRuns({ search, experiments }, "w", query, (version) => kept.get(version));
        const ids = runs.map((found) => {
          if (found.run === undefined) return found.kept;
          if (found.version !== undefined) kept.set(found.version, found.run.runId);
          return `new ${found.run.runId}`;
        });
        return ids.toSorted();
      };
    },
    /** What gc does at the end of a run's time in the trash. */
    async free(runId: string): Promise<void> {
      const run = await ground.table.get(runKey("w", runId));
      if (run === undefined) throw new Error(`there is no run ${runId}`);
      await ground.table.transact([{ kind: "put", item: { ...run, type: "RUN-TRASH", receipt: "r" } }]);
      const entry = { kind: "run", id: runId, state: "freed", things: 1, objects: 0, bytes: 0, prefixes: [] } as const;
      await openTrash(ground).purge("w", "r", entry);
    },
    async inFeed(): Promise<readonly string[]> {
      const found: string[] = [];
      for (const shard of [0, 1, 2, 3])
        for await (const { type, run } of itemsOf(ground.table, { pk: runFeed("w", "0", shard) }))
          found.push(`${type} ${run}`);
      return found.toSorted();
    },
  };
}

it("a function that has not looked for long finds no run that was freed meanwhile, nor reads those that are there", async () => {
  const { start, free, pass, inFeed } = await openFunctions();
  const [search, idle] = [start(), start()];

  expect(await search()).toEqual(["new a", "new b"]);
  expect(await idle()).toEqual(["new a", "new b"]);
  await free("b");
  pass(100 * 24 * HOUR_MS);

  expect(await idle()).toEqual(["a"]);
  expect(await start()()).toEqual(["new a"]);
  expect(await inFeed()).toEqual(["RUN-FEED a", "RUN-GONE b"]);
});

it("a run that is made again under the id of a freed one is found as it is now", async () => {
  const { start, free, pass, createRun } = await openFunctions();
  const [search, idle] = [start(), start()];
  await search();
  await idle();

  await free("b");
  pass(1);
  await createRun("b");

  expect(await search()).toEqual(["a", "new b"]);
  pass(HOUR_MS);
  expect(await idle()).toEqual(["a", "new b"]);
  expect(await idle()).toEqual(["a", "b"]);
});

it("what a function knew more than a year ago is read anew", async () => {
  const { start, pass } = await openFunctions();
  const search = start();
  await search();

  pass(366 * 24 * HOUR_MS);

  expect(await search()).toEqual(["new a", "new b"]);
});

it("runs that were freed keep no workspace from going", async () => {
  const { ground, free } = await openFunctions();
  const { workspaces } = openStores(ground);
  expect(await workspaces.contents("w")).toContain("runs");

  await free("a");
  await free("b");

  expect(await workspaces.contents("w")).toEqual([]);
});
