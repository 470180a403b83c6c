import type { OnlineDeploymentSpec } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { Files } from "../files/ports.ts";
import { secretsNamed } from "../secrets/secrets.ts";
import { probeOf, requestSettingsOf } from "./defaults.ts";
import type { Hosting } from "./hosting.ts";
import { mlflowEnvironment, withMlflow } from "./mlflow-environment.ts";
import { planModel } from "./plan-model.ts";
import type { Environments } from "./ports.ts";
import type { RevisionPlan } from "./record.ts";

export interface PlanDeps {
  readonly files: Files;
  readonly environments: Environments;
  readonly hosting: Hosting;
}

/** Judges a deployment's spec against the workspace and pins what it names. What can't be deployed is refused here, before anything is made. */
export async function planRevision(
  deps: PlanDeps,
  workspace: string,
  spec: OnlineDeploymentSpec,
): Promise<RevisionPlan> {
  mustNameNoSecret(spec);
  const { warnings, ...hosted } = deps.hosting.planDeployment(spec);
  const [planned, code] = await Promise.all([
    spec.model === undefined ? undefined : planModel(deps, workspace, spec.model),
    planCode(deps, workspace, spec),
  ]);
  const model = planned?.model;
  const environment = await planEnvironment(deps, workspace, spec, model);
  return {
    ...(model === undefined ? {} : { model }),
    ...(code === undefined ? {} : { code }),
    environment: environment.spec,
    environmentVariables: spec.environment_variables ?? {},
    requestSettings: requestSettingsOf(spec),
    readinessProbe: probeOf(spec.readiness_probe),
    livenessProbe: probeOf(spec.liveness_probe),
    ...hosted,
    warnings: [...(planned?.warnings ?? []), ...environment.warnings, ...warnings],
  };
}

function mustNameNoSecret({ environment_variables: variables = {} }: OnlineDeploymentSpec): void {
  const [name] = secretsNamed(variables);
  if (name === undefined) return;
  throw new AppError(
    "NotSupported",
    `\`environment_variables\` name the secret \`${name}\`, which deployments don't get`,
    {
      hint: "secrets are for jobs; a scoring script reads its own from where it may",
    },
  );
}

async function planCode(deps: PlanDeps, workspace: string, spec: OnlineDeploymentSpec): Promise<RevisionPlan["code"]> {
  if (spec.code_configuration === undefined) return undefined;
  const { code, scoring_script } = spec.code_configuration;
  const script = scoring_script.replace(/^\.\//, "");
  if (script === "" || script.startsWith("/") || script.split("/").includes("..")) {
    throw new AppError(
      "InvalidPath",
      `\`code_configuration.scoring_script\`: \`${scoring_script}\` is not a path inside the code folder`,
    );
  }
  const found = await deps.files.resolve(workspace, code, "file");
  const listing = await deps.files
    .list(workspace, `${found.uri.replace(/\/$/, "")}/${script}`)
    .catch((error: unknown) => {
      if (error instanceof AppError && error.code === "NotFound") return undefined;
      throw error;
    });
  if (listing?.isFile !== true) {
    throw new AppError("InvalidSpec", `the scoring script \`${scoring_script}\` is not in the code folder`, {
      hint: "`scoring_script` is relative to `code`",
    });
  }
  return { uri: found.uri, scoring_script: script };
}

async function planEnvironment(
  deps: PlanDeps,
  workspace: string,
  spec: OnlineDeploymentSpec,
  model: RevisionPlan["model"],
): Promise<Awaited<ReturnType<Environments["resolve"]>>> {
  const noCode = spec.code_configuration === undefined;
  if (noCode && model === undefined) {
    throw new AppError(
      "NotSupported",
      "a deployment without `code_configuration` and `model` brings its own server in a container, which this home can't run",
      {
        hint: "give a model and a scoring script, or an MLflow model",
      },
    );
  }
  if (spec.environment !== undefined) {
    const resolved = await deps.environments.resolve(workspace, spec.environment);
    if (!noCode || model === undefined) return resolved;
    // Refuses what is no MLflow model, whatever the environment.
    await mlflowEnvironment(deps, workspace, model);
    return { ...resolved, spec: withMlflow(resolved.spec) };
  }
  if (noCode && model !== undefined) return mlflowEnvironment(deps, workspace, model);
  throw new AppError("InvalidSpec", "a deployment with a scoring script needs an `environment`", {
    hint: "name one, e.g. `azureml://registries/azureml/environments/sklearn-1.5/labels/latest`, or give a conda_file",
  });
}
