import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openObjects } from "../../../src/adapters/local/objects.ts";
import { openTable } from "../../../src/adapters/local/table.ts";
import { readAll } from "../../../src/core/files/streams.ts";
import type { Objects } from "../../../src/core/ports/objects.ts";
import type { Table } from "../../../src/core/ports/table.ts";
import type {
  ExperimentStore,
  NewRun,
  Run,
  RunChange,
  RunQuery,
  RunSearch,
  RunView,
} from "../../../src/core/tracking/ports.ts";
import { type Row, searchRows } from "../../../src/core/tracking/search-rows.ts";
import { searchRuns } from "../../../src/core/tracking/search-runs.ts";
import { makeActivityWrite } from "../../../src/store/activities.ts";
import { runKey } from "../../../src/store/facts/keys.ts";
import { RunColumns } from "../../../src/store/run-columns.ts";
import { findRuns, KeptOrders } from "../../../src/store/run-find.ts";
import { openRunIndex } from "../../../src/store/run-index.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../src/store/run-snapshot.ts";
import { snapshotKey } from "../../../src/store/run-snapshots.ts";
import { openRunStore } from "../../../src/store/run-store.ts";
import { runCreateWrites, runGoneWrites } from "../../../src/store/runs.ts";
import { watchTable } from "../../../src/store/table-watch.ts";
import { TextPool } from "../../../src/store/text-pool.ts";
import { makeTempDir } from "../../helpers/ports.ts";

let ids = 0;

/** Parts of a home, and clocks of writers that differ. */
function openGround(options: { readonly watched?: boolean } = {}) {
  const folder = makeTempDir();
  const plain = openTable({ path: join(folder.path, "yard.db") });
  onTestFinished(() => {
    plain.close();
    folder.remove();
  });
  const table: Table = options.watched ? watchTable(plain) : plain;
  const objects = openObjects({ dir: join(folder.path, "objects") });
  const time = { ms: 1_700_000_000_000 };
  const clock = { now: () => time.ms };
  const activity = makeActivityWrite({
    clock,
    ids: { hex32: () => String(++ids).padStart(32, "0"), secret: () => "" },
  });
  return { table, objects, clock, time, store: openRunStore({ table, clock, activity }) };
}

const newRun = (runId: string, createdMs: number, more: Partial<NewRun> = {}): NewRun => ({
  workspace: "w",
  runId,
  experimentId: "1",
  name: runId,
  userId: "u",
  status: "RUNNING",
  tags: {},
  source: "client",
  createdMs,
  ...more,
});

const all: RunQuery = { workspace: "w", experimentIds: ["1"], filter: [], orderBy: [], view: "all", limit: 10_000 };
const word = fc.constantFrom("a", "ab", "B", "é", "\u{1f600}", "￿", "", "long text that goes on");
const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN), fc.double({ noNaN: true }));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const few = <T>(value: fc.Arbitrary<T>) => fc.dictionary(fc.constantFrom("x", "y", "z"), value, { maxKeys: 3 });

const runOf = fc.record({
  name: word,
  startMs: maybe(fc.integer({ min: 0, max: 3 })),
  endMs: maybe(fc.integer({ min: 0, max: 3 })),
  status: fc.constantFrom("RUNNING", "FINISHED", "FAILED") as fc.Arbitrary<Run["status"]>,
  lifecycle: fc.constantFrom("active", "deleted") as fc.Arbitrary<Run["lifecycle"]>,
  tags: few(word),
  params: few(word),
  metrics: few(number),
  datasets: fc.array(fc.record({ name: word, digest: word }), { maxLength: 1 }),
  modelInputs: fc.array(word, { maxLength: 2 }),
  artifactUri: maybe(fc.constantFrom("s3://b/k", "mlflow-artifacts:/1/r0/artifacts")),
});

function wholeRun(runId: string, rev: number, part: typeof runOf extends fc.Arbitrary<infer T> ? T : never): Run {
  return {
    ...part,
    workspace: "w",
    runId,
    rev,
    experimentId: "1",
    userId: "u",
    deletedMs: undefined,
    source: "client",
    parentRunId: undefined,
    createdMs: 0,
    artifactUri: part.artifactUri ?? `mlflow-artifacts:/1/${runId}/artifacts`,
    tags: new Map([...Object.entries(part.tags), ["mlflow.runName", part.name]]),
    params: new Map(Object.entries(part.params)),
    metrics: new Map(
      Object.entries(part.metrics).map(([key, value], step) => [
        key,
        { value, timestamp: rev, step, min: 0, max: 0, count: 1 },
      ]),
    ),
    modelInputs: part.modelInputs,
    modelOutputs: part.modelInputs.map((modelId, step) => ({ modelId, step })),
  };
}

