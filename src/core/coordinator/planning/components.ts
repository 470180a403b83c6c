import * as z from "zod";
import { EnvironmentValue } from "../../../contract/environments.ts";
import { AppError } from "../../../contract/errors.ts";
import type { ComponentValue } from "../../../contract/pipelines.ts";
import { stepSpec } from "../../../spec/wire-jobs.ts";
import type { AssetStore, AssetVersion } from "../../assets/ports.ts";
import { findVersion } from "../../assets/read-assets.ts";

const Scalar = z.union([z.string(), z.number(), z.boolean()]);

/** One input or output as a component declares it. */
export const Port = z.looseObject({
  type: z.string().optional(),
  optional: z.union([z.boolean(), z.string()]).optional(),
  default: Scalar.nullish(),
  enum: z.array(Scalar).optional(),
  mode: z.string().optional(),
});
export type Port = z.infer<typeof Port>;

/** Of a component what planning reads; the rest of it is words. */
export const ComponentBody = z.looseObject({
  type: z.string().default("command"),
  inputs: z.record(z.string(), Port).nullish(),
  outputs: z.record(z.string(), Port.nullable()).nullish(),
  command: z.string().optional(),
  code: z.string().nullish(),
  environment: EnvironmentValue.optional(),
  environment_variables: z.record(z.string(), z.string()).nullish(),
  resources: z.record(z.string(), z.unknown()).nullish(),
  distribution: z.unknown().optional(),
  limits: z.record(z.string(), z.unknown()).nullish(),
  queue_settings: z.record(z.string(), z.unknown()).nullish(),
  is_deterministic: z.boolean().optional(),
  jobs: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  settings: z.record(z.string(), z.unknown()).nullish(),
});
export type ComponentBody = z.infer<typeof ComponentBody>;

/** Types by which ports are known, whatever they are called. */
const TYPES: Readonly<Record<string, string>> = { path: "uri_folder", float: "number", datetime: "string" };

export function portType(port: Port | null | undefined): string | undefined {
  const type = port?.type?.toLowerCase();
  return type === undefined ? undefined : (TYPES[type] ?? type);
}

/** Steps of a pipeline component as a job has them: a component's file has fields that are nobody's business here. */
export function stepsIn(body: ComponentBody): Record<string, unknown> | undefined {
  const { jobs } = body;
  if (jobs === undefined) return undefined;
  return Object.fromEntries(Object.entries(jobs).map(([name, step]) => [name, stepSpec(step)]));
}

/** The component that a step names, or holds. Throws NotFound, NotSupported or InvalidSpec. */
export async function findComponent(
  deps: { readonly assets: AssetStore },
  workspace: string,
  value: ComponentValue,
): Promise<ComponentBody> {
  const given = typeof value === "string" ? await readComponent(deps, workspace, value.trim()) : value;
  const parsed = ComponentBody.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError("InvalidSpec", `the component's \`${issue?.path.join(".")}\`: ${issue?.message}`);
}

/** The version that `azureml:NAME:VERSION`, `azureml:NAME@LABEL` or a name stands for. Throws NotFound, or InvalidSpec for what is no reference. */
export async function findComponentVersion(
  deps: { readonly assets: AssetStore },
  workspace: string,
  ref: string,
): Promise<AssetVersion> {
  const registry = /^azureml:\/\/registries\/([^/]+)\//.exec(ref)?.[1];
  if (registry !== undefined) {
    throw new AppError("NotFound", `\`${ref}\` is in registry \`${registry}\`; this home has no Azure registries`, {
      hint: "register the component in the workspace with `yard component create`",
    });
  }
  const [, name, label, version] = /^(?:azureml:)?([\w.-]+)(?:@([\w.-]+)|:([\w.-]+))?$/.exec(ref) ?? [];
  if (name === undefined) throw new AppError("InvalidSpec", `\`${ref}\` names no component`);
  // `default` is Azure's label of a component's newest version.
  const wanted = version ?? `@${label === undefined || label === "default" ? "latest" : label}`;
  const found = await findVersion(deps, workspace, "component", name, wanted);
  if (found === undefined) {
    throw new AppError("NotFound", `workspace \`${workspace}\` has no component \`${name}\` of version \`${wanted}\``, {
      hint: "`yard component list` shows those there are",
    });
  }
  return found.asset;
}

async function readComponent(
  deps: { readonly assets: AssetStore },
  workspace: string,
  ref: string,
): Promise<Record<string, unknown>> {
  const { type, body } = await findComponentVersion(deps, workspace, ref);
  const { spec } = body as { readonly spec: Record<string, unknown> };
  return { ...spec, ...(type === undefined ? {} : { type }) };
}
