import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openObjects } from "../../../src/adapters/local/objects.ts";
import { openTable } from "../../../src/adapters/local/table.ts";
import type { Table } from "../../../src/core/ports/table.ts";
import type { MetricPoint, NewRun, RunQuery } from "../../../src/core/tracking/ports.ts";
import { makeActivityWrite } from "../../../src/store/activities.ts";
import { metricLog } from "../../../src/store/facts/keys.ts";
import { decodePoints, encodePoints, pointsOf, withPoint } from "../../../src/store/metric-codec.ts";
import { openRunIndex } from "../../../src/store/run-index.ts";
import { openRunStore } from "../../../src/store/run-store.ts";
import { runCreateWrites, runStatusWrites } from "../../../src/store/runs.ts";
import { makeTempDir } from "../../helpers/ports.ts";

let ids = 0;

function openTestTable(): Table {
  const folder = makeTempDir();
  const table = openTable({ path: join(folder.path, "yard.db") });
  onTestFinished(() => {
    table.close();
    folder.remove();
  });
  return table;
}

function openTestObjects() {
  const folder = makeTempDir();
  onTestFinished(() => folder.remove());
  return openObjects({ dir: folder.path });
}

function openStore(table: Table) {
  const clock = { now: () => Date.now() };
  const activity = makeActivityWrite({
    clock,
    ids: { hex32: () => String(++ids).padStart(32, "0"), secret: () => "" },
  });
  return openRunStore({ table, clock, activity });
}

const newRun = (runId: string, more: Partial<NewRun> = {}): NewRun => ({
  workspace: "w",
  runId,
  experimentId: "1",
  name: runId,
  userId: "u",
  status: "RUNNING",
  tags: {},
  source: "client",
  createdMs: 1000,
  ...more,
});

const all = { workspace: "w", experimentIds: ["1"], filter: [], orderBy: [], view: "all", limit: 100 } as const;

describe("two processes on one run", () => {
  it("lose nothing of each other", async () => {
    const table = openTestTable();
    const [one, two] = [openStore(table), openStore(table)];
    await one.create(newRun("r"), "u");
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? one : two).change("w", "r", () => ({
          params: new Map([[`p${i}`, String(i)]]),
          points: [{ key: "m", value: i, timestamp: i, step: i }],
        })),
      ),
    );
    const run = await two.get("w", "r");

    expect(run?.params.size).toBe(40);
    expect(run?.metrics.get("m")).toEqual({ value: 39, timestamp: 39, step: 39, min: 0, max: 39, count: 40 });
    expect((await one.history("w", "r", "m")).length).toBe(40);
  });

  it("decide again on what the other wrote", async () => {
    const table = openTestTable();
    const [one, two] = [openStore(table), openStore(table)];
    await one.create(newRun("r"), "u");
    await one.change("w", "r", () => ({ tags: new Map([["seen", "by one"]]) }));
    await two.change("w", "r", () => ({ lifecycle: "deleted" }));
    const late = one.change("w", "r", (run) => {
      if (run.lifecycle === "deleted") throw new Error("deleted");
      return { tags: new Map([["late", "1"]]) };
    });

    await expect(late).rejects.toThrow("deleted");
  });

  it("search sees runs made, ended and changed by others", async () => {
    const table = openTestTable();
    const store = openStore(table);
    const search = openRunIndex({ table, objects: openTestObjects(), clock: { now: () => Date.now() } });
    const names = async (query: RunQuery = all) => (await search.search(query)).found.map(({ runId }) => runId);
    await store.create(newRun("a"), "u");
    expect(await names()).toEqual(["a"]);
    await table.transact(runCreateWrites(newRun("job", { source: "job", createdMs: Date.now(), status: "SCHEDULED" })));
    expect(await names()).toEqual(["job", "a"]);
    await table.transact(runStatusWrites("w", "job", { status: "FINISHED", endMs: 3000 }));
    const finished = { ...all, filter: [{ entity: "attribute", key: "status", op: "=", value: "FINISHED" }] } as const;
    expect(await names(finished)).toEqual(["job"]);
    await store.change("w", "job", () => ({ tags: new Map([["late", "1"]]) }));
    const tagged = { ...all, filter: [{ entity: "tag", key: "late", op: "=", value: "1" }] } as const;
    expect(await names(tagged)).toEqual(["job"]);
    await store.change("w", "job", () => ({ tags: new Map([["late", null]]) }));
    expect(await names(tagged)).toEqual([]);
  });
});