const text = {
  op: fc.constantFrom("=", "!=", "LIKE", "ILIKE"),
  value: fc.oneof(word, fc.constantFrom("%a%", "_", "a%")),
};
const comparison = fc.oneof(
  fc.record({ entity: fc.constantFrom("tag", "parameter"), key: fc.constantFrom("x", "y", "none"), ...text }),
  fc.record({
    entity: fc.constantFrom("tag", "parameter"),
    key: fc.constantFrom("x", "none"),
    op: fc.constantFrom("IS NULL", "IS NOT NULL"),
  }),
  fc.record({
    entity: fc.constantFrom("attribute"),
    key: fc.constantFrom("run_name", "run_id", "status"),
    op: fc.constantFrom("IN", "NOT IN"),
    value: fc.array(fc.oneof(word, fc.constantFrom("r1", "RUNNING")), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ entity: fc.constantFrom("attribute"), key: fc.constantFrom("run_name", "artifact_uri"), ...text }),
  fc.record({
    entity: fc.constantFrom("metric"),
    key: fc.constantFrom("x", "y", "none"),
    op: fc.constantFrom("=", "!=", ">", ">=", "<", "<="),
    value: number,
  }),
) as fc.Arbitrary<RunQuery["filter"][number]>;

const order = fc
  .record({
    by: fc.constantFrom(
      ["attribute", "run_name", "text"],
      ["attribute", "end_time", "number"],
      ["attribute", "artifact_uri", "text"],
      ["metric", "x", "number"],
      ["metric", "none", "number"],
      ["tag", "y", "text"],
      ["parameter", "z", "text"],
    ),
    descending: fc.boolean(),
  })
  .map(({ by: [entity, key, kind], descending }) => ({ entity, key, kind, descending })) as fc.Arbitrary<
  RunQuery["orderBy"][number]
>;

const SOURCE = { source_type: "local", source: "s" };

/** What a page shows of a run. */
function viewOf(run: Run | undefined): RunView | undefined {
  if (run === undefined) return undefined;
  const { runId, experimentId, name, userId, status, startMs, endMs, lifecycle, artifactUri, tags, params } = run;
  const { metrics, datasets, modelInputs, modelOutputs } = run;
  const latest = Array.from(metrics, ([key, { value, timestamp, step }]) => [key, { value, timestamp, step }] as const);
  const about = { runId, experimentId, name, userId, status, startMs, endMs, lifecycle, artifactUri, tags, params };
  return { ...about, metrics: new Map(latest), datasets, modelInputs, modelOutputs };
}

const rowOf = (run: Run): Row => ({
  text: (key) =>
    ({ run_id: run.runId, run_name: run.name, status: run.status, artifact_uri: run.artifactUri })[key] ?? undefined,
  number: (key) => (key === "start_time" ? run.startMs : run.endMs),
  tag: (key) => run.tags.get(key),
  param: (key) => run.params.get(key),
  metric: (key) => run.metrics.get(key)?.value,
});

describe("columns", () => {
  it("find what a plain look at every run finds, also from a snapshot, page by page", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 8 }), runOf), { maxLength: 20 }),
        fc.array(comparison, { maxLength: 2 }),
        fc.uniqueArray(order, { maxLength: 2, selector: ({ entity, key }) => `${entity} ${key}` }),
        fc.constantFrom("active", "deleted", "all"),
        fc.integer({ min: 1, max: 4 }),
        (parts, filter, orderBy, view, limit) => {
          const columns = new RunColumns("1");
          const runs = new Map<string, Run>();
          parts.forEach(([id, part], rev) => {
            const before = runs.get(`r${id}`);
            const run = wholeRun(`r${id}`, rev + 1, part);
            // Params, metrics and datasets stay for good.
            const next = {
              ...run,
              params: new Map([...(before?.params ?? []), ...run.params]),
              metrics: new Map([...(before?.metrics ?? []), ...run.metrics]),
              datasets: [...(before?.datasets ?? []), ...run.datasets],
            };
            runs.set(run.runId, next);
            const inputs = next.datasets.map((dataset) => ({ dataset: { ...dataset, ...SOURCE }, tags: [] }));
            columns.put(next, columns.lacksInputs(next) ? inputs : undefined);
          });
          const again = decodeSnapshot("1", encodeSnapshot({ columns, followedMs: 0 }))?.columns;
          const total = [
            ...orderBy,
            { entity: "attribute", key: "start_time", kind: "number", descending: true } as const,
            { entity: "attribute", key: "run_id", kind: "text", descending: false } as const,
          ];
          const seen = [...runs.values()].filter(({ lifecycle }) => view === "all" || lifecycle === view);
          const expected = searchRows(seen, rowOf, filter, total, seen.length + 1, undefined);
          for (const each of [columns, again]) {
            const found: string[] = [];
            let after: RunQuery["after"];
            const kept = new KeptOrders();
            const versions = new Set<number>();
            do {
              const query = {
                ...all,
                filter,
                orderBy,
                view,
                limit,
                ...(after === undefined ? {} : { after }),
              } as const;
              const page = findRuns(
                () => each,
                query,
                () => true,
                kept,
              );
              for (const { version } of page.found) versions.add(version);
              expect(
                findRuns(
                  () => each,
                  query,
                  () => true,
                ),
              ).toEqual(page);
              expect(page.found.length).toBeLessThanOrEqual(limit);
              for (const { runId, run } of page.found) {
                found.push(runId);
                const { inputs, ...view } = run ?? {};
                const whole = runs.get(runId);
                expect(view).toEqual(viewOf(whole));
                expect(inputs?.map(({ dataset: { name, digest } }) => ({ name, digest })) ?? []).toEqual(
                  whole?.datasets,
                );
              }
              after = page.next;
            } while (after !== undefined);
            expect(found).toEqual(expected.rows.map(({ runId }) => runId));
            expect(versions.size).toBe(found.length);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never find a run that was taken away, and take it in again", () => {
    const columns = new RunColumns("1");
    const part = fc.sample(runOf, { numRuns: 1, seed: 1 })[0];
    if (part === undefined) throw new Error("no sample");
    columns.put(wholeRun("r1", 5, part));
    columns.remove("r1");

    expect(findRuns(() => columns, all).found.map(({ runId }) => runId)).toEqual([]);
    expect(columns.active()).toEqual([]);
    columns.put(wholeRun("r1", 1, part));
    expect(findRuns(() => columns, all).found.map(({ runId }) => runId)).toEqual(["r1"]);
  });
});

