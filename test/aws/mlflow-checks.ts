import { fileURLToPath } from "node:url";
import { MLFLOW_CLIENT, pythonWith, runPython } from "../helpers/python.ts";

const SCRIPT = fileURLToPath(new URL("checks.py", import.meta.url));

/** What people do with the MLflow client; each a function of the script. */
export const CHECKS = [
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

export interface CheckRun {
  readonly code: number | null;
  readonly stderr: string;
  readonly outcomes: ReadonlyMap<string, { readonly check: string; readonly ok: boolean; readonly why?: string }>;
}

/** The MLflow client from PyPI, unmodified, does all of them against the server that the variables name. */
export async function runChecks(variables: Readonly<Record<string, string>>): Promise<CheckRun> {
  const { code, stdout, stderr } = await runPython(await pythonWith(MLFLOW_CLIENT), [SCRIPT], variables);
  const lines = stdout.split("\n").filter((line) => line.startsWith("CHECK "));
  const found = lines.map(
    (line) => JSON.parse(line.slice("CHECK ".length)) as { check: string; ok: boolean; why?: string },
  );
  return { code, stderr, outcomes: new Map(found.map((outcome) => [outcome.check, outcome])) };
}
