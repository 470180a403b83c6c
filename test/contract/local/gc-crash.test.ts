import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openHome } from "../../../src/adapters/local/home.ts";
import type { Gc } from "../../../src/core/gc/gc.ts";
import { composeGc } from "../../../src/home/compose-gc.ts";
import { openStores } from "../../../src/home/stores.ts";
import type { Ground } from "../../../src/local/part.ts";
import { makeActivityWrite } from "../../../src/store/activities.ts";
import { runPartition } from "../../../src/store/facts/keys.ts";
import { type GcServer, makeAsk, serveGc, sha256Of } from "../../helpers/gc-frame.ts";
import { makeTempDir, unique } from "../../helpers/ports.ts";

/** Gc that dies after each of its writes in turn, and is gone on with by another process. */
const DAY_MS = 86_400_000;
const temp = makeTempDir();
let offset = 0;
let ground: Ground;
let server: GcServer;
const { ask, get, post, put, putTree } = makeAsk(() => server);

beforeAll(async () => {
  const dataDir = join(temp.path, "home");
  const home = await openHome({ dir: dataDir, clock: { now: () => Date.now() + offset } });
  ground = {
    ...home,
    settings: { port: 0, dataDir, programs: { runner: "", serving: "" }, runnerBundle: undefined, urlMap: undefined },
    activity: makeActivityWrite(home),
    log: { info: () => undefined, fault: () => undefined },
    address: () => "http://home.test",
  };
  server = await serveGc(ground);
});
afterAll(async () => {
  await server.close();
  await (ground as Ground & { close(): Promise<void> }).close();
  temp.remove();
});

class Killed extends Error {}

/** A gc whose process ends with the write after `writes`: from then on it does nothing more. */
function dyingGc(writes: number): Gc {
  let left = writes;
  const alive = <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>, cost: number) => {
    return (...args: A): Promise<T> => {
      left -= cost;
      return left < 0 ? Promise.reject(new Killed()) : call(...args);
    };
  };
  const { table, objects } = ground;
  const dying: Ground = {
    ...ground,
    table: {
      get: alive(table.get, 0),
      batchGet: alive(table.batchGet, 0),
      query: alive(table.query, 0),
      transact: alive(table.transact, 1),
    },
    objects: { ...objects, put: alive(objects.put, 1), delete: alive(objects.delete, 1) },
  };
  return composeGc(dying, openStores(dying)).gc;
}

/** Does something with a gc that dies after 0, 1, 2 … writes; `check` sees each time what the next process made of it. Answers how many times it died. */
async function atEachWrite(
  work: (gc: Gc) => Promise<unknown>,
  prepare: () => Promise<void>,
  check: () => Promise<void>,
) {
  for (let writes = 0; ; writes++) {
    await prepare();
    let died = false;
    await work(dyingGc(writes)).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
      died = true;
    });
    for (const { workspace, id } of await server.gc.due()) await server.gc.advance({ workspace, budgetMs: 10_000 }, id);
    await check();
    if (!died) return writes;
  }
}

const CALL = { workspace: "default", actor: "user:owner", budgetMs: 10_000 };

async function makeExperiment() {
  const name = unique("experiment");
  const { experiment_id } = await post("experiments/create", { name });
  const runs: string[] = [];
  for (const content of ["a", "bb"]) {
    const { run } = await post("runs/create", { experiment_id });
    const { run_id } = run.info;
    runs.push(run_id);
    await post("runs/log-batch", { run_id, metrics: [{ key: "m", value: 1, timestamp: 1, step: 1 }] });
    await put(`/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run_id}/artifacts/a.txt`, content);
  }
  const { model } = await post("logged-models", { experiment_id, name: "m", source_run_id: runs[0] });
  await post("experiments/delete", { experiment_id });
  return { experiment_id, name, runs, model_id: model.info.model_id as string };
}
type Made = Awaited<ReturnType<typeof makeExperiment>>;

const TOTALS = {
  run: { things: 2, objects: 2, bytes: 3 },
  logged_model: { things: 1, objects: 0, bytes: 0 },
  experiment: { things: 1, objects: 0, bytes: 0 },
};

async function isThere({ experiment_id, runs, model_id }: Made): Promise<boolean[]> {
  const paths = [
    `experiments/get?experiment_id=${experiment_id}`,
    ...runs.map((run) => `runs/get?run_id=${run}`),
    `logged-models/${model_id}`,
  ];
  return Promise.all(paths.map(async (path) => (await ask("GET", path)).status === 200));
}

const newest = async () => (await get("gc?limit=1")).items[0];
const asked = (made: Made) => ({ experiment_ids: [made.experiment_id] });