describe("a pool of texts", () => {
  it("gives each text one number and back", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 200 }), (texts) => {
        const pool = new TextPool();
        const codes = texts.map((each) => pool.add(each.toWellFormed()));
        const again = new TextPool(pool.stored());

        expect(codes.map((code) => pool.text(code))).toEqual(texts.map((each) => each.toWellFormed()));
        expect(texts.map((each) => again.find(each.toWellFormed()))).toEqual(codes);
        expect(pool.size).toBe(new Set(texts.map((each) => each.toWellFormed())).size);
        expect(again.find("never added")).toBe(0);
      }),
    );
  });

  it("reads many as it reads one", () => {
    for (const extra of ["", "ü"]) {
      const pool = new TextPool();
      const texts = Array.from({ length: 2000 }, (_, i) => `text ${i}${extra}`);
      const codes = texts.map((each) => pool.add(each));
      const read = pool.reader();

      expect(codes.map(read)).toEqual(texts);
    }
  });
});

type Step =
  | { readonly kind: "create"; readonly count: number; readonly behindMs: number }
  | { readonly kind: "change"; readonly run: number; readonly change: RunChange; readonly behindMs: number }
  | { readonly kind: "purge"; readonly run: number }
  | { readonly kind: "search" | "restart" }
  | { readonly kind: "wait"; readonly ms: number };

