import type * as z from "zod";
import { ComponentSpec } from "../../contract/assets.ts";
import type { BatchDeploymentSpec } from "../../contract/batch-endpoints.ts";
import { AssetName, AssetVersion } from "../../contract/common.ts";
import { AppError } from "../../contract/errors.ts";
import type { ComponentValue } from "../../contract/pipelines.ts";
import type { AssetVersion as Version } from "../assets/ports.ts";
import { registerComponent } from "../components/register-component.ts";
import { findComponent, findComponentVersion } from "../coordinator/planning/components.ts";
import { check, makeFindings, type Problem, refuse } from "../jobs/problems.ts";
import { changeEndpoint, findEndpoint, noEndpoint } from "./change-endpoint.ts";
import type { BatchDeploymentRecord, BatchEndpointDeps, BatchEndpointRecord } from "./ports.ts";

const MOST = 100;

export interface DeploymentId {
  readonly workspace: string;
  readonly endpoint: string;
  readonly deployment: string;
}

/** Publishes a pipeline component under a name of an endpoint. The reference is pinned: what a label names later changes nothing. */
export async function putDeployment(
  deps: Omit<BatchEndpointDeps, "submit">,
  input: { readonly id: DeploymentId; readonly spec: BatchDeploymentSpec; readonly actor: string },
): Promise<{ readonly endpoint: BatchEndpointRecord; readonly deployment: BatchDeploymentRecord }> {
  const { id, spec, actor } = input;
  const { workspace, deployment: name } = id;
  await findEndpoint(deps, workspace, id.endpoint);
  const component = await componentOf(deps, input);
  const nowMs = deps.clock.now();
  const deployment: BatchDeploymentRecord = {
    name,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    tags: spec.tags ?? {},
    properties: spec.properties ?? {},
    component: `azureml:${component.name}:${component.version}`,
    settings: spec.settings ?? {},
    createdMs: nowMs,
    createdBy: actor,
  };
  const endpoint = await changeEndpoint(deps, { workspace, name: id.endpoint }, (standing) => {
    if (standing === undefined) throw noEndpoint(workspace, id.endpoint);
    const others = standing.deployments.filter((each) => each.name !== name);
    if (others.length >= MOST) throw new AppError("TooLarge", `an endpoint has at most ${MOST} deployments`);
    const deployments = [...others, deployment].sort((a, b) => (a.name < b.name ? -1 : 1));
    const summary = `deployment \`${name}\` of batch endpoint \`${id.endpoint}\` is \`${deployment.component}\``;
    return { next: { ...standing, deployments }, deed: { actor, action: "deploy", summary } };
  });
  return { endpoint, deployment };
}

/** The default stays until another one is, or the endpoint goes. */
export async function deleteDeployment(
  deps: Pick<BatchEndpointDeps, "batchEndpoints" | "clock">,
  { id, actor }: { readonly id: DeploymentId; readonly actor: string },
): Promise<void> {
  await changeEndpoint(deps, { workspace: id.workspace, name: id.endpoint }, (standing) => {
    if (standing === undefined) throw noEndpoint(id.workspace, id.endpoint);
    findDeployment(standing, id.deployment);
    if (standing.defaultDeployment === id.deployment)
      throw new AppError("InUse", `deployment \`${id.deployment}\` is the default of endpoint \`${id.endpoint}\``, {
        hint: "make another one the default, or delete the endpoint",
      });
    const deployments = standing.deployments.filter(({ name }) => name !== id.deployment);
    const summary = `deployment \`${id.deployment}\` of batch endpoint \`${id.endpoint}\` deleted`;
    return { next: { ...standing, deployments }, deed: { actor, action: "undeploy", summary } };
  });
}

/** Throws NotFound. */
export function findDeployment(endpoint: BatchEndpointRecord, name: string): BatchDeploymentRecord {
  const found = endpoint.deployments.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = endpoint.deployments.map((each) => `\`${each.name}\``).join(", ");
  throw new AppError("NotFound", `batch endpoint \`${endpoint.name}\` has no deployment \`${name}\``, {
    hint: names === "" ? "it has none yet" : `it has ${names}`,
  });
}

/** Looked at before it is registered, so that nothing is registered of what is refused. */
async function componentOf(
  deps: Omit<BatchEndpointDeps, "submit">,
  { id, spec, actor }: { readonly id: DeploymentId; readonly spec: BatchDeploymentSpec; readonly actor: string },
): Promise<Version> {
  const { component: given } = spec;
  const { workspace } = id;
  const findings = makeFindings();
  const found = await check(findings, "component", async () => {
    const body = await findComponent(deps, workspace, given);
    if (body.type !== "pipeline")
      throw new AppError("InvalidSpec", `the component is of type \`${body.type}\``, {
        hint: "a batch endpoint runs pipelines; put the component in a pipeline component with one step",
      });
    return typeof given === "string" ? findComponentVersion(deps, workspace, given.trim()) : undefined;
  });
  refuse(findings.problems);
  if (found !== undefined) return found;
  const { asset } = await registerComponent(deps, { workspace, actor, ...registrationOf(given, id.deployment) });
  return asset;
}

/** A component's file as what registers it. */
function registrationOf(
  given: ComponentValue,
  defaultName: string,
): { readonly name: string; readonly version?: string; readonly spec: z.output<typeof ComponentSpec> } {
  const {
    $schema: _,
    name,
    version,
    display_name,
    description,
    tags,
    properties,
    ...spec
  } = given as Record<string, unknown>;
  const words = Object.fromEntries(
    Object.entries({ display_name, description, tags, properties }).filter(([, value]) => value !== undefined),
  );
  const parsed = {
    name: AssetName.safeParse(name ?? defaultName),
    version: AssetVersion.optional().safeParse(version === undefined ? undefined : String(version)),
    spec: ComponentSpec.safeParse({ ...words, type: "pipeline", spec }),
  };
  if (parsed.name.success && parsed.version.success && parsed.spec.success) {
    const number = parsed.version.data;
    return { name: parsed.name.data, ...(number === undefined ? {} : { version: number }), spec: parsed.spec.data };
  }
  const problems = Object.entries(parsed).flatMap(([part, { error }]): Problem[] =>
    (error?.issues ?? []).map(({ path, message }) => {
      const below = part === "spec" ? path : [part, ...path];
      return { field: ["component", ...below].join("."), message };
    }),
  );
  refuse(problems);
  throw new Error("a component that can't be registered has no problem");
}
