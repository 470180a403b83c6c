import type { InvokeBatchEndpoint } from "../../contract/batch-endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { JobInput } from "../../contract/job-parts.ts";
import type { Job } from "../../contract/jobs.ts";
import { LITERAL_TYPES } from "../../contract/names.ts";
import { findComponent, type Port, portType } from "../coordinator/planning/components.ts";
import { withoutValue } from "../coordinator/planning/ports.ts";
import { type Problem, refuse } from "../jobs/problems.ts";
import type { BatchEndpointDeps, BatchEndpointRecord } from "./ports.ts";
import { findDeployment } from "./put-deployment.ts";

/** Tags of a job that an endpoint submitted. */
const ENDPOINT_TAG = "endpoint.name";
const DEPLOYMENT_TAG = "endpoint.deployment";

/** Submits the pipeline of a deployment, the default where none is named. What is wrong with inputs and outputs is told with their fields. */
export async function invokeEndpoint(
  deps: Pick<BatchEndpointDeps, "assets" | "submit">,
  input: { readonly endpoint: BatchEndpointRecord; readonly request: InvokeBatchEndpoint; readonly actor: string },
): Promise<Job> {
  const { endpoint, request, actor } = input;
  const { workspace } = endpoint;
  const chosen = request.deployment_name ?? endpoint.defaultDeployment;
  if (chosen === undefined)
    throw new AppError("InvalidArgument", `batch endpoint \`${endpoint.name}\` has no default deployment`, {
      hint: "name one, or set the default with `yard batch-endpoint update --set defaults.deployment_name=NAME`",
    });
  const deployment = findDeployment(endpoint, chosen);
  const body = await findComponent(deps, workspace, deployment.component);
  const inputs = inputsOf(request, body.inputs ?? {});
  const { outputs, display_name, description } = request;
  const { job } = await deps.submit({
    workspace,
    actor,
    request: {
      spec: {
        type: "pipeline",
        component: deployment.component,
        inputs,
        ...(outputs === undefined ? {} : { outputs }),
        settings: deployment.settings,
        experiment_name: request.experiment_name ?? endpoint.name,
        ...(display_name === undefined ? {} : { display_name }),
        ...(description === undefined ? {} : { description }),
        tags: { ...request.tags, [ENDPOINT_TAG]: endpoint.name, [DEPLOYMENT_TAG]: deployment.name },
      },
    },
  });
  return job;
}

/** Inputs as a job has them: plain ones get the type that the component says. */
function inputsOf(request: InvokeBatchEndpoint, ports: Readonly<Record<string, Port>>): Record<string, JobInput> {
  const problems: Problem[] = [];
  const inputs: Record<string, JobInput> = {};
  for (const [name, given] of Object.entries(request.inputs ?? {})) {
    const port = portAt(ports, name);
    if (port === undefined)
      problems.push({ field: `inputs.${name}`, message: `the pipeline has no input \`${name}\``, hint: hintOf(ports) });
    else inputs[name] = typeof given === "object" ? given : plainInput(port, String(given));
  }
  const groups = new Set(Object.keys(inputs).map((name) => name.split(".")[0]));
  for (const [name, port] of Object.entries(ports))
    if (!groups.has(name) && withoutValue(port) === undefined)
      problems.push({ field: `inputs.${name}`, message: `required input \`${name}\` is not given` });
  refuse(problems);
  return inputs;
}

/** `group.member` is of the group's port, whose members only planning knows. */
function portAt(ports: Readonly<Record<string, Port>>, name: string): Port | undefined {
  const [group = name] = name.split(".");
  const key = [name, group].find((each) => Object.hasOwn(ports, each));
  return key === undefined ? undefined : ports[key];
}

function plainInput(port: Port, text: string): JobInput {
  const type = portType(port) ?? "string";
  const literal = LITERAL_TYPES.find((each) => each === type);
  if (literal !== undefined) return { type: literal, value: text };
  return type.startsWith("uri_") || type === "mltable" || type.endsWith("_model")
    ? ({ type, path: text } as JobInput)
    : { type: "string", value: text };
}

function hintOf(ports: Readonly<Record<string, Port>>): string {
  const names = Object.keys(ports).map((each) => `\`${each}\``);
  return names.length === 0 ? "it has no inputs" : `its inputs are ${names.join(", ")}`;
}
