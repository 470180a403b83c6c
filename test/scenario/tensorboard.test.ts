import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scalarRecord, versionRecord } from "../../src/contract/event-files/write-event.ts";
import { yard } from "../helpers/cli.ts";
import { makeTempDir } from "../helpers/ports.ts";
import { pythonWith, runPython } from "../helpers/python.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

const READER = fileURLToPath(new URL("jobs/read_events.py", import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
type Any = any;

describe("yard tensorboard", () => {
  const temporary = makeTempDir();
  let home: TestServer;
  let python: string;
  const env = () => ({ TRAINYARD_URL: home.url(), TRAINYARD_TOKEN: home.token() });
  const cli = (args: readonly string[], more = {}) =>
    yard(["tensorboard", ...args], { cwd: temporary.path, env: env(), ...more });
  async function ask(method: string, path: string, body: Uint8Array | object): Promise<Any> {
    const answer = await fetch(`${home.url()}/w/default/api/2.0/${path}`, {
      method,
      headers: { authorization: `Bearer ${home.token()}`, "content-type": "application/json" },
      body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
    });
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    return text === "" ? undefined : JSON.parse(text);
  }
  async function makeRun(experiment: string, name: string): Promise<string> {
    const made = await ask("POST", "mlflow/runs/create", {
      experiment_id: experiment,
      run_name: name,
      start_time: 5000,
    });
    return made.run.info.run_id;
  }
  const log = (run_id: string, metrics: object[], params: object[] = []) =>
    ask("POST", "mlflow/runs/log-batch", { run_id, metrics, params });
  const folders = (at: string) => readdirSync(at).sort();
  async function reads(folder: string): Promise<Record<string, Record<string, [number, string, number][]>>> {
    const read = await runPython(python, [READER, folder], {});
    expect(read.code, read.stderr).toBe(0);
    return JSON.parse(read.stdout);
  }

  beforeAll(async () => {
    home = await startServer();
    python = await pythonWith(["tensorboard==2.21.0", "tensorboardX==2.6.5"]);
  }, 300_000);
  afterAll(async () => {
    await home?.dispose();
    temporary.remove();
  });

  it("writes what any run logged so that TensorBoard reads it, as exactly as it draws", async () => {
    const { experiment_id } = await ask("POST", "mlflow/experiments/create", { name: "any client's" });
    const run = await makeRun(experiment_id, "odd/name");
    const values = [1 / 3, Number.NaN, -2e-45, 3e38];
    await log(
      run,
      values.map((value, step) => ({ key: "a/b c", value: String(value), step, timestamp: 1000 + step })),
      [{ key: "lr", value: "0.1" }],
    );
    const logdir = join(temporary.path, "logs");

    const first = await cli(["any client's", "--logdir-only", "--logdir", logdir, "-o", "json"]);
    await log(run, [{ key: "a/b c", value: 7, step: 4, timestamp: 2000 }]);
    await cli(["odd/name", "--logdir-only", "--logdir", logdir]);

    expect(first).toMatchObject({ code: 0 });
    expect(JSON.parse(first.out)).toEqual({ logdir, runs: 1 });
    expect(folders(logdir)).toEqual([`odd_name-${run.slice(0, 8)}`]);
    const points = (await reads(logdir))[folders(logdir)[0] ?? ""]?.["a/b c"] ?? [];
    expect(points.map(([step, value]) => [step, Number(value.replace("nan", "NaN"))])).toEqual(
      [...values, 7].map((value, step) => [step, Math.fround(value)]),
    );
    expect(points.map(([, , at]) => at)).toEqual([1000, 1001, 1002, 1003, 2000]);
  });

  it("brings event files as they are, and of one that grew what is new", async () => {
    const run = await makeRun("0", "with files");
    const path = `mlflow-artifacts/artifacts/0/${run}/artifacts/tb/train/events.out.tfevents.5.h`;
    const one = new Uint8Array(
      Buffer.concat([versionRecord(1), scalarRecord("loss", { value: 1, step: 1, timestamp: 1 })]),
    );
    const two = new Uint8Array(Buffer.concat([one, scalarRecord("loss", { value: 2, step: 2, timestamp: 2 })]));
    const logdir = join(temporary.path, "brought");
    const args = [run, "--logdir-only", "--logdir", logdir];
    const file = join(logdir, `with files-${run.slice(0, 8)}`, "tb/train/events.out.tfevents.5.h");

    await ask("PUT", path, one);
    expect((await cli(args)).code).toBe(0);
    const before = statSync(file).ino;
    await ask("PUT", path, two);
    await cli(args);

    expect(readFileSync(file)).toEqual(Buffer.from(two));
    expect(statSync(file).ino).toBe(before);
    expect(folders(dirname(dirname(dirname(file))))).toEqual(["tb"]);
  });

  it("starts TensorBoard, follows a live run, and ends with Ctrl-C", async () => {
    const run = await makeRun("0", "live");
    await log(run, [{ key: "loss", value: 1, step: 0, timestamp: 1000 }]);
    const stop = new AbortController();
    let out = "";
    const program = join(dirname(python), "tensorboard");
    const ended = cli([run, "--port", "0", "--tensorboard", program], {
      signal: stop.signal,
      onOut: (text: string) => {
        out += text;
      },
    });
    await expect.poll(() => out, { timeout: 60_000 }).toContain("ready at http://127.0.0.1:");
    const url = /http:\S+\//.exec(out)?.[0] ?? "";
    const steps = async (): Promise<number[]> => {
      const query = new URLSearchParams({ run: `live-${run.slice(0, 8)}`, tag: "loss" });
      const answer = await fetch(`${url}data/plugin/scalars/scalars?${query}`);
      return answer.ok ? ((await answer.json()) as number[][]).map(([, step = -1]) => step) : [];
    };

    await expect.poll(steps, { timeout: 30_000 }).toEqual([0]);
    await log(run, [{ key: "loss", value: 2, step: 1, timestamp: 2000 }]);
    await expect.poll(steps, { timeout: 30_000 }).toEqual([0, 1]);
    stop.abort(new Error("Ctrl-C"));

    expect(await ended).toMatchObject({ code: 0 });
    await expect(fetch(url)).rejects.toThrow();
  }, 120_000);

  it("says what is wrong", async () => {
    const empty = join(temporary.path, "empty");
    mkdirSync(empty);

    expect(await cli(["no such thing"])).toMatchObject({ code: 4, err: expect.stringContaining("no such thing") });
    expect(await cli([])).toMatchObject({ code: 2 });
    expect(await cli(["Default", "--tensorboard", join(empty, "nope")])).toMatchObject({
      code: 4,
      err: expect.stringContaining("pip install tensorboard"),
    });
  });
});
