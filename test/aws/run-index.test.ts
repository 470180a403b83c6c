import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import type { Objects } from "../../src/core/ports/objects.ts";
import type { Table } from "../../src/core/ports/table.ts";
import type { NewRun, RunQuery, RunSearch } from "../../src/core/tracking/ports.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { openRunIndex } from "../../src/store/run-index.ts";
import { snapshotKey } from "../../src/store/run-snapshots.ts";
import { openRunStore } from "../../src/store/run-store.ts";
import { runCreateWrites } from "../../src/store/runs.ts";
import { unique } from "../helpers/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";
import { makeTable } from "./tables.ts";

const RUNS = 600;
const all: RunQuery = { workspace: "w", experimentIds: ["1"], filter: [], orderBy: [], view: "all", limit: 10_000 };

const newRun = (runId: string, createdMs: number, status: NewRun["status"]): NewRun => ({
  workspace: "w",
  runId,
  experimentId: "1",
  name: runId,
  userId: "u",
  status,
  tags: {},
  source: "client",
  createdMs,
});

describe("the run index over DynamoDB and S3", () => {
  let cleanup: () => Promise<void>;
  let table: Table;
  let objects: Objects;
  const clock = { now: () => Date.now() };

  beforeAll(async () => {
    const emulator = await startMinistack();
    const made = await makeTable(emulator.endpoint);
    const client = new S3Client({
      ...AWS,
      endpoint: emulator.endpoint,
      forcePathStyle: true,
      requestChecksumCalculation: "WHEN_REQUIRED",
    });
    const bucket = unique("index");
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    table = made.table;
    objects = openObjects({ client, bucket });
    cleanup = async () => {
      made.close();
      client.destroy();
      await emulator.stop();
    };
    for (let at = 0; at < RUNS; at += 50) {
      await table.transact(
        Array.from({ length: 50 }, (_, i) => runCreateWrites(newRun(`r${at + i}`, clock.now(), "FINISHED"))).flat(),
      );
    }
  }, 60_000);
  afterAll(() => cleanup());

  /** A function that has just started, and how many requests it makes of the table. */
  function coldFunction() {
    const asked = { queries: 0, gets: 0 };
    const counting: Table = {
      ...table,
      query(query) {
        asked.queries++;
        return table.query(query);
      },
      get(key) {
        if (key.sk === "RUN") asked.gets++;
        return table.get(key);
      },
      batchGet(keys) {
        asked.gets += keys.length;
        return table.batchGet(keys);
      },
    };
    const ids = { hex32: () => unique("activity"), secret: () => "" };
    return {
      asked,
      index: openRunIndex({ table: counting, objects, clock }),
      store: openRunStore({ table, clock, activity: makeActivityWrite({ clock, ids }) }),
    };
  }

  const find = async (index: RunSearch, query: RunQuery) => (await index.search(query)).found.map(({ runId }) => runId);

  it("begins from a snapshot: four queries instead of every run", async () => {
    const first = coldFunction();
    expect(await find(first.index, all)).toHaveLength(RUNS);
    expect(first.asked.gets).toBe(RUNS);
    expect(await objects.head(snapshotKey("w", "1"))).toBeDefined();

    const second = coldFunction();
    expect(await find(second.index, all)).toHaveLength(RUNS);
    expect(second.asked).toEqual({ queries: 4, gets: 0 });
  });

  it("begins with what another function kept beside the snapshot, too", async () => {
    const made = Array.from({ length: 10 }, (_, i) =>
      runCreateWrites(newRun(`new${i}`, clock.now(), "FINISHED")),
    ).flat();
    await table.transact(made);
    const whole = (await objects.head(snapshotKey("w", "1")))?.etag;
    const first = coldFunction();
    await find(first.index, all);
    expect(first.asked.gets).toBe(10);

    const second = coldFunction();

    expect(await find(second.index, all)).toHaveLength(RUNS + 10);
    expect(second.asked).toEqual({ queries: 4, gets: 0 });
    expect((await objects.head(snapshotKey("w", "1")))?.etag).toBe(whole);
  });

  it("sees in each function what another one has acknowledged", async () => {
    const [one, two] = [coldFunction(), coldFunction()];
    const tagged = { ...all, filter: [{ entity: "tag", key: "x", op: "=", value: "1" }] } as const;
    await one.index.search(all);
    await two.index.search(all);
    await one.store.create(newRun("late", clock.now(), "RUNNING"), "u");
    expect(await find(two.index, all)).toContain("late");
    for (const runId of ["late", "r1"]) {
      await one.store.change("w", runId, () => ({ tags: new Map([["x", "1"]]) }));
      expect(await find(two.index, tagged)).toContain(runId);
    }
    expect((await find(coldFunction().index, tagged)).toSorted()).toEqual(["late", "r1"]);
  });
});
