import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MlflowServer, startMlflow } from "./mlflow-server.ts";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "./python.ts";
import { startServer, type TestServer } from "./server.ts";

const TOLD = fileURLToPath(new URL("../scenario/mlflow/flavors/told.py", import.meta.url));

/** What a server keeps of one flavor's autologged training; the rest of it is only compared. */
interface Told {
  readonly flavor: string;
  readonly runs: readonly { readonly status: string }[];
  readonly models: readonly { readonly predictions?: readonly string[] }[];
}

/** Each flavor is trained against this server and against MLflow's own; both must then hold the same. */
export function describeFlavors(flavors: readonly string[], packages: readonly string[], limitMs: number): void {
  describe("mlflow.autolog", () => {
    let ours: TestServer;
    let mlflow: MlflowServer;
    let here: readonly Told[];
    let there: readonly Told[];

    beforeAll(async () => {
      const python = await pythonWith([...MLFLOW_CLIENT, ...packages]);
      [ours, mlflow] = await Promise.all([startServer(), startMlflow(python)]);
      const variables = mlflowVariables({ url: ours.url(), token: ours.token() });
      [here, there] = await Promise.all([
        tell(python, flavors, variables),
        tell(python, flavors, { ...variables, MLFLOW_TRACKING_URI: mlflow.url }),
      ]);
    }, limitMs);

    afterAll(async () => {
      await mlflow?.dispose();
      await ours?.dispose();
    });

    it.each(flavors)("of %s leaves what it leaves on MLflow's own server", (flavor) => {
      const [kept, wanted] = [here, there].map((all) => all.find((told) => told.flavor === flavor));

      expect(kept?.runs.map((run) => run.status)).toContain("FINISHED");
      expect(kept?.models.some((model) => (model.predictions?.length ?? 0) > 0)).toBe(true);
      expect(kept).toEqual(wanted);
    });
  });
}

async function tell(
  python: string,
  flavors: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<readonly Told[]> {
  const { code, stdout, stderr } = await runPython(python, [TOLD, ...flavors], {
    ...variables,
    KERAS_BACKEND: "jax",
    // Each model's packages are found by loading it in a process of its own, which takes most of the time; after this second the flavor's usual ones stand.
    MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT: "1",
  });
  expect(code, stderr.slice(-4000)).toBe(0);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("FLAVOR "))
    .map((line) => JSON.parse(line.slice("FLAVOR ".length)) as Told);
}
