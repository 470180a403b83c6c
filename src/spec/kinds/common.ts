import { check, join, missingField, wrong } from "../check.ts";
import { child, isNull, type MapNode, nounOf, placeAt, type ScalarNode, type SpecNode } from "../nodes.ts";
import {
  anyText,
  anything,
  boolean,
  type CheckContext,
  type CustomType,
  type Field,
  field,
  integer,
  lazy,
  list,
  map,
  need,
  number,
  object,
  oneOf,
  path,
  readOnly,
  ref,
  scalar,
  shape,
  type Type,
  text,
  variant,
} from "../schema.ts";
import { listed, nearest } from "../suggest.ts";

export const DATA_TYPES = [
  "uri_file",
  "uri_folder",
  "mltable",
  "mlflow_model",
  "custom_model",
  "triton_model",
] as const;
export const LITERAL_TYPES = ["string", "number", "integer", "boolean"] as const;
const INPUT_MODES = ["ro_mount", "download", "direct", "eval_mount", "eval_download"];
const OUTPUT_MODES = ["rw_mount", "mount", "upload", "direct"];

/** A Python identifier; the flattened name of a group input has dots. */
export const PORT_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
export const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,255}$/;

export const tags = map(anyText);
export const version = text({
  lenient: true,
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
  says: "letters, digits, `.`, `_`, `-`",
});
export const description = text({ lenient: true, empty: true, maxLength: 20_000 });
/** Text of an environment variable: as written, booleans as Python prints them. */
const variable: CustomType = {
  t: "custom",
  noun: "a value",
  json: { type: ["string", "number", "boolean", "null"] },
  check(node, at, ctx) {
    if (node.form !== "scalar") return wrong(node, at, ctx, "text, a number or a boolean");
    return node.kind === "null" ? "" : literalText(node);
  },
};
export const envVars = map(shape({ text: variable, null: variable }), { keyNoun: "variable" });
export const binding = (noun: string) =>
  text({ pattern: /^\s*\$\{\{\s*\S+\s*\}\}\s*$/, says: `${noun} is bound with \`\${{...}}\`` });

const notHere = (what: string) => `\`${what}\` is kept with the spec but has no effect outside Azure`;

export const serverFields: Readonly<Record<string, Field>> = { id: readOnly, creation_context: readOnly };

export const identity = field(
  variant(
    "an identity",
    "type",
    {
      managed: object(
        "a managed identity",
        { type: anything, client_id: text(), object_id: text(), msi_resource_id: text() },
        { notTogether: [["client_id", "object_id", "msi_resource_id"]] },
      ),
      aml_token: object("a token identity", { type: anything }),
      user_identity: object("a user identity", { type: anything }),
    },
    { also: { user: "user_identity", managed_identity: "managed" } },
  ),
);

const serviceFields = { type: anything, port: integer(0, 65535), nodes: text(), properties: map(anyText) };
export const services = map(
  variant(
    "a service",
    "type",
    {
      ssh: object("an ssh service", { ...serviceFields, ssh_public_keys: text() }),
      tensor_board: object("a TensorBoard service", { ...serviceFields, log_dir: text() }),
      vs_code: object("a VS Code service", serviceFields),
      jupyter_lab: object("a JupyterLab service", serviceFields),
      custom: object("a custom service", serviceFields),
    },
    { absent: "custom", also: { jupyterlab: "jupyter_lab", tensorboard: "tensor_board", vscode: "vs_code" } },
  ),
  { keyNoun: "service name" },
);

export const resources = object("resources", {
  instance_count: integer(1),
  instance_type: shape({ text: text(), list: list(text()) }),
  instance_types: list(text()),
  locations: list(text()),
  max_instance_count: integer(1),
  shm_size: text({ pattern: /^\d+[bkmgBKMG]?$/, says: "a number with `b`, `k`, `m` or `g`" }),
  docker_args: shape({ text: text({ empty: true }), list: list(text()) }),
  properties: map(anything),
});

