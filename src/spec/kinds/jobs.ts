import { checkTemplate, SERVER_NAMES } from "../bindings.ts";
import { join } from "../check.ts";
import { child, keysOf, type SpecNode, textOf } from "../nodes.ts";
import {
  anyText,
  anything,
  boolean,
  type CheckContext,
  type Field,
  integer,
  list,
  map,
  need,
  number,
  object,
  oneOf,
  ref,
  scalar,
  shape,
  type Type,
  text,
  variant,
} from "../schema.ts";
import { listed } from "../suggest.ts";
import {
  code,
  compute,
  distribution,
  environment,
  envVars,
  inputs,
  jobFields,
  outputs,
  queueSettings,
  resources,
  services,
  strictInputs,
} from "./common.ts";

export const command = text({ maxLength: 100_000 });

export const limits = object("limits", { timeout: integer(1, 31_536_000) });

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
    spaces: ["inputs", "outputs", "parent", ...SERVER_NAMES],
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

export const commandJob = object(
  "a command job",
  { ...jobFields, ...runFields, inputs: strictInputs, outputs, limits, parent_job_name: text() },
  { check: checkCommandJob },
);

// Sweep

const amount = number();
const choiceValue: Type = shape({
  text: scalar,
  map: { t: "lazy", get: () => map(shape({ text: scalar, map: searchParameter })) },
});
const range = { type: anything, min_value: need(amount), max_value: need(amount) };
const bell = { type: anything, mu: need(amount), sigma: need(amount) };
const q = need(number());

function checkRange(node: SpecNode, at: string, ctx: CheckContext): void {
  const [low, high] = [child(node, "min_value"), child(node, "max_value")];
  if (low?.form !== "scalar" || high?.form !== "scalar") return;
  if (Number(low.text) > Number(high.text)) {
    ctx.findings.error(
      high,
      join(at, "max_value"),
      `\`max_value\` is \`${high.text}\`, below \`min_value\` \`${low.text}\``,
    );
  }
}

const SEARCH_CASES: Readonly<Record<string, Type>> = {
  choice: object("a choice", { type: anything, values: need(list(choiceValue, { atLeast: 1 })) }),
  uniform: object("a uniform parameter", range, { check: checkRange }),
  loguniform: object("a loguniform parameter", range, { check: checkRange }),
  quniform: object("a quniform parameter", { ...range, q }, { check: checkRange }),
  qloguniform: object("a qloguniform parameter", { ...range, q }, { check: checkRange }),
  normal: object("a normal parameter", bell),
  lognormal: object("a lognormal parameter", bell),
  qnormal: object("a qnormal parameter", { ...bell, q }),
  qlognormal: object("a qlognormal parameter", { ...bell, q }),
  randint: object("a randint parameter", { type: anything, upper: need(integer(1)) }),
};
export const searchParameter = variant("a search space parameter", "type", SEARCH_CASES);

const evaluation = { type: anything, evaluation_interval: integer(0), delay_evaluation: integer(0) };
export const earlyTermination = variant("an early termination policy", "type", {
  bandit: object(
    "a bandit policy",
    { ...evaluation, slack_factor: number(), slack_amount: number() },
    { notTogether: [["slack_factor", "slack_amount"]] },
  ),
  median_stopping: object("a median stopping policy", evaluation),
  truncation_selection: object("a truncation policy", { ...evaluation, truncation_percentage: need(integer(1, 99)) }),
});

export const samplingAlgorithm: Type = shape({
  text: oneOf("random", "grid", "bayesian"),
  map: variant("a sampling algorithm", "type", {
    random: object("random sampling", {
      type: anything,
      rule: oneOf("random", "sobol"),
      seed: integer(),
      logbase: scalar,
    }),
    grid: object("grid sampling", { type: anything }),
    bayesian: object("Bayesian sampling", { type: anything }),
  }),
});

const objective = object("an objective", { goal: need(oneOf("minimize", "maximize")), primary_metric: need(text()) });
const sweepLimits = object("sweep limits", {
  max_total_trials: need(integer(1)),
  max_concurrent_trials: integer(1),
  timeout: integer(1),
  trial_timeout: integer(1),
});

export const trial = object("a trial", runFields);

export const sweepFields: Readonly<Record<string, Type | Field>> = {
  objective: need(objective),
  limits: need(sweepLimits),
  search_space: map(searchParameter, { keyNoun: "parameter name" }),
  sampling_algorithm: samplingAlgorithm,
  early_termination: earlyTermination,
  inputs,
  resources,
  queue_settings: queueSettings,
};