describe("the metric log", () => {
  const logOf = async (table: Table) => (await table.query({ pk: metricLog("w", "r") })).items;
  const pointsFrom = (first: number, count: number): MetricPoint[] =>
    Array.from({ length: count }, (_, i) => ({ key: "m", value: first + i, timestamp: first + i, step: 0 }));

  it("puts small requests of one process into one item after the other", async () => {
    const table = openTestTable();
    const store = openStore(table);
    await store.create(newRun("r"), "u");
    for (let i = 0; i < 100; i++) await store.change("w", "r", () => ({ points: pointsFrom(i, 1) }));

    expect((await logOf(table)).length).toBeLessThanOrEqual(4);
    expect((await store.history("w", "r", "m")).values).toEqual(Float64Array.from({ length: 100 }, (_, i) => i));
  });

  it("keeps every point, whoever writes in whatever portions", async () => {
    const table = openTestTable();
    const [one, two] = [openStore(table), openStore(table)];
    await one.create(newRun("r"), "u");
    let made = 0;
    for (let i = 0; i < 200; i++) {
      const store = i % 7 === 0 ? openStore(table) : i % 3 === 0 ? one : two;
      const count = i % 50 === 0 ? 600 : ((i * 5) % 11) + 1;
      await store.change("w", "r", () => ({ points: pointsFrom(made, count) }));
      made += count;
    }

    expect((await logOf(table)).length).toBeLessThan(100);
    expect((await two.history("w", "r", "m")).values).toEqual(Float64Array.from({ length: made }, (_, i) => i));
    expect((await two.get("w", "r"))?.metrics.get("m")?.count).toBe(made);
  });
});

describe("requests that meet", () => {
  it("are written together, each with its own answer", async () => {
    const table = openTestTable();
    let transactions = 0;
    const counting: Table = {
      get: (key) => table.get(key),
      batchGet: (keys) => table.batchGet(keys),
      query: (query) => table.query(query),
      transact(writes) {
        transactions++;
        return table.transact(writes);
      },
    };
    const store = openStore(counting);
    await store.create(newRun("r"), "u");
    transactions = 0;
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) =>
        store.change("w", "r", () => {
          if (i % 10 === 9) throw new Error(`no ${i}`);
          return { tags: new Map([[`t${i}`, "1"]]) };
        }),
      ),
    );

    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(6);
    expect((await store.get("w", "r"))?.tags.size).toBe(55);
    expect(transactions).toBeLessThan(10);
  });
});

describe("points", () => {
  const point = fc.record({
    key: fc.constantFrom("a", "b", "c d"),
    value: fc.oneof(fc.double({ noNaN: true }), fc.constant(Number.NaN), fc.integer({ min: 0, max: 3 })),
    timestamp: fc.integer({ min: 0, max: 5 }),
    step: fc.integer({ min: -3, max: 3 }),
  });

  it("are the same after being kept", () => {
    fc.assert(
      fc.property(fc.array(point), (points) => {
        expect(decodePoints(encodePoints(points))).toEqual(points);
      }),
    );
  });

  it("are read in order and once, in whatever batches they came", () => {
    fc.assert(
      fc.property(fc.array(fc.array(point, { maxLength: 6 }), { maxLength: 6 }), (batches) => {
        const read = pointsOf("a", batches.map(encodePoints));
        const rows = Array.from({ length: read.length }, (_, i) =>
          JSON.stringify([read.timestamps[i], read.steps[i], String(read.values[i])]),
        );
        const expected = new Set(
          batches
            .flat()
            .filter(({ key }) => key === "a")
            .map(({ timestamp, step, value }) => JSON.stringify([timestamp, step, String(value + 0)])),
        );

        expect(new Set(rows)).toEqual(expected);
        expect(rows).toHaveLength(expected.size);
      }),
    );
  });

  it("make the same summary in any order", () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat()), (points, random) => {
        const same: MetricPoint[] = points.map((each) => ({ ...each, key: "a" }));
        const shuffled = same
          .map((each) => ({ each, rank: random.next().value }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ each }) => each);
        const summary = (list: readonly MetricPoint[]) =>
          list.reduce<ReturnType<typeof withPoint> | undefined>((known, each) => withPoint(known, each), undefined);
        const plain = (known: ReturnType<typeof withPoint> | undefined) =>
          JSON.stringify(known, (_, value) => (typeof value === "number" ? String(value + 0) : value));

        expect(plain(summary(shuffled))).toBe(plain(summary(same)));
      }),
    );
  });
});
