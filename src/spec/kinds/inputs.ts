import { check } from "../check.ts";
import { join, missingField, wrong } from "../complain.ts";
import { child, isNull, type MapNode, placeAt, type SpecNode } from "../nodes.ts";
import {
  anything,
  boolean,
  type CheckContext,
  type CustomType,
  field,
  list,
  map,
  object,
  oneOf,
  ref,
  scalar,
  shape,
  type Type,
  text,
} from "../schema.ts";
import { listed, nearest } from "../suggest.ts";
import { description, version } from "./common.ts";
import { checkLiteral, DATA_TYPES, LITERAL_TYPES, literalText, literalType } from "./literals.ts";

const INPUT_MODES = ["ro_mount", "download", "direct", "eval_mount", "eval_download"];
const OUTPUT_MODES = ["rw_mount", "mount", "upload", "direct"];

/** A Python identifier; the flattened name of a group input has dots. */
export const PORT_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/**
 * `strict`: the value is about to be used, so a path must be there. Elsewhere Azure takes an input without a path (`--set` gives it
 * later) and one whose file does not exist yet (a script makes it).
 */
const dataInput = (type: string, strict: boolean): Type => {
  const model = type.endsWith("_model");
  const form = type === "uri_file" ? "file" : type === "uri_folder" ? "dir" : "any";
  const place = ref(model ? "model" : "data", {
    also: model ? ["data"] : ["model"],
    versioned: true,
    uri: true,
    local: form,
    absent: strict ? "error" : "warning",
  });
  return object(`a ${type} input`, {
    type: anything,
    path: field(place, { required: strict }),
    mode: { t: "enum", values: INPUT_MODES, also: { mount: "ro_mount" } },
    description,
    optional: boolean,
    datastore: text(),
    path_on_compute: text(),
  });
};
/** An input without a type is a folder by name only: Azure takes a file, too. */
const UNDECLARED = "data";
const dataInputs = (strict: boolean): Readonly<Record<string, Type>> =>
  Object.fromEntries([...DATA_TYPES, UNDECLARED].map((type) => [type, dataInput(type, strict)]));
const LENIENT_INPUTS = dataInputs(false);
const STRICT_INPUTS = dataInputs(true);

const literalFields = {
  type: anything,
  value: scalar,
  default: scalar,
  min: scalar,
  max: scalar,
  enum: list(scalar),
  optional: boolean,
  description,
};
const literalInput = object("a literal input", literalFields);

function checkInput(node: SpecNode, at: string, ctx: CheckContext, cases: Readonly<Record<string, Type>>): unknown {
  if (node.form === "scalar") {
    // An input named without a value is one that is not given.
    if (node.kind === "null") return { type: "string" };
    return { type: literalType(node), value: literalText(node) };
  }
  if (node.form === "list")
    return wrong(
      node,
      at,
      ctx,
      "text, a number, a boolean or a map with `type` and `path`",
      "a list has no place on a command line: write it as text",
    );
  const declared = child(node, "type");
  const type = declared?.form === "scalar" ? declared.text.toLowerCase() : inferInputType(node);
  const known: readonly string[] = [...DATA_TYPES, ...LITERAL_TYPES];
  const chosen = declared && !known.includes(type) ? undefined : cases[declared || !isData(type) ? type : UNDECLARED];
  if (chosen) {
    const made = check(chosen, node, at, ctx);
    if (isNull(child(node, "path")))
      ctx.findings.warn(
        node,
        join(at, "path"),
        "the input has no `path`",
        `give it in the file, or with \`--set ${join(at, "path")}=...\``,
      );
    return typeof made === "object" && made !== null ? { type, ...made, ...(declared ? { type } : {}) } : undefined;
  }
  if ((LITERAL_TYPES as readonly string[]).includes(type)) return checkLiteralInput(node, type, at, ctx);
  const near = nearest(type, known);
  ctx.findings.error(
    declared ?? node,
    join(at, "type"),
    `unknown input type \`${type}\`; it is one of ${listed(known)}`,
    near === undefined ? undefined : `did you mean \`${near}\`?`,
  );
  return undefined;
}

function isData(type: string): boolean {
  return (DATA_TYPES as readonly string[]).includes(type);
}

function inferInputType(node: MapNode): string {
  if (node.entries.has("value") || (node.entries.has("default") && !node.entries.has("path"))) {
    const value = child(node, "value") ?? child(node, "default");
    return value?.form === "scalar" ? literalType(value) : "string";
  }
  return "uri_folder";
}

function checkLiteralInput(node: MapNode, type: string, at: string, ctx: CheckContext): unknown {
  const strayPath = node.entries.get("path");
  if (strayPath) {
    ctx.findings.error(
      placeAt(strayPath.src, strayPath.keyStart),
      join(at, "path"),
      `an input of type \`${type}\` has a \`value\`, not a \`path\``,
    );
    return undefined;
  }
  check(literalInput, node, at, ctx);
  const [key, value] = child(node, "value") ? ["value", child(node, "value")] : ["default", child(node, "default")];
  if (value?.form !== "scalar" || value.kind === "null") {
    if (child(node, "optional")?.form !== "scalar") missingField("value", join(at, "value"), node, ctx);
    return { type };
  }
  checkLiteral(node, value, join(at, key ?? "value"), ctx, `input \`${at.slice(at.lastIndexOf(".") + 1)}\``);
  return { type, value: literalText(value) };
}

const input = (cases: Readonly<Record<string, Type>>): CustomType => ({
  t: "custom",
  noun: "an input",
  check: (node, at, ctx) => checkInput(node, at, ctx, cases),
  json: {
    anyOf: [
      { type: ["string", "number", "boolean", "null"] },
      {
        type: "object",
        properties: {
          type: { enum: [...DATA_TYPES, ...LITERAL_TYPES] },
          path: { type: "string" },
          mode: { enum: INPUT_MODES },
          value: { type: ["string", "number", "boolean"] },
        },
      },
    ],
  },
});
const inputMap = (cases: Readonly<Record<string, Type>>) =>
  map(input(cases), { key: PORT_NAME, keyNoun: "input name", keySays: "a Python identifier" });
export const inputs = inputMap(LENIENT_INPUTS);
export const strictInputs = inputMap(STRICT_INPUTS);

export const outputObject = object("an output", {
  type: oneOf(...DATA_TYPES, ...LITERAL_TYPES),
  mode: oneOf(...OUTPUT_MODES),
  path: text(),
  name: text(),
  version,
  description,
});
export const output: Type = shape({ map: outputObject, null: anything });
export const outputs = map(output, { key: PORT_NAME, keyNoun: "output name", keySays: "a Python identifier" });
