import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GcReceipt } from "../../src/contract/gc.ts";
import { makeAsk, sha256Of } from "./gc-frame.ts";
import { insist, pause, Refused } from "./insist.ts";
import { makeTempDir } from "./ports.ts";

/** What a home that was killed over and over while it freed things, under writers and readers, did with what must stay and what must go. */
export interface GcKillReport {
  readonly rounds: number;
  readonly kills: number;
  /** Kills that met gc at work. */
  readonly interrupted: number;
  readonly keptRuns: number;
  readonly freedRuns: number;
  readonly keptTrees: number;
  readonly freedBlobs: number;
  /** Reachable, and not whole. */
  readonly missing: readonly string[];
  /** Deleted and unreachable for long enough, and still there. */
  readonly left: readonly string[];
}

interface Kept {
  readonly runs: Map<string, { readonly experiment: string; readonly content: string }>;
  readonly trees: Map<string, Readonly<Record<string, string>>>;
}

const CHILD = fileURLToPath(new URL("./gc-child.ts", import.meta.url));
const STEP_MS = 4 * 86_400_000;
const GRACE_SEC = 86_400;
const WRITERS = 4;
const DELETED_A_ROUND = 80;
const GARBAGE_A_ROUND = 40;
const PARTITIONS = ["", "#LOG"];

export async function killGc(rounds: number, killsAPhase: number): Promise<GcKillReport> {
  const temp = makeTempDir();
  const dir = join(temp.path, "home");
  let offset = 0;
  let child: ChildProcess | undefined;
  let facts = { url: "", token: "" };
  let kills = 0;
  let interrupted = 0;
  const api = makeAsk(() => facts);

  async function start(): Promise<void> {
    const made = spawn(process.execPath, [CHILD, dir, String(offset)], { stdio: ["ignore", "pipe", "inherit"] });
    child = made;
    const [line] = (await once(made.stdout, "data")) as [Buffer];
    facts = JSON.parse(line.toString()) as typeof facts;
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Sends until it is answered, and counts the answers that a kill cut off. */
  function counted<T>(call: () => Promise<T>): Promise<T> {
    return insist(() =>
      call().catch((error: unknown) => {
        if (hasBroken(error)) interrupted += 1;
        throw error;
      }),
    );
  }

  /** Goes on until no receipt has work left: a call that was sent again has made two. */
  async function settled(): Promise<void> {
    for (;;) {
      const { items }: { items: GcReceipt[] } = await insist(() => api.get("gc?limit=100"));
      const due = items.filter(({ state, frees_at }) => isDue(state, Date.parse(frees_at) <= Date.now() + offset));
      if (due.length === 0) return;
      for (const { id } of due) await counted(() => api.post(`gc/${id}/advance`));
    }
  }

  /** Kills in the midst of the work until it is done. */
  async function underFire(work: Promise<unknown>): Promise<void> {
    // Awaited at the end; until then nobody is there to hear of a failure.
    work.catch(() => undefined);
    for (let i = 0; i < killsAPhase; i++) {
      await pause(Math.random() ** 2 * 400);
      await kill();
      kills += 1;
      await start();
    }
    await work;
  }

  const kept: Kept = { runs: new Map(), trees: new Map() };
  const doomed: { readonly run: string; readonly experiment: string }[] = [];
  const missing: string[] = [];
  const left: string[] = [];
  const garbage: string[] = [];
  let freedBlobs = 0;
  try {
    await start();
    const load = makeLoad(api, kept, missing);
    for (let round = 0; round < rounds; round++) {
      const experiment = await load.experiment(`round-${round}`);
      const going = await each(DELETED_A_ROUND, () => load.run(experiment, true));
      doomed.push(...going.map((run) => ({ run, experiment })));
      garbage.push(...(await each(GARBAGE_A_ROUND, (i) => load.garbage(`${round}-${i}`))));
      const busy = load.begin(experiment, garbage);
      await underFire(counted(() => api.post("gc", { grace_sec: GRACE_SEC })).then(settled));
      await busy.end();
      await kill();
      offset += STEP_MS;
      await start();
      const again = load.begin(experiment, garbage);
      await underFire(settled());
      await again.end();
      await compare(api, kept.runs, kept.trees, missing);
      for (const { run } of doomed) {
        const { status } = await insist(() => api.ask("GET", `runs/get?run_id=${run}`));
        if (status !== 404) left.push(`run ${run}: ${status}`);
      }
      // In the first round files are as young as the clock says.
      if (round > 0) freedBlobs = await compareGarbage(api, kept, garbage, left);
    }
    await kill();
    await compareDisk(dir, doomed, left);
    const keptRuns = kept.runs.size;
    return {
      rounds,
      kills,
      interrupted,
      keptRuns,
      freedRuns: doomed.length,
      keptTrees: kept.trees.size,
      freedBlobs,
      missing,
      left,
    };
  } finally {
    await kill();
    temp.remove();
  }
}

type Api = ReturnType<typeof makeAsk>;

function isDue(state: GcReceipt["state"], isOver: boolean): boolean {
  return ["collecting", "freeing", "restoring"].includes(state) || (state === "trash" && isOver);
}

/** An answer that was under way; a home that is down is not at work. */
function hasBroken(error: unknown): boolean {
  return error instanceof TypeError && (error.cause as { code?: string } | undefined)?.code !== "ECONNREFUSED";
}

async function each<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) made.push(await make(next++));
  };
  await Promise.all(Array.from({ length: WRITERS }, lane));
  return made;
}

