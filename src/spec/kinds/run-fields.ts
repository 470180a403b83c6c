import { checkTemplate, SERVER_NAMES } from "../bindings.ts";
import { join } from "../complain.ts";
import { child, keysOf, type SpecNode } from "../nodes.ts";
import {
  anyText,
  anything,
  type CheckContext,
  type Field,
  integer,
  map,
  need,
  object,
  type Type,
  text,
} from "../schema.ts";
import { code, compute, distribution, environment, envVars, queueSettings, resources, services } from "./common.ts";

export const command = text({ maxLength: 100_000 });

export const limits = object("limits", { timeout: integer(1, 31_536_000), max_retries: integer(0, 20) });

/** What a command needs to run, shared by jobs, steps, trials and components. */
export const runFields: Readonly<Record<string, Type | Field>> = {
  command: need(command),
  code,
  environment: need(environment),
  environment_variables: envVars,
  distribution,
  resources,
  queue_settings: queueSettings,
};

export function checkScalarTemplate(
  node: SpecNode,
  name: string,
  at: string,
  ctx: CheckContext,
  scope: Parameters<typeof checkTemplate>[3],
): void {
  const value = child(node, name);
  if (value?.form === "scalar" && value.kind === "str") checkTemplate(value, join(at, name), ctx, scope);
}

/** Expressions in outputs' paths: names the server fills, and inputs (`${{inputs.day}}` in a path is common). */
export function checkOutputPaths(node: SpecNode, at: string, ctx: CheckContext): void {
  const inputNames = keysOf(child(node, "inputs"));
  for (const name of keysOf(child(node, "outputs"))) {
    const output = child(child(node, "outputs"), name);
    if (!output) continue;
    const where = join(join(at, "outputs"), name);
    checkScalarTemplate(output, "path", where, ctx, {
      inputs: inputNames,
      spaces: [...SERVER_NAMES, "inputs", "parent"],
    });
  }
}

/** Azure leaves expressions in environment variables as they are; here they are filled, and unknown ones stay with a warning. */
export function checkEnvironmentVariables(node: SpecNode, at: string, ctx: CheckContext): void {
  const variables = child(node, "environment_variables");
  if (variables?.form !== "map") return;
  const scope = {
    inputs: keysOf(child(node, "inputs")),
    outputs: keysOf(child(node, "outputs")),
    spaces: ["inputs", "outputs", "secrets", "parent", ...SERVER_NAMES],
    lax: true,
  };
  for (const [key, entry] of variables.entries) {
    if (entry.node.form === "scalar")
      checkTemplate(entry.node, join(join(at, "environment_variables"), key), ctx, scope);
  }
}

export function checkCommandJob(node: SpecNode, at: string, ctx: CheckContext): void {
  checkScalarTemplate(node, "command", at, ctx, {
    inputs: keysOf(child(node, "inputs")),
    outputs: keysOf(child(node, "outputs")),
    spaces: ["inputs", "outputs"],
  });
  checkOutputPaths(node, at, ctx);
  checkEnvironmentVariables(node, at, ctx);
}

/** Fields any step may set beside those of its own kind. */
export const stepOverrides: Readonly<Record<string, Type | Field>> = {
  type: anything,
  comment: anyText,
  name: anyText,
  display_name: anyText,
  description: anyText,
  experiment_name: anyText,
  tags: map(anyText),
  properties: map(anyText),
  compute,
  resources,
  services,
  queue_settings: queueSettings,
  limits,
};
