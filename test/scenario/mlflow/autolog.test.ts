import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "../../helpers/python.ts";
import { readWholeLog, runJob, startServer, type TestServer } from "../../helpers/server.ts";

const SCRIPT = fileURLToPath(new URL("autolog.py", import.meta.url));
const TELL = fileURLToPath(new URL("autolog-told.py", import.meta.url));
const INSTALL_MS = 600_000;

interface Told {
  readonly status: string;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly coefficients: readonly number[];
}

let server: TestServer;
let python: string;

beforeAll(async () => {
  server = await startServer();
  python = await pythonWith(MLFLOW_CLIENT);
}, INSTALL_MS);

afterAll(() => server?.dispose());

/** What the real client reads of a run of this experiment: the named one, or its only one. */
async function told(experiment: string, runId = ""): Promise<Told> {
  const { code, stdout, stderr } = await runPython(python, [TELL, experiment, runId], variables());
  expect(code, stderr.slice(-4000)).toBe(0);
  return JSON.parse(stdout) as Told;
}

const variables = () => mlflowVariables({ url: server.url(), token: server.token() });

it("keeps the same params, metrics and model of an autologged script, run by hand or as a job", {
  timeout: INSTALL_MS,
}, async () => {
  const byHand = await runPython(python, [SCRIPT], { ...variables(), MLFLOW_EXPERIMENT_NAME: "by-hand" });
  expect(byHand.code, byHand.stderr.slice(-4000)).toBe(0);
  // The same interpreter: other versions of scikit-learn have other params.
  const job = await runJob(server, `'${python}' '${SCRIPT}'`, { experiment_name: "as-a-job" });
  expect(job.status, await readWholeLog(server, job.name)).toBe("Completed");

  const hand = await told("by-hand");
  const asJob = await told("as-a-job", job.name);
  expect(hand).toMatchObject({ status: "FINISHED", params: { alpha: "0.5" }, model: { status: "READY" } });
  expect(hand.metrics.training_r2_score).toBeGreaterThan(0.3);
  expect(hand.coefficients).toHaveLength(10);
  expect(asJob).toEqual(hand);
});