/** Rules between the parts of a sweep: what an algorithm can draw from, and who stops trials. */
export function checkSweepPlan(node: SpecNode, at: string, ctx: CheckContext): void {
  const given = child(node, "sampling_algorithm");
  const algorithm = (given?.form === "map" ? textOf(child(given, "type")) : textOf(given))?.toLowerCase();
  const space = child(node, "search_space");
  const allowed =
    algorithm === "grid" ? ["choice"] : algorithm === "bayesian" ? ["choice", "uniform", "quniform"] : undefined;
  for (const name of keysOf(space)) {
    const type = child(child(space, name), "type");
    if (allowed && type?.form === "scalar" && !allowed.includes(type.text.toLowerCase())) {
      const where = join(join(join(at, "search_space"), name), "type");
      ctx.findings.error(
        type,
        where,
        `${algorithm} sampling draws from ${listed(allowed)} only, not from \`${type.text}\``,
      );
    }
  }
  const policy = child(node, "early_termination");
  if (algorithm === "bayesian" && policy?.form === "map") {
    ctx.findings.error(
      policy,
      join(at, "early_termination"),
      "Bayesian sampling has no early termination",
      "remove it, or sample with `random`",
    );
  }
  const limit = child(node, "limits");
  const [total, together] = [child(limit, "max_total_trials"), child(limit, "max_concurrent_trials")];
  if (total?.form === "scalar" && together?.form === "scalar" && Number(together.text) > Number(total.text)) {
    ctx.findings.warn(
      together,
      join(at, "limits.max_concurrent_trials"),
      `\`max_concurrent_trials\` is above \`max_total_trials\` (\`${total.text}\`), which is what counts`,
    );
  }
}

export function checkSweepJob(node: SpecNode, at: string, ctx: CheckContext): void {
  checkSweepPlan(node, at, ctx);
  const inner = child(node, "trial");
  const space = keysOf(child(node, "search_space"));
  if (inner?.form === "map") {
    const template = child(inner, "command");
    if (template?.form === "scalar") {
      checkTemplate(template, join(at, "trial.command"), ctx, {
        inputs: keysOf(child(node, "inputs")),
        outputs: keysOf(child(node, "outputs")),
        searchSpace: space,
        spaces: ["inputs", "outputs", "search_space"],
      });
      for (const name of space) {
        if (template.text.includes(`search_space.${name}`) || keysOf(child(node, "inputs")).includes(name)) continue;
        const entry = child(child(node, "search_space"), name);
        if (entry)
          ctx.findings.warn(
            entry,
            join(join(at, "search_space"), name),
            `the trial's command does not use \`${name}\``,
            `write \`\${{search_space.${name}}}\` in the command`,
          );
      }
    }
  }
  checkOutputPaths(node, at, ctx);
}

export const sweepJob = object(
  "a sweep job",
  { ...jobFields, ...sweepFields, outputs, trial: need(trial) },
  { check: checkSweepJob },
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

// Kinds that only Azure runs

const dataValue: Type = shape({
  text: ref("data", { versioned: true, uri: true, local: "any", absent: "warning" }),
  map: object("a data input", { type: oneOf("uri_file", "uri_folder", "mltable"), path: need(text()), mode: text() }),
});
const modelValue: Type = shape({
  text: ref("model", { versioned: true, uri: true, local: "any", absent: "warning" }),
  map: object("a model input", {
    type: oneOf("custom_model", "mlflow_model", "triton_model"),
    path: need(text()),
    mode: text(),
  }),
});
export const finetuningJob = object("a finetuning job", {
  ...jobFields,
  task: need(anyText),
  model_provider: anyText,
  model: need(modelValue),
  training_data: need(dataValue),
  validation_data: dataValue,
  test_data: dataValue,
  hyperparameters: map(anything),
  azure_openai_hyperparameters: map(anything),
  resources,
  queue_settings: queueSettings,
  outputs,
});
export const distillationJob = object("a distillation job", {
  ...jobFields,
  data_generation_type: need(oneOf("label_generation", "data_generation")),
  data_generation_task_type: need(oneOf("NLI", "NLU_QA", "CONVERSATION", "MATH", "SUMMARIZATION")),
  teacher_model_endpoint_connection: need(anything),
  student_model: need(modelValue),
  training_data: dataValue,
  validation_data: dataValue,
  teacher_model_settings: object("teacher model settings", {
    inference_parameters: map(anything),
    endpoint_request_settings: object("endpoint request settings", {
      request_batch_size: integer(1),
      min_endpoint_success_ratio: number(),
    }),
  }),
  prompt_settings: object("prompt settings", {
    enable_chain_of_thought: boolean,
    enable_chain_of_density: boolean,
    max_len_summary: integer(1),
  }),
  hyperparameters: map(anything),
  resources,
  outputs,
});

const transferEnd: Type = object("a source or sink", {
  type: oneOf("database", "file_system", "azuresqldb", "azuresynapseanalytics", "snowflake", "s3"),
  connection: need(text()),
  path: text(),
  query: text(),
  table_name: text(),
  stored_procedure: text(),
  stored_procedure_params: list(map(anything)),
});
export const transferFields: Readonly<Record<string, Type | Field>> = {
  task: oneOf("copy_data", "import_data", "export_data"),
  data_copy_mode: oneOf("merge_with_overwrite", "fail_if_conflict"),
  source: transferEnd,
  sink: transferEnd,
  output: anything,
};
export const importJob = object("an import job", { ...jobFields, ...transferFields, inputs, outputs });

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