export const queueSettings = object("queue settings", {
  job_tier: oneOf("null", "spot", "basic", "standard", "premium"),
  priority: oneOf("low", "medium", "high"),
});

export const distribution = variant("a distribution", "type", {
  pytorch: object("a PyTorch distribution", { type: anything, process_count_per_instance: integer(1) }),
  mpi: object("an MPI distribution", { type: anything, process_count_per_instance: integer(1) }),
  tensorflow: object("a TensorFlow distribution", {
    type: anything,
    worker_count: integer(1),
    parameter_server_count: integer(0),
  }),
  ray: object("a Ray distribution", {
    type: anything,
    port: integer(1, 65535),
    address: text(),
    include_dashboard: boolean,
    dashboard_port: integer(1, 65535),
    head_node_additional_args: text({ empty: true }),
    worker_node_additional_args: text({ empty: true }),
  }),
});

export const compute = ref("compute", { bare: true, words: ["local", "serverless", "azureml:serverless"] });
export const datastore = ref("datastore", { bare: true });
/** A folder of code, a git address, or a registered code asset. */
export const code: Type = { t: "path", want: "any", noun: "directory", missing: "error", remote: true };

const route = object("a route", { port: need(integer(1, 65535)), path: need(text()) });
export const inferenceConfig = object("an inference config", {
  liveness_route: need(route),
  readiness_route: need(route),
  scoring_route: need(route),
});

export const condaSpec: Type = object(
  "a conda environment",
  {
    name: anyText,
    channels: list(text()),
    dependencies: list(
      shape({
        text: text(),
        map: object("a pip list", { pip: field(shape({ list: list(text()), null: anything })) }, { loose: true }),
      }),
    ),
    variables: map(scalar),
    prefix: text(),
    // MLflow's python_env.yaml has the same use.
    python: text({ lenient: true }),
    build_dependencies: list(text()),
  },
  { loose: true },
);

export const autoDelete = field(object("an auto-delete setting", { condition: text(), value: scalar }), {
  warning: notHere("auto_delete_setting"),
});

export const environmentFields = {
  name: text({ pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/, says: "letters, digits, `-`, `_`, `.`" }),
  version,
  description,
  tags,
  image: text(),
  conda_file: shape({ text: path("file", "error"), map: condaSpec }),
  build: object("a build context", { path: path("dir", "error", true), dockerfile_path: text() }),
  inference_config: inferenceConfig,
  os_type: oneOf("linux", "windows"),
  datastore: text(),
  auto_delete_setting: autoDelete,
  ...serverFields,
};

export function checkEnvironment(node: SpecNode, at: string, ctx: CheckContext): void {
  const conda = child(node, "conda_file");
  if (conda && !child(node, "image") && !child(node, "build")) {
    ctx.findings.error(
      conda,
      join(at, "conda_file"),
      "`conda_file` needs an `image` to be installed on",
      "add `image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04`",
    );
  }
}

export const inlineEnvironment = object("an environment", environmentFields, {
  oneOf: [["image", "build", "conda_file"]],
  notTogether: [["image", "build"]],
  check: checkEnvironment,
});

/** Registered, from a registry, a file of its own (`file:./env.yml`), or inline. */
export const environment: Type = shape({
  text: {
    t: "custom",
    noun: "a reference to an environment",
    json: { type: "string" },
    check(node, at, ctx) {
      const isFile = node.form === "scalar" && node.text.trim().startsWith("file:");
      return check(isFile ? path("file", "error") : ref("environment", { versioned: true }), node, at, ctx);
    },
  },
  map: inlineEnvironment,
});

/**
 * `strict`: the value is about to be used, so a path must be there. Elsewhere Azure takes an input without a path (`--set` gives it
 * later) and one whose file does not exist yet (a script makes it).
 */
