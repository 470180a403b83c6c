import { join } from "../complain.ts";
import { child, keysOf, type SpecNode } from "../nodes.ts";
import {
  anything,
  type CheckContext,
  type Field,
  integer,
  list,
  map,
  need,
  object,
  oneOf,
  scalar,
  shape,
  type Type,
  text,
} from "../schema.ts";
import { code, environment, envVars, jobFields, resources } from "./common.ts";
import { inputs, outputs, strictInputs } from "./inputs.ts";
import { checkCommandJob, checkOutputPaths, checkScalarTemplate, limits, runFields } from "./run-fields.ts";

export const commandJob = object(
  "a command job",
  { ...jobFields, ...runFields, inputs: strictInputs, outputs, limits, parent_job_name: text() },
  { check: checkCommandJob },
);

// Spark

const files = list(text());
const entry: Type = shape({
  text: text(),
  map: object(
    "a spark entry",
    { file: text(), class_name: text() },
    { oneOf: [["file", "class_name"]], notTogether: [["file", "class_name"]] },
  ),
});
export const sparkFields: Readonly<Record<string, Type | Field>> = {
  code,
  entry: need(entry),
  py_files: files,
  jars: files,
  files,
  archives: files,
  conf: map(scalar, { keyNoun: "Spark property" }),
  args: text({ empty: true }),
  environment: shape({ text: environment, map: environment, null: anything }),
};
export const sparkResources = object("Spark resources", {
  instance_type: text(),
  runtime_version: text({ lenient: true }),
});

export function checkSpark(node: SpecNode, at: string, ctx: CheckContext): void {
  checkScalarTemplate(node, "args", at, ctx, {
    inputs: keysOf(child(node, "inputs")),
    outputs: keysOf(child(node, "outputs")),
    spaces: ["inputs", "outputs"],
  });
  checkOutputPaths(node, at, ctx);
}
export const sparkJob = object(
  "a spark job",
  { ...jobFields, ...sparkFields, inputs, outputs, resources: sparkResources },
  { check: checkSpark },
);

// Parallel

const parallelTask = object("a parallel task", {
  type: need(oneOf("run_function", "function", "model")),
  code,
  entry_script: text(),
  environment: need(environment),
  program_arguments: text({ empty: true }),
  append_row_to: text(),
  model: text(),
});
export const parallelFields: Readonly<Record<string, Type | Field>> = {
  input_data: text(),
  mini_batch_size: text({
    lenient: true,
    pattern: /^\d+\s*(?:[kKmMgG]?[bB])?$/,
    says: "a number of files, or a size such as `10kb`",
  }),
  partition_keys: list(text()),
  max_concurrency_per_instance: integer(1),
  retry_settings: object("retry settings", { max_retries: integer(0), timeout: integer(1) }),
  mini_batch_error_threshold: integer(-1),
  error_threshold: integer(-1),
  logging_level: oneOf("INFO", "WARNING", "DEBUG"),
  task: parallelTask,
  resources,
};

export function checkParallel(node: SpecNode, at: string, ctx: CheckContext): void {
  const scope = {
    inputs: keysOf(child(node, "inputs")),
    outputs: keysOf(child(node, "outputs")),
    spaces: ["inputs", "outputs"],
  };
  checkScalarTemplate(node, "input_data", at, ctx, { ...scope, spaces: ["inputs"] });
  const task = child(node, "task");
  if (!task) return;
  checkScalarTemplate(task, "program_arguments", join(at, "task"), ctx, scope);
  checkScalarTemplate(task, "append_row_to", join(at, "task"), ctx, { ...scope, spaces: ["outputs"] });
}
export const parallelJob = object(
  "a parallel job",
  {
    ...jobFields,
    ...parallelFields,
    environment,
    environment_variables: envVars,
    inputs,
    outputs,
    task: need(parallelTask),
  },
  { check: checkParallel },
);
