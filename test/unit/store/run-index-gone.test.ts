import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openHome } from "../../../src/adapters/local/home.ts";
import { searchRuns } from "../../../src/core/tracking/search-runs.ts";
import { openStores } from "../../../src/home/stores.ts";
import { makeActivityWrite } from "../../../src/store/activities.ts";
import { runFeedKey, runKey } from "../../../src/store/facts/keys.ts";
import { makeTempDir } from "../../helpers/ports.ts";

/** Two functions over one table, neither of which hears of the other's writes. */
async function openTwo() {
  const temp = makeTempDir();
  const home = await openHome({ dir: join(temp.path, "home") });
  onTestFinished(async () => {
    await home.close();
    temp.remove();
  });
  let aheadMs = 0;
  const clock = { now: () => home.clock.now() + aheadMs };
  const ground = {
    ...home,
    clock,
    activity: makeActivityWrite({ ...home, clock }),
    log: { info: () => undefined, fault: () => undefined },
    address: () => "",
  };
  const stores = openStores(ground);
  /** Ids found, and which of them had to be read; the others were kept since an earlier search. */
  const kept = new Map<number, string>();
  async function search() {
    const query = { experimentIds: ["1"], orderBy: [], view: "active" as const };
    const { runs } = await searchRuns({ ...stores, search: stores.runIndex }, "w", query, (version) =>
      kept.get(version),
    );
    const read: string[] = [];
    const ids = runs.map((found) => {
      if (found.run === undefined) return found.kept;
      read.push(found.run.runId);
      if (found.version !== undefined) kept.set(found.version, found.run.runId);
      return found.run.runId;
    });
    return { ids: ids.toSorted(), read: read.toSorted() };
  }
  const pass = (ms: number): void => {
    aheadMs += ms;
  };
  return { table: home.table, stores: openStores(ground), search, clock, pass };
}

it("a function reads a run once while it follows the feed, and again when it may have missed that the run was freed", async () => {
  const { table, stores, search, clock, pass } = await openTwo();
  const createdMs = clock.now();
  for (const runId of ["a", "b"]) {
    const run = { workspace: "w", runId, experimentId: "1", name: runId, userId: "u", tags: {}, createdMs };
    await stores.runs.create({ ...run, status: "FINISHED", source: "client" }, "u");
  }

  const first = await search();
  const second = await search();
  pass(2 * 60_000);
  const followed = await search();
  // What gc does at the end of a run's time in the trash: its entry in the feed goes too.
  pass(10 * 60_000);
  await table.transact([
    { kind: "delete", key: runKey("w", "b") },
    { kind: "delete", key: runFeedKey("w", "1", "b", createdMs) },
  ]);
  const missed = await search();
  const after = await search();

  expect(first).toEqual({ ids: ["a", "b"], read: ["a", "b"] });
  expect(second).toEqual({ ids: ["a", "b"], read: [] });
  expect(followed).toEqual({ ids: ["a", "b"], read: [] });
  expect(missed).toEqual({ ids: ["a"], read: ["a"] });
  expect(after).toEqual({ ids: ["a"], read: [] });
});