const behindMs = fc.integer({ min: 0, max: 50_000 });
const change: fc.Arbitrary<RunChange> = fc.oneof(
  fc.constantFrom<RunChange>(
    { status: "FINISHED", endMs: 1 },
    { status: "RUNNING" },
    { lifecycle: "deleted", deletedMs: 1 },
    { lifecycle: "active" },
  ),
  fc.tuple(fc.constantFrom("x", "y"), fc.option(word)).map(([key, value]) => ({ tags: new Map([[key, value]]) })),
  fc.tuple(fc.constantFrom("x", "y"), fc.integer({ min: 0, max: 9 })).map(([key, value]) => ({
    points: [{ key, value, timestamp: value, step: value }],
  })),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), count: fc.constantFrom(1, 9, 210), behindMs }),
  fc.record({ kind: fc.constant("change" as const), run: fc.nat(), change, behindMs }),
  fc.record({ kind: fc.constant("purge" as const), run: fc.nat() }),
  fc.record({ kind: fc.constant("search" as const) }),
  fc.record({ kind: fc.constant("restart" as const) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 30_000, 200_000) }),
);

/** Every fourth stays active. */
async function createRuns(table: Table, runIds: readonly string[], ms: number): Promise<void> {
  for (let at = 0; at < runIds.length; at += 50) {
    const writes = runIds
      .slice(at, at + 50)
      .flatMap((runId, i) => runCreateWrites(newRun(runId, ms, { status: i % 4 === 3 ? "RUNNING" : "FINISHED" })));
    await table.transact(writes);
  }
}

const experiments = { deleted: async () => new Set<string>() } as unknown as ExperimentStore;

/** An Objects port that never has anything: an index over it is built from the table alone. */
const nothing: Objects = new Proxy({} as Objects, {
  get: (_, name) => async () => {
    if (name === "put") throw new Error("nothing is kept here");
    return undefined;
  },
});

describe.each([true, false])("an index begun from a snapshot, watched: %s", (watched) => {
  it("answers as one built from nothing, whatever is written by whom", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
        const { table, objects, clock, time, store } = openGround({ watched });
        const open = () => openRunIndex({ table, objects, clock });
        const runIds: string[] = [];
        let index = open();
        const find = async (search: RunSearch, filter: string, orderBy: string, view: RunQuery["view"]) => {
          const deps = { search, experiments };
          const query = { experimentIds: ["1"], filter, orderBy: orderBy === "" ? [] : [orderBy], view };
          return (await searchRuns(deps, "w", query)).runs.map(({ run }) => run);
        };
        const check = async () => {
          const rebuilt = openRunIndex({ table, objects: nothing, clock });
          for (const [filter, orderBy, view] of [
            ["", "", "all"],
            ["tags.x IS NOT NULL", "", "all"],
            ["", "metrics.y DESC", "deleted"],
            ["", "attributes.status", "active"],
          ] as const) {
            const found = await find(index, filter, orderBy, view);
            const ids = found.map((run) => run?.runId ?? "");
            expect(ids).toEqual((await find(rebuilt, filter, orderBy, view)).map((run) => run?.runId));
            expect(found).toEqual((await store.getMany("w", ids)).map(viewOf));
          }
        };
        // A snapshot to begin with.
        for (const each of [
          { kind: "create", count: 230, behindMs: 0 } as Step,
          { kind: "search" } as Step,
          ...steps,
        ]) {
          const now = time.ms;
          if ("behindMs" in each) time.ms -= each.behindMs;
          const runId = "run" in each ? runIds[each.run % runIds.length] : undefined;
          if (each.kind === "create") {
            const made = Array.from({ length: each.count }, (_, i) => `r${runIds.length + i}`);
            runIds.push(...made);
            await createRuns(table, made, time.ms);
          } else if (each.kind === "change" && runId !== undefined) {
            await store.change("w", runId, () => each.change).catch(() => undefined);
          } else if (each.kind === "purge" && runId !== undefined) {
            const head = await table.get(runKey("w", runId));
            if (head !== undefined) {
              await table.transact([{ kind: "delete", key: runKey("w", runId) }, ...runGoneWrites(head, time.ms)]);
            }
          } else if (each.kind === "restart") index = open();
          else if (each.kind === "search") await check();
          time.ms = now + (each.kind === "wait" ? each.ms : 1);
        }
        await check();
      }),
      { numRuns: 25 },
    );
  });
});

