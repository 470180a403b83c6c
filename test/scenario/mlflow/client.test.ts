import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHECKS, type CheckRun, runChecks } from "../../helpers/mlflow-checks.ts";
import { mlflowVariables } from "../../helpers/python.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";

const INSTALL_MS = 600_000;

/** The MLflow client from PyPI, unmodified, against a server in its own process. */
describe("the MLflow client", () => {
  let server: TestServer;
  let result: CheckRun;

  beforeAll(async () => {
    server = await startServer();
    result = await runChecks(mlflowVariables({ url: server.url(), token: server.token() }));
  }, INSTALL_MS);

  afterAll(async () => {
    await server?.dispose();
  });

  it.each(CHECKS)("%s", (name) => {
    const outcome = result.outcomes.get(name);

    expect(outcome, `no outcome of ${name}; the script said:\n${result.stderr.slice(-4000)}`).toBeDefined();
    expect(outcome?.ok, `${outcome?.why ?? ""}`).toBe(true);
  });

  it("ran every check there is", () => {
    expect([...result.outcomes.keys()]).toEqual(CHECKS);
    expect(result.code).toBe(0);
  });
});