/** Writers that make things to stay, some of them of what is just being freed. */
function makeLoad(api: Api, kept: Kept, missing: string[]) {
  let count = 0;

  async function experiment(name: string): Promise<string> {
    return (await insist(() => api.post("experiments/create", { name }))).experiment_id;
  }

  async function run(experiment_id: string, isDeleted: boolean): Promise<string> {
    const content = `content of ${++count} `.repeat(40);
    const { run: made } = await insist(() => api.post("runs/create", { experiment_id }));
    const { run_id } = made.info;
    const metrics = Array.from({ length: 20 }, (_, step) => ({ key: "m", value: step, timestamp: step, step }));
    await insist(() => api.post("runs/log-batch", { run_id, metrics }));
    const path = `/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run_id}/artifacts/a/b.txt`;
    await insist(() => api.put(path, content));
    if (isDeleted) await insist(() => api.post("runs/delete", { run_id }));
    else kept.runs.set(run_id, { experiment: experiment_id, content });
    return run_id;
  }

  /** A tree that a data asset names. */
  async function tree(files: Readonly<Record<string, string>>): Promise<void> {
    const id = await insist(() => api.putTree(files));
    const name = `data-${++count}`;
    const body = { type: "uri_folder", path: `azureml://trees/${id}` };
    await insist(async () => {
      const { status, json } = await api.ask("PUT", `/api/v1/workspaces/default/data/${name}/versions/1`, body);
      // Between its upload and its name the home was killed, and what nobody named went: a client begins anew.
      if (status === 404) await api.putTree(files);
      if (status >= 300) throw status === 404 ? new Error("again") : new Refused(`${status} ${JSON.stringify(json)}`);
    });
    kept.trees.set(id, files);
  }

  return {
    experiment,
    run,
    /** A tree that nothing ever names; answers what its file holds. */
    async garbage(name: string): Promise<string> {
      const content = `garbage ${name} `.repeat(30);
      await insist(() => api.putTree({ "garbage.txt": content, "shared.txt": "in many trees" }));
      return content;
    },
    /** Writes until told to end; each writer finishes what it is at. */
    begin(experimentId: string, garbage: readonly string[]) {
      let over = false;
      const write = async (writer: number) => {
        for (let i = 0; !over; i++) {
          await run(experimentId, false);
          const old = garbage[(writer * 15 + i) % Math.max(1, Math.floor(garbage.length / 2))];
          const files = { "own.txt": `own ${++count}`, "shared.txt": "in many trees" };
          await tree(
            old === undefined
              ? files
              : i % 2 === 0
                ? { "garbage.txt": old, "shared.txt": "in many trees" }
                : { ...files, "old.txt": old },
          );
        }
      };
      const read = async () => {
        while (!over) {
          const runs = [...kept.runs].slice(-3);
          const trees = [...kept.trees].slice(-3);
          await compare(api, new Map(runs), new Map(trees), missing);
          await pause(20);
        }
      };
      const done = Promise.all([read(), ...Array.from({ length: WRITERS }, (_, writer) => write(writer))]);
      return {
        async end() {
          over = true;
          await done;
        },
      };
    },
  };
}

async function compare(api: Api, runs: Kept["runs"], trees: Kept["trees"], missing: string[]): Promise<void> {
  const get = (path: string) => insist(() => api.ask("GET", path));
  for (const [run, { experiment, content }] of runs) {
    const history = await get(`metrics/get-history?run_id=${run}&metric_key=m`);
    if (history.json.metrics?.length !== 20) missing.push(`metrics of ${run}`);
    const artifact = await get(`/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/a/b.txt`);
    if (artifact.json !== content) missing.push(`artifact of ${run}: ${artifact.status}`);
  }
  for (const [id, files] of trees) {
    for (const [path, content] of Object.entries(files)) {
      const uri = encodeURIComponent(`azureml://trees/${id}/${path}`);
      const file = await get(`/api/v1/workspaces/default/content?uri=${uri}`);
      if (file.json !== content) missing.push(`${path} of tree ${id}: ${file.status}`);
    }
  }
}

/** Files that no tree names are gone; answers how many. */
async function compareGarbage(api: Api, kept: Kept, garbage: readonly string[], left: string[]): Promise<number> {
  const used = new Set([...kept.trees.values()].flatMap((files) => Object.values(files)));
  const unused = garbage.filter((content) => !used.has(content));
  const hashes = unused.map(sha256Of);
  const { missing } = await insist(() => api.post("/api/v1/workspaces/default/blobs/missing", { hashes }));
  const gone = new Set(missing);
  for (const [i, hash] of hashes.entries()) if (!gone.has(hash)) left.push(`file \`${unused[i]?.slice(0, 20)}\``);
  return unused.length;
}

/** Nothing of freed runs is in the database or among the objects. */
async function compareDisk(dir: string, doomed: readonly { run: string; experiment: string }[], left: string[]) {
  const { openHome } = await import("../../src/adapters/local/home.ts");
  const { runPartition } = await import("../../src/store/facts/keys.ts");
  const home = await openHome({ dir });
  try {
    for (const { run, experiment } of doomed) {
      for (const suffix of PARTITIONS) {
        const { items } = await home.table.query({ pk: `${runPartition("default", run)}${suffix}` });
        if (items.length > 0) left.push(`${items.length} records of run ${run}`);
      }
      const prefix = `ws/default/artifacts/${experiment}/${run}/`;
      if ((await home.objects.list({ prefix })).objects.length > 0) left.push(`artifacts of run ${run}`);
    }
  } finally {
    await home.close();
  }
}