describe("snapshots", () => {
  async function filled(count = 250) {
    const ground = openGround({ watched: true });
    const { store, time } = ground;
    const runIds = Array.from({ length: count }, (_, i) => `r${i}`);
    await createRuns(ground.table, runIds, time.ms);
    for (const runId of runIds) await store.change("w", runId, () => ({ status: "FINISHED" }));
    const key = snapshotKey("w", "1");
    const open = (table: Table = ground.table) => openRunIndex({ ...ground, table });
    /** A table that counts the runs it hands out. */
    const counting = () => {
      const read = { runs: 0 };
      const table: Table = {
        ...ground.table,
        async batchGet(keys) {
          read.runs += keys.length;
          return ground.table.batchGet(keys);
        },
      };
      return { read, table };
    };
    return { ...ground, key, open, counting };
  }

  const find = async (index: RunSearch) => (await index.search(all)).found.map(({ runId }) => runId);

  it("spare a new process the reading of runs", async () => {
    const { open, counting } = await filled();
    const expected = await find(open());
    const { read, table } = counting();

    expect(await find(open(table))).toEqual(expected);
    expect(read.runs).toBe(0);
  });

  it("may vanish, be broken, or be of another version", async () => {
    const { open, objects, key } = await filled();
    const expected = await find(open());
    const stored = await objects.get(key);
    if (stored === undefined) throw new Error("no snapshot was kept");
    const bytes = await readAll(stored.body);
    const other = new TextDecoder("latin1").decode(bytes).replace('"v":2', '"v":0');
    for (const broken of [
      new Uint8Array(0),
      bytes.subarray(0, 3),
      bytes.subarray(0, 40),
      bytes.subarray(0, bytes.length - 1),
      Uint8Array.from(other, (char) => char.charCodeAt(0)),
    ]) {
      await objects.put(key, broken);
      expect(await find(open())).toEqual(expected);
    }
    await objects.delete([key]);
    expect(await find(open())).toEqual(expected);
  });

  it("are not used when the clock has been set back behind them", async () => {
    const { open, store, time } = await filled();
    await open().search(all);
    time.ms -= 3_600_000;
    await store.create(newRun("late", time.ms), "u");

    expect(await find(open())).toContain("late");
  });

  it("that can't be kept or read fail no search", async () => {
    const { table, clock } = await filled();
    const failing = new Proxy({} as Objects, {
      get: () => async () => {
        throw new Error("no objects today");
      },
    });
    const index = openRunIndex({ table, clock, objects: failing });

    expect(await find(index)).toHaveLength(250);
  });

  it("where others write too, tell a new process of all but a few ended runs, however many there are", async () => {
    const { objects, clock, time, ...ground } = openGround();
    const read = { runs: 0 };
    const table: Table = {
      ...ground.table,
      get(key) {
        if (key.sk === "RUN") read.runs++;
        return ground.table.get(key);
      },
      batchGet(keys) {
        read.runs += keys.length;
        return ground.table.batchGet(keys);
      },
    };
    const open = () => openRunIndex({ table, objects, clock });
    const make = async (name: string, count: number) => {
      const runs = Array.from({ length: count }, (_, i) => newRun(`${name}${i}`, time.ms, { status: "FINISHED" }));
      for (let at = 0; at < count; at += 50)
        await ground.table.transact(runs.slice(at, at + 50).flatMap((run) => runCreateWrites(run)));
    };
    await make("first", 400);
    let index = open();
    await find(index);
    const whole = (await objects.head(snapshotKey("w", "1")))?.etag;

    for (let round = 0; round < 4; round++) {
      await make(`round${round}-`, 10);
      time.ms += 120_000;
      await find(index);
      // The next one goes on with what it left.
      if (round === 1) index = open();
    }
    await make("late", 3);
    await find(index);
    read.runs = 0;
    const found = await find(open());

    expect(found).toHaveLength(443);
    expect(found.toSorted()).toEqual(
      (await find(openRunIndex({ table: ground.table, objects: nothing, clock }))).toSorted(),
    );
    expect(read.runs).toBe(3);
    expect((await objects.head(snapshotKey("w", "1")))?.etag).toBe(whole);
  });

  it("of one process do not hide what another one has written whole meanwhile", async () => {
    const { table, objects, clock, time } = openGround();
    const open = () => openRunIndex({ table, objects, clock });
    const make = (name: string, count: number) =>
      table.transact(
        Array.from({ length: count }, (_, i) =>
          runCreateWrites(newRun(`${name}${i}`, time.ms, { status: "FINISHED" })),
        ).flat(),
      );
    await make("first", 45);
    const [one, two] = [open(), open()];
    await find(one);
    await find(two);
    await make("more", 45);
    await find(two);
    time.ms += 120_000;
    await make("late", 9);
    await find(one);
    time.ms += 120_000;

    expect(await find(open())).toHaveLength(99);
  });
});
