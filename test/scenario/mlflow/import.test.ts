import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImportReport } from "../../../src/client/import-mlflow/tally.ts";
import { yard } from "../../helpers/cli.ts";
import { type MlflowServer, startMlflow } from "../../helpers/mlflow-server.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "../../helpers/python.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const RUNS = 12;

/** MLflow's own server, from PyPI, is moved in from. */
describe("yard import mlflow", () => {
  const temporary = makeTempDir();
  let python: string;
  let mlflow: MlflowServer;
  let source: string;
  let home: TestServer;

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

  it("goes on after two interruptions, and everything is there once", async () => {
    for (const stopAt of [2, 6]) {
      const stop = new AbortController();
      const running = yard(["import", "mlflow", source, "-o", "json"], {
        cwd: temporary.path,
        env: env(),
        signal: stop.signal,
      });
      while ((await runsHere()) < stopAt) await delay(5);
      stop.abort(new Error("stopped"));
      expect((await running).code).not.toBe(0);
    }

    const { code, report } = await move();

    expect(report.problems).toEqual([]);
    expect(report.verified).toBe(true);
    expect(code).toBe(0);
    expect(report.counts.runs).toMatchObject({ source: RUNS + 5, equal: RUNS + 5 });
    expect(report.counts.metric_points.equal).toBe(RUNS * 1200 + 6);
    expect(await described({ ...mlflowVariables({ url: home.url(), token: home.token() }) })).toEqual(
      await described(ofMlflow()),
    );
  }, 300_000);

  it("changes nothing the second time", async () => {
    const before = await described(mlflowVariables({ url: home.url(), token: home.token() }));

    const { report } = await move();

    expect(report.verified).toBe(true);
    expect(Object.values(report.counts).map(({ copied }) => copied)).toEqual(Object.values(report.counts).map(() => 0));
    expect(await described(mlflowVariables({ url: home.url(), token: home.token() }))).toEqual(before);
  }, 300_000);

  it("reads a database with the user's own mlflow", async () => {
    const program = join(dirname(python), "mlflow");
    const { code, report } = await move("sqlite:///m.db", ["--mlflow", program]);

    expect(code).toBe(0);
    expect(report.counts.runs.equal).toBe(RUNS + 5);
  }, 300_000);

  it("says what to install where there is no mlflow", async () => {
    const result = await yard(["import", "mlflow", "m.db", "--mlflow", "no-such-mlflow"], {
      cwd: temporary.path,
      env: env(),
    });

    expect(result.code).toBe(4);
    expect(result.err).toContain("pip install mlflow");
  });

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
