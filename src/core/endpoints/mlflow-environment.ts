import type { CondaFile, EnvironmentSpec } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { Findings } from "../../spec/diagnostics.ts";
import { toPlain } from "../../spec/nodes.ts";
import { parseYaml } from "../../spec/yaml-load.ts";
import { resolveEnvironment } from "../environments/resolve.ts";
import type { Files } from "../files/ports.ts";
import { readText } from "./plan-model.ts";

/** Without these no MLflow model answers; a model logged with mlflow-skinny or an old MLflow may not name them. */
const NEEDED = [
  { name: "mlflow", alternatives: ["mlflow", "mlflow-skinny"], requirement: "mlflow-skinny" },
  { name: "pandas", alternatives: ["pandas"], requirement: "pandas" },
  { name: "numpy", alternatives: ["numpy"], requirement: "numpy" },
];

/** The environment that an MLflow model brings along: requirements.txt before conda.yaml, the Python of either. */
export async function mlflowEnvironment(
  deps: { readonly files: Files },
  workspace: string,
  model: { readonly uri: string; readonly base_name: string },
): Promise<{ readonly spec: EnvironmentSpec; readonly warnings: readonly string[] }> {
  const root = model.uri.replace(/\/$/, "");
  const [mlmodel, requirements, pythonEnv, conda] = await Promise.all(
    ["MLmodel", "requirements.txt", "python_env.yaml", "conda.yaml"].map((name) =>
      readText(deps.files, workspace, `${root}/${name}`),
    ),
  );
  if (mlmodel === undefined) {
    throw new AppError(
      "InvalidSpec",
      `the deployment has no code_configuration, and its model \`${model.uri}\` is not an MLflow model (it has no \`MLmodel\` file)`,
      {
        hint: "give `code_configuration` with a scoring script, or log the model with MLflow",
      },
    );
  }
  const label = `model ${model.base_name}`;
  const condaFile = conda === undefined ? {} : (plain("conda.yaml", conda) as CondaFile);
  const lines = requirements
    ?.split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const version = pythonOf(pythonEnv) ?? condaPython(condaFile);
  const value: CondaFile =
    lines === undefined
      ? condaFile
      : { dependencies: [...(version === undefined ? [] : [`python=${version}`]), { pip: lines }] };
  const resolved = resolveEnvironment({ value: { conda_file: value }, label });
  const added = addNeeded(resolved.spec);
  return { spec: { ...added, relax_pins: true, label }, warnings: resolved.warnings };
}

function addNeeded(spec: EnvironmentSpec): EnvironmentSpec {
  const named = new Set((spec.requirements ?? []).map((line) => nameOf(line)));
  const missing = NEEDED.filter(({ alternatives }) => !alternatives.some((one) => named.has(one)));
  return { ...spec, requirements: [...(spec.requirements ?? []), ...missing.map((one) => one.requirement)] };
}

/** The same for an environment that a person chose for a model with no code. */
export function withMlflow(spec: EnvironmentSpec): EnvironmentSpec {
  return spec.kind === "python" ? addNeeded(spec) : spec;
}

function nameOf(requirement: string): string {
  return (/^[A-Za-z0-9._-]+/.exec(requirement)?.[0] ?? "").toLowerCase().replace(/[._]/g, "-");
}

function pythonOf(pythonEnv: string | undefined): string | undefined {
  if (pythonEnv === undefined) return undefined;
  const { python } = plain("python_env.yaml", pythonEnv) as { python?: unknown };
  return minorOf(typeof python === "string" || typeof python === "number" ? String(python) : undefined);
}

function condaPython(conda: CondaFile): string | undefined {
  const line = (conda.dependencies ?? []).find(
    (one): one is string => typeof one === "string" && /^python\s*[=<>]/.test(one),
  );
  return minorOf(line?.replace(/^python\s*[=<>]+\s*/, ""));
}

const minorOf = (text: string | undefined): string | undefined => /^\d+\.\d+/.exec(text ?? "")?.[0];

function plain(file: string, text: string): object {
  const findings = new Findings();
  const node = parseYaml(file, text, findings);
  const value = node === undefined ? undefined : toPlain(node);
  return typeof value === "object" && value !== null ? value : {};
}
