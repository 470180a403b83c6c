import { readFileSync, statSync } from "node:fs";
import { AppError } from "../contract/errors.ts";

const LIMIT_BYTES = 64 * 1024;

/** What a command wrote to the file of a literal output, as text; booleans as a command's parameters have them, `True` and `False`. */
export function readLiteral(name: string, type: string, path: string): string {
  const { size } = statSync(path);
  if (size > LIMIT_BYTES) {
    throw new AppError("TooLarge", `output \`${name}\` is a ${type}, and its file has ${size} bytes`, {
      hint: `a literal output takes ${LIMIT_BYTES} bytes; make it a \`uri_file\``,
    });
  }
  const text = readFileSync(path, "utf8").replace(/\r?\n$/, "");
  const value = type === "string" ? text : plainForm(type, text.trim());
  if (value !== undefined) return value;
  throw new AppError(
    "InvalidArgument",
    `output \`${name}\` is a ${type}, and the command wrote \`${text.slice(0, 80)}\``,
    {
      hint: `write \`${EXAMPLES[type]}\`, say, to the file at \`\${{outputs.${name}}}\``,
    },
  );
}

const EXAMPLES: Readonly<Record<string, string>> = { boolean: "true", integer: "42", number: "0.5" };

function plainForm(type: string, text: string): string | undefined {
  if (type === "boolean") return { true: "True", false: "False" }[text.toLowerCase()];
  if (type === "integer") return /^[+-]?\d+$/.test(text) ? text : undefined;
  return text !== "" && !Number.isNaN(Number(text)) ? text : undefined;
}
