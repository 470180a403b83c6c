import { LITERAL_TYPES } from "../../contract/names.ts";
import { child, nounOf, type ScalarNode, type SpecNode } from "../nodes.ts";
import type { CheckContext } from "../schema.ts";
import { listed, nearest } from "../suggest.ts";

export { LITERAL_TYPES };

export const DATA_TYPES = [
  "uri_file",
  "uri_folder",
  "mltable",
  "mlflow_model",
  "custom_model",
  "triton_model",
] as const;

/** Type of a bare literal, as Azure infers it. */
export function literalType(node: ScalarNode): (typeof LITERAL_TYPES)[number] {
  return node.kind === "int"
    ? "integer"
    : node.kind === "float"
      ? "number"
      : node.kind === "bool"
        ? "boolean"
        : "string";
}

/** Text a literal becomes in a command: as written, booleans as Python prints them. */
export function literalText(node: ScalarNode): string {
  return node.kind === "bool" ? (node.value === true ? "True" : "False") : node.text;
}

const INTEGER_TEXT = /^[-+]?\d[\d_]*$/;
const NUMBER_TEXT = /^[-+]?(?:(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\.?inf|\.?nan|infinity)$/i;

/** Says whether a text can stand for a value of the type; Azure hands all of them over as text. */
export function fitsLiteral(type: string, value: string): boolean {
  if (type === "integer")
    return INTEGER_TEXT.test(value) || (NUMBER_TEXT.test(value) && Number.isInteger(Number(value)));
  if (type === "number") return NUMBER_TEXT.test(value);
  if (type === "boolean") return /^(?:true|false|yes|no|on|off|[01ytnf])$/i.test(value);
  return true;
}

const LITERAL_NOUNS: Readonly<Record<string, string>> = {
  integer: "a whole number",
  number: "a number",
  boolean: "`true` or `false`",
  string: "text",
};

/** Checks a literal against what a port declares: type, `enum`, `min` and `max`. */
export function checkLiteral(port: SpecNode, value: ScalarNode, at: string, ctx: CheckContext, what: string): void {
  const declared = child(port, "type");
  const type = declared?.form === "scalar" ? declared.text.toLowerCase() : "string";
  if (!fitsLiteral(type, value.text)) {
    ctx.findings.error(value, at, `${what} must be ${LITERAL_NOUNS[type] ?? type}, not ${nounOf(value)}`);
    return;
  }
  const choices = child(port, "enum");
  if (choices?.form === "list") {
    const words = choices.items.flatMap((item) => (item.form === "scalar" ? [item.text] : []));
    if (!words.includes(value.text) && !words.includes(literalText(value))) {
      const near = nearest(value.text, words);
      const hint = near === undefined ? undefined : `did you mean \`${near}\`?`;
      const message = `${what} must be one of ${listed(words)}, not ${nounOf(value)}`;
      // Azure does not hold numbers against the words of an enum, and its own examples count on it.
      if (value.kind === "str") ctx.findings.error(value, at, message, hint);
      else ctx.findings.warn(value, at, message, hint);
    }
  }
  if (type !== "integer" && type !== "number") return;
  const amount = Number(value.text.replaceAll("_", ""));
  const bound = (name: string) => {
    const node = child(port, name);
    return node?.form === "scalar" && NUMBER_TEXT.test(node.text) ? Number(node.text) : undefined;
  };
  const [min, max] = [bound("min"), bound("max")];
  if (min !== undefined && amount < min)
    ctx.findings.error(value, at, `${what} is \`${value.text}\`, below the minimum \`${min}\``);
  if (max !== undefined && amount > max)
    ctx.findings.error(value, at, `${what} is \`${value.text}\`, above the maximum \`${max}\``);
}