const dataInput = (type: string, strict: boolean): Type => {
  const model = type.endsWith("_model");
  const place = ref(model ? "model" : "data", {
    also: model ? ["data"] : ["model"],
    versioned: true,
    uri: true,
    local: "any",
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
const dataInputs = (strict: boolean): Readonly<Record<string, Type>> =>
  Object.fromEntries(DATA_TYPES.map((type) => [type, dataInput(type, strict)]));
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
  const chosen = Object.hasOwn(cases, type) ? cases[type] : undefined;
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
  const known = [...DATA_TYPES, ...LITERAL_TYPES];
  const near = nearest(type, known);
  ctx.findings.error(
    declared ?? node,
    join(at, "type"),
    `unknown input type \`${type}\`; it is one of ${listed(known)}`,
    near === undefined ? undefined : `did you mean \`${near}\`?`,
  );
  return undefined;
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
  type: oneOf(...DATA_TYPES),
  mode: oneOf(...OUTPUT_MODES),
  path: text(),
  name: text(),
  version,
  description,
});
export const output: Type = shape({ map: outputObject, null: anything });
export const outputs = map(output, { key: PORT_NAME, keyNoun: "output name", keySays: "a Python identifier" });

export const jobFields: Readonly<Record<string, Type | Field>> = {
  $schema: anything,
  type: anything,
  name: text({ pattern: RUN_NAME, says: "letters, digits, `-`, `_`; starts with a letter or digit" }),
  display_name: anyText,
  description,
  experiment_name: text({ lenient: true, maxLength: 500 }),
  tags,
  properties: tags,
  compute,
  identity,
  services,
  status: readOnly,
  log_files: readOnly,
  parameters: readOnly,
  ...serverFields,
};

export const trigger: Type = lazy(() => TRIGGER);
const time = text();
const clock = { start_time: time, end_time: time, time_zone: text() };
const WEEK_DAYS = oneOf("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday");
const TRIGGER = variant("a trigger", "type", {
  cron: object("a cron trigger", { type: anything, expression: need(cronExpression()), ...clock }),
  recurrence: object("a recurrence trigger", {
    type: anything,
    frequency: need(oneOf("minute", "hour", "day", "week", "month")),
    interval: need(integer(1)),
    schedule: object("a recurrence schedule", {
      hours: need(list(integer(0, 23), { orOne: true })),
      minutes: need(list(integer(0, 59), { orOne: true })),
      week_days: list(WEEK_DAYS, { orOne: true }),
      month_days: list(integer(1, 31), { orOne: true }),
    }),
    ...clock,
  }),
});

const CRON_FIELDS: readonly (readonly [string, number, number])[] = [
  ["minute", 0, 59],
  ["hour", 0, 23],
  ["day of month", 1, 31],
  ["month", 1, 12],
  ["day of week", 0, 7],
];
const CRON_WORDS = /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;

/** Five fields: lists, ranges, steps and names, each number in its range. */
function cronExpression(): CustomType {
  return {
    t: "custom",
    noun: "a cron expression",
    json: { type: "string" },
    check(node, at, ctx) {
      const given = check(text(), node, at, ctx);
      if (typeof given !== "string") return undefined;
      const fields = given.trim().split(/\s+/);
      if (fields.length !== 5) {
        ctx.findings.error(
          node,
          at,
          `cron expression \`${given}\` has ${fields.length} fields, not 5`,
          "minute, hour, day of month, month, day of week: `0 8 * * 1-5`",
        );
        return undefined;
      }
      for (const [i, [noun, min, max]] of CRON_FIELDS.entries()) {
        const written = fields[i] ?? "";
        const parts = written.replace(CRON_WORDS, String(min)).split(",");
        const fine = parts.every((part) => {
          const shape = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
          if (!shape) return false;
          const inRange = [shape[1], shape[2]].every(
            (digits) => digits === undefined || (Number(digits) >= min && Number(digits) <= max),
          );
          return inRange && shape[3] !== "0";
        });
        if (!fine) {
          ctx.findings.error(
            node,
            at,
            `cron expression \`${given}\`: the ${noun} is \`${written}\`, which is not made of ${min} to ${max}, \`*\`, \`,\`, \`-\` and \`/\``,
          );
          return undefined;
        }
      }
      return given.trim();
    },
  };
}

export const anyNumber = number();
