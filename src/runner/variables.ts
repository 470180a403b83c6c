import { delimiter, join } from "node:path";
import { renderKnown } from "../contract/expressions.ts";
import type { Assignment } from "../contract/runner.ts";
import type { Ports } from "./ports.ts";
import { MARKER } from "./processes.ts";
import type { RunnerRequest } from "./request.ts";

/** What of the runner's own environment is not the job's: the runner's settings, other trackers, other Pythons. */
const NOT_INHERITED =
  /^(TRAINYARD_(?!JOB_)|MLFLOW_|AZUREML_|AZURE_ML_|NODE_(OPTIONS|COMPILE_CACHE|CHANNEL|UNIQUE)|PYTHON(HOME|PATH|STARTUP|SAFEPATH|DONTWRITEBYTECODE|USERBASE)$|VIRTUAL_ENV|CONDA_|_$|OLDPWD$|SHLVL$)/;

export interface VariablesInput {
  readonly request: RunnerRequest;
  readonly assignment: Assignment;
  readonly ports: Ports;
  readonly work: string;
  /** First on PATH. */
  readonly binDirs: readonly string[];
  /** Of the environment: VIRTUAL_ENV and the like. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The command's environment: the machine's, ours, then the job's own variables, which win. */
export function commandVariables(input: VariablesInput, base: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const { assignment, ports } = input;
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !NOT_INHERITED.test(name)) variables[name] = value;
  }
  Object.assign(variables, platformVariables(input), portVariables(ports), input.environment);
  const secrets = Object.entries(assignment.secrets ?? {}).map(([name, value]) => [`secrets.${name}`, value]);
  const known = { inputs: ports.inputs, outputs: ports.outputs, names: Object.fromEntries(secrets) };
  for (const [name, value] of Object.entries(assignment.environment_variables)) {
    variables[name] = renderKnown(value, known);
  }
  variables.PATH = [...input.binDirs, variables.PATH ?? "/usr/local/bin:/usr/bin:/bin"].join(delimiter);
  variables.TRAINYARD_ATTEMPT = input.request.attemptId;
  variables[MARKER] = input.request.folder;
  return variables;
}

function platformVariables({ request, assignment, work }: VariablesInput): Record<string, string> {
  return {
    PYTHONUNBUFFERED: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_ROOT_USER_ACTION: "ignore",
    TRAINYARD_URL: request.apiUrl,
    TRAINYARD_TOKEN: request.token,
    TRAINYARD_WORKSPACE: request.workspace,
    TRAINYARD_RUN_ID: request.runId,
    MLFLOW_TRACKING_URI: assignment.tracking_uri,
    MLFLOW_TRACKING_TOKEN: request.token,
    MLFLOW_RUN_ID: request.runId,
    MLFLOW_EXPERIMENT_ID: assignment.experiment_id,
    MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: "4194304",
    MLFLOW_DISABLE_TELEMETRY: "true",
    DO_NOT_TRACK: "1",
    GIT_PYTHON_REFRESH: "quiet",
    AZUREML_RUN_ID: request.runId,
    AZUREML_ROOT_RUN_ID: request.runId,
    AZUREML_RUN_TOKEN: request.token,
    AZUREML_EXPERIMENT_ID: assignment.experiment_id,
    AZUREML_EXPERIMENT_NAME: assignment.experiment_name,
    AZUREML_ARM_PROJECT_NAME: assignment.experiment_name,
    AZUREML_ARM_WORKSPACE_NAME: request.workspace,
    AZUREML_ARM_SUBSCRIPTION: "00000000-0000-0000-0000-000000000000",
    AZUREML_ARM_RESOURCEGROUP: "trainyard",
    AZUREML_NODE_COUNT: String(assignment.instance_count),
    AZUREML_CR_EXECUTION_WORKING_DIR_PATH: work,
    AZUREML_DEFAULT_OUTPUTS: join(work, "outputs"),
  };
}

function portVariables(ports: Ports): Record<string, string> {
  const variables: Record<string, string> = {};
  const plain = (name: string) => name.replaceAll(".", "_");
  for (const [name, value] of Object.entries(ports.inputs)) {
    if (value === undefined) continue;
    variables[`AZURE_ML_INPUT_${plain(name)}`] = value;
    variables[`AZUREML_DATAREFERENCE_${plain(name)}`] = value;
  }
  for (const [name, value] of Object.entries(ports.outputs)) {
    variables[`AZURE_ML_OUTPUT_${plain(name)}`] = value;
    variables[`AZUREML_DATAREFERENCE_${plain(name)}`] = value;
  }
  return variables;
}
