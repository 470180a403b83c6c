import * as z from "zod";
import { Description, Tags } from "./common.ts";
import { EnvironmentValue } from "./environments.ts";
import { Distribution, JOB_WORDS, JobInput, JobOutput, PortName, Service } from "./job-parts.ts";

/** Name of a step: a Python identifier. */
export const StepName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/);

/** `azureml:NAME:VERSION`, `azureml:NAME@LABEL`, a registry's URI; or the component itself, as its file has it, with everything local taken in. */
export const ComponentValue = z.union([z.string().min(1).max(2000), z.record(z.string(), z.unknown())]);
export type ComponentValue = z.infer<typeof ComponentValue>;

/** `${{parent.outputs.NAME}}`, or an output whose `path` may be such a binding. */
export const StepOutput = z.union([z.string().min(1).max(1000), JobOutput]);

/** `${{parent.inputs.NAME}}` or `${{parent.jobs.STEP.outputs.NAME}}`, or an input whose `path` may be such a binding. */
export const StepInput = z.union([z.string().min(1).max(1000), JobInput]);
export type StepInput = z.infer<typeof StepInput>;

/** A value in whose place a binding may stand; held against the job's own schema once it is known. */
const Loose = z.unknown();

/** What steps of all kinds that run something may say. Any text may be a binding of the pipeline's. */
export const STEP_FIELDS = {
  inputs: z.record(PortName, StepInput).optional(),
  outputs: z.record(PortName, StepOutput).optional(),
  compute: z.string().max(1000).optional(),
  resources: z.record(z.string(), Loose).optional(),
  limits: z.record(z.string(), Loose).optional(),
  environment: EnvironmentValue.optional(),
  environment_variables: z.record(z.string(), z.string()).optional(),
  distribution: z.union([Distribution, z.string()]).optional(),
  queue_settings: z.record(z.string(), Loose).optional(),
  services: z.record(z.string(), Service).optional(),
  identity: z.looseObject({ type: z.string() }).optional(),
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  comment: z.string().max(20_000).optional(),
  experiment_name: z.string().max(500).optional(),
  tags: Tags.optional(),
  properties: Tags.optional(),
};

/** Without `component` it holds the command itself. */
export const CommandStep = z.strictObject({
  type: z.literal("command"),
  component: ComponentValue.optional(),
  command: z.string().min(1).max(100_000).optional(),
  code: z.string().max(2000).optional(),
  ...STEP_FIELDS,
});
export type CommandStep = z.infer<typeof CommandStep>;

/** Runs an entry script over mini-batches of an input; fields as in Azure ML, each of which a component may have given. */
export const ParallelStep = z.strictObject({
  type: z.literal("parallel"),
  component: ComponentValue.optional(),
  task: z.record(z.string(), Loose).optional(),
  input_data: z.string().max(1000).optional(),
  mini_batch_size: z.union([z.string().max(100), z.number()]).optional(),
  partition_keys: z.array(z.string()).optional(),
  max_concurrency_per_instance: Loose.optional(),
  retry_settings: z.record(z.string(), Loose).optional(),
  mini_batch_error_threshold: Loose.optional(),
  error_threshold: Loose.optional(),
  logging_level: Loose.optional(),
  ...STEP_FIELDS,
});
export type ParallelStep = z.infer<typeof ParallelStep>;

/** Searches for the parameters with which a command component does best; held against a sweep's own schema once bindings are filled. */
export const SweepStep = z.strictObject({
  type: z.literal("sweep"),
  trial: ComponentValue,
  search_space: z.record(z.string(), Loose),
  sampling_algorithm: Loose.optional(),
  objective: z.record(z.string(), Loose),
  early_termination: z.record(z.string(), Loose).optional(),
  ...STEP_FIELDS,
});
export type SweepStep = z.infer<typeof SweepStep>;

export const PipelineSettings = z.looseObject({
  default_compute: z.string().max(300).optional(),
  default_datastore: z.string().max(300).optional(),
  /** Default: true, as in Azure. */
  continue_on_step_failure: z.boolean().optional(),
  force_rerun: z.boolean().optional(),
});
export type PipelineSettings = z.infer<typeof PipelineSettings>;

export const PipelineStep = z.strictObject({
  type: z.literal("pipeline"),
  component: ComponentValue,
  settings: PipelineSettings.optional(),
  ...STEP_FIELDS,
});
export type PipelineStep = z.infer<typeof PipelineStep>;

/** `${{parent.jobs.STEP}}`, or a step's name. */
const Block = z.string().min(1).max(300);
const Blocks = z.union([Block, z.array(Block).max(1000)]);

