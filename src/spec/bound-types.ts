import { wholeBinding } from "../contract/expressions.ts";
import { isLiteral } from "../contract/names.ts";
import { join } from "./complain.ts";
import { child, keysOf, type SpecNode, textOf } from "./nodes.ts";
import type { CheckContext } from "./schema.ts";
import type { Step } from "./steps.ts";

/** Outputs of steps against the types of what they are bound to: a text can't be a folder. Sorts of files stand in for each other, as in Azure. */
export function checkBoundTypes(
  step: Step,
  pipeline: SpecNode,
  steps: ReadonlyMap<string, Step>,
  ctx: CheckContext,
): void {
  const given = child(step.node, "inputs");
  for (const name of keysOf(given)) {
    const value = child(given, name);
    const source = boundTo(value, steps);
    const wanted = typeOf(child(step.ports?.inputs, name));
    if (value === undefined || source === undefined || wanted === undefined || fits(source.type, wanted)) continue;
    const message = `input \`${name}\` is of type \`${wanted}\`, but output \`${source.output}\` of step \`${source.step}\` is \`${source.type}\``;
    ctx.findings.error(value, join(join(step.field, "inputs"), name), message);
  }
  const outputs = child(step.node, "outputs");
  for (const name of keysOf(outputs)) {
    const value = child(outputs, name);
    const made = typeOf(child(step.ports?.outputs, name));
    const path = bindingIn(value);
    const wanted =
      path?.[1] === "outputs" ? typeOf(child(child(pipeline, "outputs"), path.slice(2).join("."))) : undefined;
    if (value === undefined || made === undefined || wanted === undefined || isLiteral(made) === isLiteral(wanted))
      continue;
    const message = `output \`${name}\` is of type \`${made}\`, but the pipeline's output \`${path?.slice(2).join(".")}\` is \`${wanted}\``;
    ctx.findings.error(value, join(join(step.field, "outputs"), name), message);
  }
}

function bindingIn(value: SpecNode | undefined): readonly string[] | undefined {
  const text = value?.form === "map" ? textOf(child(value, "path")) : textOf(value);
  const path = text === undefined ? undefined : wholeBinding(text)?.path;
  return path?.[0] === "parent" ? path : undefined;
}

/** The output that a value is bound to, where its type is known. */
function boundTo(
  value: SpecNode | undefined,
  steps: ReadonlyMap<string, Step>,
): { readonly step: string; readonly output: string; readonly type: string } | undefined {
  const [, found, step = "", side, ...rest] = bindingIn(value) ?? [];
  if (found !== "jobs" || side !== "outputs") return undefined;
  const output = rest.join(".");
  const target = steps.get(step);
  const own = child(child(target?.node, "outputs"), output);
  const declared = child(target?.ports?.outputs, output);
  const type = typeOf(declared ?? (own?.form === "map" ? own : undefined));
  return type === undefined ? undefined : { step, output, type };
}

/** As written; undefined where nothing is said. */
function typeOf(port: SpecNode | undefined): string | undefined {
  return textOf(child(port, "type"))?.toLowerCase();
}

function fits(given: string, wanted: string): boolean {
  if (isLiteral(given) !== isLiteral(wanted)) return false;
  if (!isLiteral(wanted) || wanted === "string" || given === wanted) return true;
  return wanted === "number" && given === "integer";
}
