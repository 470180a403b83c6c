import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExportReport } from "../../../src/client/export-folder/export.ts";
import type { Manifest } from "../../../src/client/export-folder/manifest.ts";
import type { ImportReport } from "../../../src/client/import-mlflow/tally.ts";
import { workspaces } from "../../../src/client/routes.ts";
import { yard } from "../../helpers/cli.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "../../helpers/python.ts";
import { runJob, startServer, type TestServer } from "../../helpers/server.ts";

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const CLI = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
/** Values and steps that other number types would lose. */
const ODD = [Number.NaN, Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, 0.1, 1 / 3, 2 ** 53 + 2, -1e-300];
const BIG_STEPS = [-(2 ** 53 - 1), 2 ** 53 - 1, 2 ** 40, -1];
/** More than go into one batch. */
const SMALL_RUNS = 120;

// biome-ignore lint/suspicious/noExplicitAny: rows of tables, whatever they hold
type Rows = Record<string, any>[];

describe("yard export", () => {
  const temporary = makeTempDir();
  const folder = join(temporary.path, "export");
  let home: TestServer;
  let arrow: string;
  let odd: string;
  let job: string;

  const env = () => ({ TRAINYARD_URL: home.url(), TRAINYARD_TOKEN: home.token() });
  const run = async (args: readonly string[]) => {
    const result = await yard([...args, "-o", "json"], { cwd: temporary.path, env: env() });
    return { code: result.code, err: result.err, report: (result.out === "" ? {} : JSON.parse(result.out)) as never };
  };
  const exported = (args: readonly string[]) =>
    run(["export", ...args]) as Promise<{ code: number; err: string; report: ExportReport }>;
  async function mlflow(path: string, body: object): Promise<Rows[number]> {
    const answer = await fetch(`${home.url()}/w/default/api/2.0/mlflow/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${home.token()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.status, await answer.clone().text()).toBe(200);
    return (await answer.json()) as Rows[number];
  }
  const tables = async (at: string): Promise<{ tables: Record<string, Rows>; counts: object; nan: number }> => {
    const read = await runPython(arrow, [script("read_tables.py"), at], {});
    expect(read.code, read.stderr).toBe(0);
    return JSON.parse(read.stdout);
  };

  beforeAll(async () => {
    home = await startServer();
    arrow = await pythonWith(["pyarrow", "duckdb"]);
    const client = await pythonWith(MLFLOW_CLIENT);
    const seeded = await runPython(client, [script("../mlflow/seed_import.py")], {
      ...mlflowVariables({ url: home.url(), token: home.token() }),
      RUNS: "4",
    });
    expect(seeded.code, seeded.stderr.slice(-3000)).toBe(0);
    job = (await runJob(home, "mkdir outputs; echo 42 > outputs/answer; echo said")).name;
    odd = (await mlflow("runs/create", { experiment_id: "0", run_name: "odd ü\u{1f600}" })).run.info.run_id;
    const values = ODD.map((value, i) => ({ key: "odd", value: String(value), timestamp: 2 ** 53 - 1 - i, step: i }));
    const steps = BIG_STEPS.map((step) => ({ key: "a/b c", value: 1, timestamp: 0, step }));
    await mlflow("runs/log-batch", { run_id: odd, metrics: [...values, ...steps], params: [{ key: "p", value: "" }] });
    const small = (await mlflow("experiments/create", { name: "small" })).experiment_id;
    const makeSmall = async (i: number) => {
      const { run_id } = (await mlflow("runs/create", { experiment_id: small, start_time: i })).run.info;
      await mlflow("runs/log-metric", { run_id, key: "m", value: i / 7, timestamp: i, step: i });
    };
    await Promise.all(Array.from({ length: SMALL_RUNS }, (_, i) => makeSmall(i)));
  }, 600_000);

  afterAll(async () => {
    await home?.dispose();
    temporary.remove();
  });

  it("goes on where it was killed, and writes nothing under its name before it is whole", async () => {
    const batches = join(folder, ".export/batches");
    const child = spawn(process.execPath, [CLI, "export", folder], { env: { ...process.env, ...env() } });
    while (!existsSync(join(batches, "00000001"))) {
      expect(child.exitCode).toBeNull();
      await delay(2);
    }
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(existsSync(join(folder, "manifest.json"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith(".parquet"))).toEqual([]);
    const first = join(batches, "00000001", "runs.parquet");
    const before = statSync(first).mtimeMs;
    const listed: string[] = [];
    const watch = setInterval(() => {
      if (existsSync(first)) listed.push(String(statSync(first).mtimeMs));
    }, 2);

    const { code, report, err } = await exported([folder]);
    clearInterval(watch);

    expect(code, err).toBe(0);
    expect(new Set(listed)).toEqual(new Set([String(before)]));
    expect(report).toMatchObject({ verified: true, problems: [], finished_before: false });
    expect(report.counts).toMatchObject({ runs: SMALL_RUNS + 11, registered_models: 1, jobs: 1, aliases: 1 });
    expect(existsSync(join(folder, ".export"))).toBe(false);
  }, 120_000);

  it("is read by pyarrow and duckdb, value for value what the API tells", async () => {
    const { tables: read, counts, nan } = await tables(folder);
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
    const { experiments } = await mlflow("experiments/search", { max_results: 100, view_type: "ALL" });
    const ids = (experiments as Rows).map((it) => it.experiment_id);
    const { runs } = await mlflow("runs/search", { experiment_ids: ids, max_results: 5000, run_view_type: "ALL" });
    const points: string[] = [];
    for (const { info, data } of runs as Rows) {
      for (const { key } of (data.metrics ?? []) as Rows) {
        const query = new URLSearchParams({ run_id: info.run_id, metric_key: key });
        const answer = await fetch(`${home.url()}/w/default/api/2.0/mlflow/metrics/get-history?${query}`, {
          headers: { authorization: `Bearer ${home.token()}` },
        });
        for (const point of ((await answer.json()) as { metrics: Rows }).metrics)
          points.push(JSON.stringify([info.run_id, key, point.step, point.timestamp, String(Number(point.value))]));
      }
    }

    const found = (read.metrics ?? []).map((row) =>
      JSON.stringify([row.run_id, row.key, row.step, row.timestamp, String(Number(row.value.replace("nan", "NaN")))]),
    );
    expect(found.sort()).toEqual(points.sort());
    expect(found.filter((text) => text.includes(odd))).toHaveLength(ODD.length + BIG_STEPS.length);
    expect(nan).toBe(2);
    expect(pairsIn(read.params)).toEqual(pairsOfRuns(runs, "params"));
    expect(pairsIn(read.tags)).toEqual(pairsOfRuns(runs, "tags"));
    const row = read.runs?.find(({ run_id }) => run_id === odd);
    expect(row).toMatchObject({ run_name: "odd ü\u{1f600}", status: "RUNNING", end_time: null });
    expect(counts).toEqual(
      Object.fromEntries(Object.keys(counts).map((name) => [name, manifest.counts[name as "runs"]])),
    );
    expect(read.lineage).toContainEqual(
      expect.objectContaining({
        from_kind: "logged_model",
        to_kind: "model",
        to_ref: "azureml:reg:1",
        role: "registered",
      }),
    );
  }, 120_000);

  it("holds the files as they were, and what a job was", () => {
    const under = join(folder, "runs", job);

    expect(readFileSync(join(under, "artifacts/outputs/answer"), "utf8")).toBe("42\n");
    expect(readFileSync(join(under, "artifacts/user_logs/std_log.txt"), "utf8")).toContain("said\n");
    expect(readFileSync(join(under, "job.yml"), "utf8")).toContain("echo 42 > outputs/answer");
    expect(JSON.parse(readFileSync(join(under, "job.json"), "utf8"))).toMatchObject({ name: job, status: "Completed" });
  });

  it("says that it was whole before, and which file is not any more", async () => {
    expect(await exported([folder])).toMatchObject({ code: 0, report: { finished_before: true, verified: true } });
    const hurt = join("runs", job, "artifacts/outputs/answer");
    writeFileSync(join(folder, hurt), "43\n");

    const { code, report } = await exported([folder]);

    expect(code).toBe(1);
    expect(report.problems).toEqual([{ about: hurt, message: expect.stringContaining("SHA-256") }]);
    writeFileSync(join(folder, hurt), "42\n");
  });

  it("refuses a folder that holds something else", async () => {
    const other = join(temporary.path, "other");
    mkdirSync(other);
    writeFileSync(join(other, "mine.txt"), "mine");

    expect(await exported([other])).toMatchObject({ code: 5, err: expect.stringContaining("mine.txt") });
    expect(await exported([folder, "--run", odd])).toMatchObject({ code: 5 });
    expect(readdirSync(other)).toEqual(["mine.txt"]);
  });

  it("takes what is asked for", async () => {
    const at = (name: string) => join(temporary.path, name);
    const one = await exported([at("one"), "--run", odd]);
    const alpha = await exported([at("alpha"), "--experiment", "alpha"]);
    const model = await exported([at("model"), "--model", "reg"]);
    const late = await exported([at("late"), "--experiment", "small", "--since", "1970-01-01T00:00:00.110Z"]);

    expect(one.report.counts).toMatchObject({ runs: 1, experiments: 1, metrics: 12, logged_models: 0 });
    expect(alpha.report.counts).toMatchObject({ experiments: 1, logged_models: 1, registered_models: 0 });
    expect(model.report.counts).toMatchObject({ registered_models: 1, model_versions: 3, logged_models: 1, runs: 2 });
    expect(late.report.counts.runs).toBe(10);
    expect(await exported([at("x"), "--run", "nope"])).toMatchObject({ code: 4, err: expect.stringContaining("nope") });
    expect(await exported([at("x"), "--since", "soon"])).toMatchObject({ code: 2 });
  }, 120_000);

  it("moves into another workspace and out again the same", async () => {
    await home.client.call(workspaces.put, { params: { workspace: "copy" }, body: {} });
    const { code, report } = (await run(["import", "folder", folder, "-w", "copy"])) as {
      code: number;
      report: ImportReport;
    };
    const again = join(temporary.path, "again");

    expect(report.problems).toEqual([]);
    expect(code).toBe(0);
    expect((await exported([again, "-w", "copy"])).code).toBe(0);
    const [first, second] = [(await tables(folder)).tables, (await tables(again)).tables];
    for (const name of ["params", "tags", "metrics", "inputs", "run_models", "logged_model_metrics", "aliases"])
      expect(sorted(second[name]), name).toEqual(sorted(first[name]));
    expect(artifactsOf(again)).toEqual(artifactsOf(folder));
  }, 120_000);
});

function sorted(rows: Rows = []): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}

function pairsIn(rows: Rows = []): string[] {
  return rows.map((row) => JSON.stringify([row.run_id, row.key, row.value])).sort();
}

function pairsOfRuns(runs: Rows, field: "params" | "tags"): string[] {
  return runs
    .flatMap(({ info, data }) =>
      ((data[field] ?? []) as Rows).map(({ key, value }) => JSON.stringify([info.run_id, key, value])),
    )
    .sort();
}

function artifactsOf(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  return manifest.files
    .filter(({ path }) => path.includes("/artifacts/"))
    .map(({ path, sha256 }) => `${path} ${sha256}`);
}
