import { checkTemplate } from "../bindings.ts";
import { check } from "../check.ts";
import { join, missingField } from "../complain.ts";
import { child, isNull, keysOf, type SpecNode, textOf } from "../nodes.ts";
import {
  anyText,
  anything,
  boolean,
  type CheckContext,
  type CustomType,
  type Field,
  list,
  map,
  need,
  object,
  oneOf,
  path,
  scalar,
  shape,
  type Type,
  text,
  variant,
} from "../schema.ts";
import { transferFields } from "./azure-jobs.ts";
import { autoDelete, code, description, environment, envVars, serverFields, tags, version } from "./common.ts";
import { PORT_NAME } from "./inputs.ts";
import { parallelFields, sparkFields } from "./jobs.ts";
import { checkLiteral, DATA_TYPES, LITERAL_TYPES } from "./literals.ts";
import { limits, runFields } from "./run-fields.ts";

const MODES = ["ro_mount", "rw_mount", "mount", "download", "upload", "direct", "eval_mount", "eval_download", "link"];
const NAME_PATTERN = /^[a-z][a-z\d_]*$/;

const componentName: CustomType = {
  t: "custom",
  noun: "a component name",
  json: { type: "string", pattern: NAME_PATTERN.source },
  check(node, at, ctx) {
    const given = check(text(), node, at, ctx);
    if (typeof given !== "string" || NAME_PATTERN.test(given)) return given;
    const message = `component name \`${given}\` must match \`${NAME_PATTERN.source}\``;
    const plain = given
      .toLowerCase()
      .replace(/[^a-z\d_]+/g, "_")
      .replace(/^[^a-z]+/, "");
    const hint = plain === "" ? undefined : `write \`${plain}\``;
    if (ctx.anonymous) ctx.findings.warn(node, at, message, hint);
    else ctx.findings.error(node, at, message, hint);
    return given;
  },
};

const dataPort = object("an input", {
  type: anything,
  mode: oneOf(...MODES),
  optional: boolean,
  description,
  default: text({ lenient: true }),
  datastore: text(),
});
const parameter = object(
  "a parameter",
  {
    type: anything,
    default: scalar,
    optional: boolean,
    min: scalar,
    max: scalar,
    enum: list(scalar, { atLeast: 1 }),
    description,
  },
  { check: checkParameter },
);

function checkParameter(node: SpecNode, at: string, ctx: CheckContext): void {
  const given = child(node, "default");
  if (given?.form === "scalar" && given.kind !== "null")
    checkLiteral(node, given, join(at, "default"), ctx, "the default");
  for (const name of ["min", "max"]) {
    const bound = child(node, name);
    const type = textOf(child(node, "type"))?.toLowerCase();
    if (bound?.form === "scalar" && type !== "integer" && type !== "number") {
      ctx.findings.warn(bound, join(at, name), `\`${name}\` has no meaning for type \`${type}\``);
    }
  }
}

const inputCases: Record<string, Type> = { path: dataPort };
for (const type of DATA_TYPES) inputCases[type] = dataPort;
for (const type of [...LITERAL_TYPES, "float", "datetime"]) inputCases[type] = parameter;
export const portInputs = map(variant("an input", "type", inputCases), {
  key: PORT_NAME,
  keyNoun: "input name",
  keySays: "a Python identifier",
});

const outputPort = object("an output", {
  type: anything,
  mode: oneOf(...MODES),
  description,
  is_control: boolean,
  early_available: boolean,
  path: text(),
  name: text(),
  version,
});
const outputCases: Record<string, Type> = { path: outputPort };
for (const type of [...DATA_TYPES, ...LITERAL_TYPES]) outputCases[type] = outputPort;
export const portOutputs = map(variant("an output", "type", outputCases, { absent: "uri_folder" }), {
  key: PORT_NAME,
  keyNoun: "output name",
  keySays: "a Python identifier",
});

const base: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  type: anything,
  name: componentName,
  version,
  display_name: anyText,
  description,
  tags,
  properties: map(anything),
  is_deterministic: boolean,
  inputs: portInputs,
  outputs: portOutputs,
  auto_delete_setting: autoDelete,
  latest_version: anything,
  intellectual_property: anything,
  ...serverFields,
};

/** Every component has a name, unless it is written inside a job. */
function checkNamed(node: SpecNode, at: string, ctx: CheckContext): void {
  if (!ctx.anonymous && isNull(child(node, "name"))) missingField("name", join(at, "name"), node, ctx);
}

/** Inputs that may have no value at run time: optional without a default. */
export function optionalInputs(node: SpecNode): Set<string> {
  const ports = child(node, "inputs");
  return new Set(
    keysOf(ports).filter((name) => {
      const port = child(ports, name);
      const optional = child(port, "optional");
      return optional?.form === "scalar" && optional.value === true && child(port, "default") === undefined;
    }),
  );
}

function checkComponentTemplate(
  node: SpecNode,
  at: string,
  name: string,
  ctx: CheckContext,
  holder: SpecNode = node,
): void {
  const template = child(holder, name);
  if (template?.form !== "scalar" || template.kind !== "str") return;
  checkTemplate(template, join(at, name), ctx, {
    inputs: keysOf(child(node, "inputs")),
    outputs: keysOf(child(node, "outputs")),
    optional: optionalInputs(node),
    spaces: ["inputs", "outputs", ...(holder === node && name === "command" ? ["search_space"] : [])],
  });
}

const includes = list(path("any", "warning"));

export const commandComponent = object(
  "a command component",
  { ...base, ...runFields, additional_includes: includes, limits, creation_context: anything },
  {
    check(node, at, ctx) {
      checkNamed(node, at, ctx);
      checkComponentTemplate(node, at, "command", ctx);
    },
  },
);

export const sparkComponent = object(
  "a spark component",
  {
    ...base,
    ...sparkFields,
    environment: shape({ text: environment, map: environment, null: anything }),
    additional_includes: includes,
  },
  {
    check(node, at, ctx) {
      checkNamed(node, at, ctx);
      checkComponentTemplate(node, at, "args", ctx);
    },
  },
);

export const parallelComponent = object(
  "a parallel component",
  {
    ...base,
    ...parallelFields,
    environment_variables: envVars,
    additional_includes: includes,
    task: need(parallelTask()),
  },
  {
    check(node, at, ctx) {
      checkNamed(node, at, ctx);
      checkComponentTemplate(node, at, "input_data", ctx);
      const task = child(node, "task");
      if (!task) return;
      checkComponentTemplate(node, join(at, "task"), "program_arguments", ctx, task);
      checkComponentTemplate(node, join(at, "task"), "append_row_to", ctx, task);
    },
  },
);

function parallelTask(): Type {
  const given = parallelFields.task;
  return given !== undefined && "type" in given ? given.type : (given ?? anything);
}

/** Components only Azure can run: understood as far as their ports go. */
export const foreignComponent = object(
  "a component",
  {
    ...base,
    ...transferFields,
    environment,
    environment_variables: envVars,
    code,
    additional_includes: includes,
  },
  { loose: true, check: checkNamed },
);
