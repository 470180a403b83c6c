import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { mlflowVariables, pythonWith, runPython } from "../helpers/python.ts";
import { startServer } from "../helpers/server.ts";

const SCRIPT = fileURLToPath(new URL("older.py", import.meta.url));
const LIMIT_MS = 900_000;
const PLAIN = ["fluent", "experiments", "registry", "prompts"];

it.each([
  { packages: ["mlflow==2.22.5", "scikit-learn>=1.5,<1.7"], checks: [...PLAIN, "autolog", "pyfunc_model"] },
  { packages: ["mlflow-skinny==2.22.5"], checks: PLAIN },
  { packages: ["mlflow-skinny==3.17.2"], checks: PLAIN },
])("answers the client of $packages", { timeout: LIMIT_MS }, async ({ packages, checks }) => {
  const server = await startServer();
  onTestFinished(() => server.dispose());
  const python = await pythonWith(packages);

  const { stdout, stderr } = await runPython(
    python,
    [SCRIPT, ...checks],
    mlflowVariables({ url: server.url(), token: server.token() }),
  );

  expect(
    stdout.split("\n").filter((line) => line.startsWith("CHECK ")),
    stderr.slice(-4000),
  ).toEqual(checks.map((name) => `CHECK ${name}`));
});
