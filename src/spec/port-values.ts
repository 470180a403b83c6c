import { wholeBinding } from "../contract/expressions.ts";
import { checkLiteral, DATA_TYPES } from "./kinds/literals.ts";
import { child, isNull, type ScalarNode, type SpecNode, textOf } from "./nodes.ts";
import type { CheckContext } from "./schema.ts";

/** A port that must be given a value: it is not optional and has none of its own. */
export function isRequired(port: SpecNode | undefined): boolean {
  const optional = child(port, "optional");
  if (optional?.form === "scalar" && /^true$/i.test(optional.text)) return false;
  return isNull(child(port, "default"));
}

const isData = (type: string | undefined) =>
  type !== undefined && ((DATA_TYPES as readonly string[]).includes(type) || type === "path");

/** A value against the declared type of the port it goes to, through the pipeline's own input when it is bound to one. */
export function checkValue(
  port: SpecNode,
  value: SpecNode,
  field: string,
  name: string,
  pipeline: SpecNode,
  ctx: CheckContext,
): void {
  const type = textOf(child(port, "type"))?.toLowerCase();
  const what = `input \`${name}\``;
  const bound = value.form === "scalar" ? wholeBinding(value.text) : undefined;
  if (bound) {
    if (bound.path[0] !== "parent") return;
    const [, space, ...rest] = bound.path;
    if (space === "jobs" && !isData(type) && type !== undefined && rest[1] === "outputs") return;
    if (space !== "inputs") return;
    const source = child(child(pipeline, "inputs"), rest.join("."));
    const declared = textOf(child(source, "type"))?.toLowerCase();
    const sourceIsData =
      source?.form === "map" && (isData(declared) || (declared === undefined && child(source, "path") !== undefined));
    if (isData(type) && source?.form === "scalar" && source.kind !== "null" && source.kind !== "str") {
      ctx.findings.error(value, field, `${what} takes \`${type}\`, but \`${rest.join(".")}\` is ${describe(source)}`);
    } else if (!isData(type) && sourceIsData) {
      ctx.findings.error(
        value,
        field,
        `${what} is of type \`${type}\`, but \`${rest.join(".")}\` is \`${declared ?? "uri_folder"}\``,
      );
    } else if (!isData(type) && source?.form === "scalar" && source.kind !== "null") {
      checkLiteral(port, { ...source, ...{ src: value.src, start: value.start, end: value.end } }, field, ctx, what);
    }
    return;
  }
  if (value.form === "map") {
    const given = textOf(child(value, "type"))?.toLowerCase();
    const literal = child(value, "value") ?? child(value, "default");
    if (
      !isData(type) &&
      type !== undefined &&
      (isData(given) || (given === undefined && child(value, "path") !== undefined && literal === undefined))
    ) {
      const path = textOf(child(value, "path"));
      if (path === undefined || !wholeBinding(path))
        ctx.findings.error(value, field, `${what} is of type \`${type}\`, not \`${given ?? "uri_folder"}\``);
    } else if (!isData(type) && literal?.form === "scalar") checkLiteral(port, literal, field, ctx, what);
    return;
  }
  if (value.form !== "scalar" || value.kind === "null" || value.text.includes("${{")) return;
  if (!isData(type)) checkLiteral(port, value, field, ctx, what);
  else if (value.kind !== "str")
    ctx.findings.error(
      value,
      field,
      `${what} takes \`${type}\`, not ${describe(value)}`,
      `write \`type: ${type}\` and \`path: ...\``,
    );
}

function describe(node: ScalarNode): string {
  return node.kind === "bool" ? `the boolean \`${node.text}\`` : `the number \`${node.text}\``;
}