/** Lets one of two blocks run. */
export const IfElseStep = z.strictObject({
  type: z.literal("if_else"),
  /** Or a binding to a literal input of the pipeline or a boolean output of a step. */
  condition: z.union([z.boolean(), z.string().min(1).max(300)]),
  true_block: Blocks.optional(),
  false_block: Blocks.optional(),
  comment: z.string().max(20_000).optional(),
});
export type IfElseStep = z.infer<typeof IfElseStep>;

/** Runs another step again and again, while its boolean output `condition` is true. */
export const DoWhileStep = z.strictObject({
  type: z.literal("do_while"),
  body: Block,
  /** `${{parent.jobs.BODY.outputs.NAME}}`, or the output's name. Absent: as often as `max_iteration_count` says. */
  condition: z.string().min(1).max(300).optional(),
  /** Output of the body -> inputs of the body in the next iteration: names or `${{parent.jobs.BODY.inputs.NAME}}`. */
  mapping: z.record(PortName, z.union([Block, z.array(Block)])).optional(),
  limits: z.strictObject({ max_iteration_count: z.number().int().min(1).max(1000).optional() }).optional(),
  comment: z.string().max(20_000).optional(),
});
export type DoWhileStep = z.infer<typeof DoWhileStep>;

/** The items of a loop are the parts of some data. */
export const Partitions = z.strictObject({
  /** `${{parent.inputs.NAME}}`, `${{parent.jobs.STEP.outputs.NAME}}`, or an address of data. */
  of: z.string().min(1).max(2000),
  /** Input of the body that is given the part. */
  input: PortName,
  /** A part is each file, or each folder directly below. Default: file. */
  by: z.enum(["file", "folder"]).optional(),
});
export type Partitions = z.infer<typeof Partitions>;

/** Each item's output is registered as a model `GROUP-PARTITION` with the tags `trainyard.group` and `trainyard.partition`. */
export const ModelGroup = z.strictObject({
  group: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[A-Za-z0-9][\w-]*$/),
  /** Output of the body that is the model. */
  output: PortName,
});

/** Runs another step once for each item, which gives some of its inputs. */
export const ParallelForStep = z.strictObject({
  type: z.literal("parallel_for"),
  body: Block,
  /** Maps of input names to values, as a list, by name, or as JSON text; or a binding to such a text. */
  items: z
    .union([
      z.string().min(1).max(1_000_000),
      z.array(z.record(PortName, Loose)).max(10_000),
      z.record(z.string(), z.record(PortName, Loose)),
    ])
    .optional(),
  /** Instead of `items`. */
  partitions: Partitions.optional(),
  models: ModelGroup.optional(),
  /** Children at once. */
  max_concurrency: z.number().int().min(1).max(1000).optional(),
  comment: z.string().max(20_000).optional(),
});
export type ParallelForStep = z.infer<typeof ParallelForStep>;

/** Kinds that are refused at submit, with the reason; understood so far that this is the one thing said about them. */
export const ForeignStep = z.looseObject({
  type: z.enum(["spark", "automl", "import", "data_transfer", "finetuning", "distillation"]),
});

/** Grows with the kinds that can be run as steps. */
export const Step = z.discriminatedUnion("type", [
  CommandStep,
  PipelineStep,
  ParallelStep,
  SweepStep,
  IfElseStep,
  DoWhileStep,
  ParallelForStep,
  ForeignStep,
]);
export type Step = z.infer<typeof Step>;

/** A pipeline with everything local taken in: files of components are put in, folders are trees. Holds `jobs` or `component`. */
export const PipelineJobSpec = z.strictObject({
  type: z.literal("pipeline"),
  inputs: z.record(PortName, JobInput).optional(),
  outputs: z.record(PortName, JobOutput).optional(),
  settings: PipelineSettings.optional(),
  jobs: z.record(StepName, Step).optional(),
  component: ComponentValue.optional(),
  /** Of steps that name none. */
  compute: z.string().max(300).optional(),
  ...JOB_WORDS,
});
export type PipelineJobSpec = z.infer<typeof PipelineJobSpec>;

/** A child of a composite job, and of a pipeline every step, whether it has begun or not. */
export const StepState = z.object({
  /** `train`; `loop#3` of a loop, `17` of a sweep. */
  key: z.string(),
  /** Of the pipeline: the steps it waits for. */
  after: z.array(z.string()),
  /** `command`, `pipeline`, `if_else`, … */
  type: z.string(),
  /** Of its job, where there is one; `Skipped`: it is not going to run. */
  status: z.string(),
  status_reason: z.string().optional(),
  /** Its job. */
  job: z.string().optional(),
  /** Of a trial: its parameters, and the metric it came to. */
  note: z.string().optional(),
  /** Nothing ran: this earlier job had the same key. */
  reused_from: z.string().optional(),
  started_at: z.string().optional(),
  ended_at: z.string().optional(),
});
export type StepState = z.infer<typeof StepState>;
