import { existsSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ReplicaAssignment } from "../contract/endpoints.ts";
import { AppError } from "../contract/errors.ts";
import { PYTHON_ON_PATH, REPLICA_MARKER, type ReplicaRequest } from "../contract/replica.ts";
import type { Materialized } from "./materialize.ts";

/** A model server as a process to start. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** `src/serving/` and `dist/serving/` are equally deep below the package. */
const PYTHON = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "python", "serving");

/** Room for the model server's own alarm after the proxy has answered: the answer is the proxy's, the alarm frees the worker. */
const ALARM_AFTER_MS = 100;

/** The command of a model server that listens at `socket` and tells of a hopeless start in `failure` (names in the working folder). */
export function planLaunch(
  request: ReplicaRequest,
  made: Materialized,
  files: { readonly socket: string; readonly failure: string },
): Launch {
  const { assignment, codeDir } = made;
  const cwd = codeDir ?? process.cwd();
  const python = pythonOf(request.environmentRef);
  const at = (name: string): string => (codeDir === undefined ? name : join("..", name));
  const common = [
    "--socket",
    at(files.socket),
    "--failure",
    at(files.failure),
    "--timeout-ms",
    String(assignment.request_settings.request_timeout_ms + ALARM_AFTER_MS),
  ];
  return {
    command: python.executable,
    args: [join(PYTHON, "launch.py"), ...kindArgs(assignment, made), ...common],
    cwd,
    env: {
      ...environment(request, made, python.prefix),
      ...assignment.environment_variables,
      [REPLICA_MARKER]: markerOf(request),
    },
  };
}

export function markerOf(request: ReplicaRequest): string {
  return `${request.id}#${request.index}`;
}

function kindArgs(assignment: ReplicaAssignment, made: Materialized): readonly string[] {
  if (assignment.code !== undefined) {
    const script = assignment.code.scoring_script;
    if (!existsSync(join(made.codeDir ?? "", script))) {
      throw new AppError("DeploymentFailed", `the scoring script \`${script}\` is not in the code folder`);
    }
    return ["script", "--script", script];
  }
  if (assignment.model === undefined) {
    throw new AppError("DeploymentFailed", "the deployment has neither code nor a model");
  }
  return ["mlflow", "--model", join(made.modelDir, assignment.model.base_name)];
}

function environment(request: ReplicaRequest, made: Materialized, prefix: string | undefined): Record<string, string> {
  // The host has let through what a model may see of its machine.
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  if (prefix !== undefined) {
    env.PATH = [join(prefix, "bin"), process.env.PATH ?? ""].join(delimiter);
    env.VIRTUAL_ENV = prefix;
  }
  env.PYTHONUNBUFFERED = "1";
  env.AZUREML_MODEL_DIR = made.modelDir;
  if (made.codeDir !== undefined) env.AML_APP_ROOT = made.codeDir;
  if (made.assignment.code !== undefined) env.AZUREML_ENTRY_SCRIPT = made.assignment.code.scoring_script;
  env.TRAINYARD_ENDPOINT = request.endpoint;
  env.TRAINYARD_DEPLOYMENT = request.deployment;
  return env;
}

const PYTHONS = ["python", "python3"];

/** `python:PREFIX` is a virtual environment, `python:FILE` an interpreter. No prefix: PATH is as it should be. */
function pythonOf(ref: string): { readonly executable: string; readonly prefix?: string } {
  if (ref === PYTHON_ON_PATH) return { executable: pythonOnPath() };
  const path = ref.replace(/^python:/, "");
  if (!ref.startsWith("python:")) {
    throw new AppError("NotSupported", `environment \`${ref}\` is not a Python environment of this machine`);
  }
  if (existsSync(path) && statSync(path).isFile()) return { executable: path, prefix: dirname(dirname(path)) };
  for (const name of PYTHONS) {
    const executable = join(path, "bin", name);
    if (existsSync(executable)) return { executable, prefix: path };
  }
  throw new AppError("DeploymentFailed", "the deployment's environment is not on this machine any more", {
    hint: "update the deployment to build it again",
  });
}

function pythonOnPath(): string {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const found = PYTHONS.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  throw new AppError("DeploymentFailed", "the deployment's image has no Python on its PATH", {
    hint: "a scoring script and an MLflow model need an environment with Python",
  });
}
