import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImportReport } from "../../../src/client/import-mlflow/tally.ts";
import { yard } from "../../helpers/cli.ts";
import { type MlflowServer, startMlflow } from "../../helpers/mlflow-server.ts";
import { makeTempDir, until } from "../../helpers/ports.ts";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "../../helpers/python.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const CLI = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const RUNS = 8;

/** MLflow's own server, from PyPI, is moved in from. */
describe("yard import mlflow", () => {
  const temporary = makeTempDir();
  let python: string;
  let mlflow: MlflowServer;
  let source: string;
  let home: TestServer;
  let moved: unknown;

  const env = () => ({ TRAINYARD_URL: home.url(), TRAINYARD_TOKEN: home.token() });
  const move = async (uri = source, args: readonly string[] = []) => {
    const result = await yard(["import", "mlflow", uri, "-o", "json", ...args], { cwd: temporary.path, env: env() });
    expect(result.out, result.err).not.toBe("");
    return { code: result.code, report: JSON.parse(result.out) as ImportReport };
  };
  const described = async (variables: Record<string, string>): Promise<unknown> => {
    const result = await runPython(python, [script("describe_server.py")], variables);
    const line = result.stdout.split("\n").find((text) => text.startsWith("SERVER "));
    expect(line, result.stderr.slice(-3000)).toBeDefined();
    return JSON.parse((line ?? "").slice("SERVER ".length));
  };
  const ofMlflow = () => ({ ...mlflowVariables({ url: "", token: "" }), MLFLOW_TRACKING_URI: source, RUNS: `${RUNS}` });

  beforeAll(async () => {
    home = await startServer();
    python = await pythonWith(MLFLOW_CLIENT);
    mlflow = await startMlflow(python, temporary.path);
    source = mlflow.url;
    const seeded = await runPython(python, [script("seed_import.py")], ofMlflow());
    expect(seeded.code, seeded.stderr.slice(-3000)).toBe(0);
  }, 600_000);

  afterAll(async () => {
    await mlflow?.dispose();
    await home?.dispose();
    temporary.remove();
  });

  it("goes on after it and the home were killed, and everything is there once", async () => {
    const interrupted = startImport(source);
    while ((await runsHere()) < 2) await delay(5);
    await interrupted.kill();
    const cutOff = startImport(source);
    while ((await runsHere()) < 6) await delay(5);
    await home.kill();
    expect(await cutOff.ended).not.toEqual([0, null]);
    await home.start();

    const { code, report } = await move();

    expect(report.problems).toEqual([]);
    expect(report.verified).toBe(true);
    expect(code).toBe(0);
    expect(report.counts.runs).toMatchObject({ source: RUNS + 5, equal: RUNS + 5 });
    expect(report.counts.metric_points.equal).toBe(RUNS * 1200 + 6);
    const [here, there] = await Promise.all([
      described(mlflowVariables({ url: home.url(), token: home.token() })),
      described(ofMlflow()),
    ]);
    expect(here).toEqual(there);
    moved = here;
  }, 300_000);

  it("changes nothing the second time", async () => {
    const { report } = await move();

    expect(report.verified).toBe(true);
    expect(Object.values(report.counts).map(({ copied }) => copied)).toEqual(Object.values(report.counts).map(() => 0));
    expect(await described(mlflowVariables({ url: home.url(), token: home.token() }))).toEqual(moved);
  }, 300_000);

  it("reads a database with the user's own mlflow", async () => {
    const program = join(dirname(python), "mlflow");
    const { code, report } = await move("sqlite:///m.db", ["--mlflow", program]);

    expect(code).toBe(0);
    expect(report.counts.runs.equal).toBe(RUNS + 5);
  }, 300_000);

  it("leaves no server of MLflow running when it is killed", async () => {
    const said = join(temporary.path, "arguments");
    const program = join(temporary.path, "mlflow");
    writeFileSync(program, `#!/bin/sh\necho "$@" >'${said}'\nexec '${join(dirname(python), "mlflow")}' "$@"\n`, {
      mode: 0o700,
    });
    const answers = (port: string) =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        (answer) => answer.ok,
        () => false,
      );

    const running = startImport("sqlite:///m.db", ["--mlflow", program]);
    const port = await until(() => portIn(said), "MLflow's start", 60_000);
    await until(() => answers(port), "MLflow's server", 60_000);
    await running.kill();

    await until(async () => !(await answers(port)), "its end", 60_000);
  }, 300_000);

  it("reads an `mlruns` folder", async () => {
    const folder = join(temporary.path, "mlruns");
    const variables = { ...ofMlflow(), FOLDER: folder, MLFLOW_ALLOW_FILE_STORE: "true" };
    const seeded = await runPython(python, [script("seed_folder.py")], variables);
    expect(seeded.code, seeded.stderr.slice(-3000)).toBe(0);

    const { code, report } = await move(folder, ["--mlflow", join(dirname(python), "mlflow")]);

    expect(report.problems).toEqual([]);
    expect(report.counts).toMatchObject({
      runs: { source: 3, equal: 3 },
      metric_points: { source: 60, equal: 60 },
      artifact_files: { equal: 3 },
    });
    expect(code).toBe(0);
  }, 300_000);

  it("says what to install where there is no mlflow", async () => {
    const result = await yard(["import", "mlflow", "m.db", "--mlflow", "no-such-mlflow"], {
      cwd: temporary.path,
      env: env(),
    });

    expect(result.code).toBe(4);
    expect(result.err).toContain("pip install mlflow");
  });

  /** One import in a process of its own, which can be killed. */
  function startImport(uri: string, args: readonly string[] = []) {
    const running = spawn(process.execPath, [CLI, "import", "mlflow", uri, ...args], {
      cwd: temporary.path,
      env: { ...process.env, ...env() },
      stdio: "ignore",
    });
    const ended = once(running, "exit");
    return {
      ended,
      async kill() {
        running.kill("SIGKILL");
        expect(await ended).toEqual([null, "SIGKILL"]);
      },
    };
  }

  function portIn(file: string): string | undefined {
    try {
      return /--port (\d+) /.exec(readFileSync(file, "utf8"))?.[1];
    } catch {
      return undefined;
    }
  }

  async function runsHere(): Promise<number> {
    const post = async (path: string, body: object) => {
      const answer = await fetch(`${home.url()}/w/default/api/2.0/mlflow/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${home.token()}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return (await answer.json()) as { experiments?: { experiment_id: string }[]; runs?: unknown[] };
    };
    const { experiments = [] } = await post("experiments/search", { max_results: 100, view_type: "ALL" });
    const ids = experiments.map((experiment) => experiment.experiment_id);
    return (
      (await post("runs/search", { experiment_ids: ids, max_results: 1000, run_view_type: "ALL" })).runs?.length ?? 0
    );
  }
});
