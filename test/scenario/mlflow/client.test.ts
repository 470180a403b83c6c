import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MLFLOW_CLIENT, mlflowVariables, type PythonResult, pythonWith, runPython } from "../../helpers/python.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";

const SCRIPT = fileURLToPath(new URL("checks.py", import.meta.url));
const INSTALL_MS = 600_000;
const CHECKS = [
  "fluent_run",
  "batches_and_async",
  "artifacts",
  "multipart_upload",
  "searches",
  "experiments",
  "datasets",
  "registry",
  "autolog",
  "figures_tables_and_images",
  "prompts_and_traces",
];

interface Outcome {
  readonly check: string;
  readonly ok: boolean;
  readonly why?: string;
}

/** The MLflow client from PyPI, unmodified, against a server in its own process. */
describe("the MLflow client", () => {
  let server: TestServer;
  let result: PythonResult;
  let outcomes: ReadonlyMap<string, Outcome>;

  beforeAll(async () => {
    server = await startServer();
    const python = await pythonWith(MLFLOW_CLIENT);
    result = await runPython(python, [SCRIPT], mlflowVariables({ url: server.url(), token: server.token() }));
    const lines = result.stdout.split("\n").filter((line) => line.startsWith("CHECK "));
    outcomes = new Map(
      lines
        .map((line) => JSON.parse(line.slice("CHECK ".length)) as Outcome)
        .map((outcome) => [outcome.check, outcome]),
    );
  }, INSTALL_MS);

  afterAll(async () => {
    await server?.dispose();
  });

  it.each(CHECKS)("%s", (name) => {
    const outcome = outcomes.get(name);

    expect(outcome, `no outcome of ${name}; the script said:\n${result.stderr.slice(-4000)}`).toBeDefined();
    expect(outcome?.ok, `${outcome?.why ?? ""}`).toBe(true);
  });

  it("ran every check there is", () => {
    expect([...outcomes.keys()]).toEqual(CHECKS);
    expect(result.code).toBe(0);
  });
});
