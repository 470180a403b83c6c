import { check } from "../check.ts";
import { child, isNull, type SpecNode } from "../nodes.ts";
import { checkPipeline } from "../pipeline.ts";
import {
  anything,
  boolean,
  type CheckContext,
  type CustomType,
  type Field,
  field,
  map,
  need,
  object,
  ref,
  shape,
  type Type,
  text,
  type VariantType,
  variant,
} from "../schema.ts";
import { automlJob } from "./automl.ts";
import { distillationJob, finetuningJob, transferFields } from "./azure-jobs.ts";
import { binding, code, datastore, distribution, environment, envVars, identity, jobFields } from "./common.ts";
import {
  commandComponent,
  foreignComponent,
  parallelComponent,
  portInputs,
  portOutputs,
  sparkComponent,
} from "./components.ts";
import { controlSteps } from "./control-flow.ts";
import { inputs, outputObject, outputs, PORT_NAME } from "./inputs.ts";
import { checkParallel, checkSpark, parallelFields, sparkFields, sparkResources } from "./jobs.ts";
import { checkCommandJob, command, runFields, stepOverrides } from "./run-fields.ts";
import { sweepFields } from "./sweep.ts";

const STEP_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const stepOutput: Type = shape({ text: binding("a step output"), map: outputObject, null: anything });
const ports = {
  inputs,
  outputs: map(stepOutput, { key: PORT_NAME, keyNoun: "output name", keySays: "a Python identifier" }),
};

export const COMPONENT_CASES: Readonly<Record<string, Type>> = {
  command: commandComponent,
  spark: sparkComponent,
  parallel: parallelComponent,
  pipeline: { t: "lazy", get: () => pipelineComponent },
  import: foreignComponent,
  automl: foreignComponent,
  data_transfer: foreignComponent,
  promptflow_parallel: foreignComponent,
};

/** Registered, from a registry, a file, or written in place. */
function component(kind: string): Type {
  const inline = COMPONENT_CASES[kind] ?? commandComponent;
  return shape({
    text: ref("component", { versioned: "lax", local: "file" }),
    map: {
      t: "custom",
      noun: "a component",
      json: { type: "object" },
      like: () => [inline],
      // Expressions inside a component speak of the component's own ports.
      check: (node, at, ctx) => check(inline, node, at, { ...ctx, anonymous: true, bindings: false }),
    },
  });
}

const optionally = (fields: Readonly<Record<string, Type | Field>>): Readonly<Record<string, Type | Field>> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, given]) => [name, "type" in given ? field(given.type) : given]),
  );

/** A step made of a component may override what the component says. */
const overriding = (kind: string, more: Readonly<Record<string, Type | Field>> = {}): Type =>
  object(`a ${kind} step`, { ...stepOverrides, ...ports, identity, component: need(component(kind)), ...more });

const commandOverrides = {
  command,
  code: shape({ text: code, null: anything }),
  environment,
  environment_variables: envVars,
  distribution,
};
const sparkOverrides = { ...optionally(sparkFields), resources: sparkResources };
const parallelOverrides = { ...optionally(parallelFields), environment, environment_variables: envVars };

const inline = (
  noun: string,
  fields: Readonly<Record<string, Type | Field>>,
  checkStep?: (node: SpecNode, at: string, ctx: CheckContext) => void,
): Type =>
  object(
    noun,
    { ...stepOverrides, ...ports, identity, parent_job_name: anything, ...fields },
    checkStep ? { check: checkStep } : {},
  );

/** Steps either name a component or hold the job's own fields; deciding first keeps the complaint to one. */
function step(kind: string, withComponent: Type, withoutComponent: Type): Type {
  return {
    t: "custom",
    noun: `a ${kind} step`,
    json: { type: "object" },
    like: () => [withComponent, withoutComponent],
    check: (node, at, ctx) => check(isNull(child(node, "component")) ? withoutComponent : withComponent, node, at, ctx),
  };
}

const STEP_CASES: Readonly<Record<string, Type>> = {
  // A step without `type` takes that of its component, so the overrides of all kinds may stand here.
  command: step(
    "command",
    overriding("command", { ...parallelOverrides, ...optionally(sparkFields), ...commandOverrides }),
    inline("a command step", { ...runFields }, checkCommandJob),
  ),
  pipeline: overriding("pipeline", { settings: anything, jobs: anything }),
  sweep: object("a sweep step", {
    ...stepOverrides,
    ...ports,
    identity,
    ...sweepFields,
    trial: need(component("command")),
  }),
  parallel: step(
    "parallel",
    overriding("parallel", parallelOverrides),
    inline("a parallel step", { ...parallelFields, environment, environment_variables: envVars }, checkParallel),
  ),
  spark: step(
    "spark",
    overriding("spark", sparkOverrides),
    inline("a spark step", { ...sparkFields, resources: sparkResources }, checkSpark),
  ),
  automl: automlStep(),
  import: step("import", overriding("import"), inline("an import step", transferFields)),
  data_transfer: step(
    "data transfer",
    overriding("data transfer", transferFields),
    inline("a data transfer step", transferFields),
  ),
  finetuning: finetuningJob,
  distillation: distillationJob,
  ...controlSteps,
};

export const STEP: VariantType = variant("a step", "type", STEP_CASES, { absent: "command" });

/** Outputs of an AutoML step may be bound to those of the pipeline. */
function automlStep(): Type {
  const cases = Object.fromEntries(
    Object.entries(automlJob.cases).map(([task, type]) => [
      task,
      type.t === "object"
        ? { ...type, fields: { ...type.fields, outputs: field(ports.outputs), inputs: field(inputs) } }
        : type,
    ]),
  );
  return { ...automlJob, cases };
}

/** Read when it is needed: steps may hold pipelines. */
const stepMap = (): Type =>
  map(STEP, { key: STEP_NAME, keyNoun: "step name", keySays: "a Python identifier", atLeast: 1 });

const steps: CustomType = {
  t: "custom",
  noun: "a map of steps",
  json: { type: "object" },
  like: () => [stepMap()],
  check: (node, at, ctx) => check(stepMap(), node, at, { ...ctx, bindings: true }),
};

const settings = object(
  "pipeline settings",
  {
    default_compute: ref("compute", { bare: true, words: ["serverless", "azureml:serverless", "local"] }),
    default_datastore: datastore,
    continue_on_step_failure: boolean,
    force_rerun: boolean,
    on_init: text(),
    on_finalize: text(),
  },
  { loose: true },
);

export const pipelineFields: Readonly<Record<string, Type | Field>> = { settings, jobs: steps };

export const pipelineJob = object(
  "a pipeline job",
  { ...jobFields, ...pipelineFields, inputs, outputs, component: component("pipeline") },
  { oneOf: [["jobs", "component"]], check: checkPipeline },
);

const componentBase = commandComponent.fields;
export const pipelineComponent = object(
  "a pipeline component",
  {
    $schema: anything,
    type: anything,
    ...Object.fromEntries(
      [
        "name",
        "version",
        "display_name",
        "description",
        "tags",
        "properties",
        "is_deterministic",
        "auto_delete_setting",
        "id",
        "creation_context",
      ].map((name) => [name, componentBase[name] ?? anything]),
    ),
    inputs: portInputs,
    outputs: portOutputs,
    jobs: need(steps),
    settings,
  },
  {
    check(node, at, ctx) {
      commandComponent.check?.(node, at, ctx);
      checkPipeline(node, at, ctx);
    },
  },
);