test("killed at any write while it takes, it is either not begun or goes on to the end", async () => {
  let made: Made;
  let before: string;
  const died = await atEachWrite(
    (gc) => gc.start(CALL, asked(made)),
    async () => {
      made = await makeExperiment();
      before = (await newest())?.id;
    },
    async () => {
      const receipt = await newest();
      const begun = receipt?.id !== before;
      expect(await isThere(made)).toEqual([!begun, !begun, !begun, !begun]);
      if (begun) expect(receipt).toMatchObject({ state: "trash", totals: TOTALS, objects: 2, bytes: 3 });
    },
  );

  expect(died).toBeGreaterThan(5);
});

test("killed at any write while it gives back, it goes on to the end, and all is whole", async () => {
  let made: Made;
  const died = await atEachWrite(
    (gc) => newest().then(({ id }) => gc.restore(CALL, id)),
    async () => {
      made = await makeExperiment();
      await server.gc.start(CALL, asked(made));
    },
    async () => {
      const { state } = await newest();
      expect(state).toMatch(/^(?:trash|restored)$/);
      if (state === "trash") return;
      expect(await isThere(made)).toEqual([true, true, true, true]);
      await post("experiments/restore", { experiment_id: made.experiment_id });
      for (const run of made.runs) {
        expect((await get(`metrics/get-history?run_id=${run}&metric_key=m`)).metrics).toHaveLength(1);
      }
      const search = await post("runs/search", { experiment_ids: [made.experiment_id] });
      expect(search.runs).toHaveLength(2);
    },
  );

  expect(died).toBeGreaterThan(5);
});

test("killed at any write while it frees, it goes on to the end, counts nothing twice and leaves nothing", async () => {
  let made: Made;
  const died = await atEachWrite(
    (gc) => newest().then(({ id }) => gc.advance(CALL, id)),
    async () => {
      made = await makeExperiment();
      await server.gc.start(CALL, { ...asked(made), grace_sec: 86_400 });
      offset += DAY_MS + 1000;
    },
    async () => {
      expect(await newest()).toMatchObject({ state: "freed", totals: TOTALS, objects: 2, bytes: 3, kept: 0 });
      expect(await isThere(made)).toEqual([false, false, false, false]);
      for (const run of made.runs) {
        for (const suffix of ["", "#LOG"]) {
          const { items } = await ground.table.query({ pk: `${runPartition("default", run)}${suffix}` });
          expect(items).toEqual([]);
        }
      }
      const prefix = `ws/default/artifacts/${made.experiment_id}/`;
      expect((await ground.objects.list({ prefix })).objects).toEqual([]);
    },
  );

  expect(died).toBeGreaterThan(10);
});

test("killed at any write of a sweep, nothing that is used is lost, and all that is not goes, counted once", async () => {
  let texts: Record<"unused" | "again" | "named", string>;
  const blobs = (text: string) => {
    const sha256 = sha256Of(text);
    return ground.objects.list({ prefix: `ws/default/blobs/${sha256.slice(0, 2)}/${sha256}` });
  };
  const died = await atEachWrite(
    (gc) => newest().then(({ id }) => gc.advance(CALL, id)),
    async () => {
      texts = { unused: unique("unused"), again: unique("again"), named: unique("named") };
      await putTree({ "a.py": texts.unused });
      await putTree({ "b.py": texts.again });
      const named = await putTree({ "c.py": texts.named });
      await post(`/api/v1/workspaces/default/data/${unique("data")}/versions`, {
        type: "uri_folder",
        path: `azureml://trees/${named}`,
      });
      offset += 3 * DAY_MS;
      await server.gc.start(CALL, { grace_sec: 86_400 });
      await putTree({ "other.py": texts.again });
      offset += DAY_MS + 1000;
    },
    async () => {
      const { state, totals } = await newest();
      expect(state).toBe("freed");
      expect(totals.blob).toEqual({ things: 1, objects: 1, bytes: texts.unused.length });
      const left = await Promise.all([texts.unused, texts.again, texts.named].map(blobs));
      expect(left.map(({ objects }) => objects.length)).toEqual([0, 1, 1]);
      for (const text of [texts.unused, texts.again]) await putTree({ "again.py": text });
      const uri = encodeURIComponent(`azureml://trees/${await putTree({ "again.py": texts.unused })}/again.py`);
      expect((await ask("GET", `/api/v1/workspaces/default/content?uri=${uri}`)).json).toBe(texts.unused);
      await clean();
    },
  );

  expect(died).toBeGreaterThan(10);
}, 180_000);

/** Frees what the checks made. */
async function clean(): Promise<void> {
  offset += 3 * DAY_MS;
  const { id } = await server.gc.start(CALL, { grace_sec: 86_400 });
  offset += DAY_MS + 1000;
  await server.gc.advance(CALL, id);
}
