import * as z from "zod";
import { JOB_WORDS, JobInput, JobOutput, PortName, Resources } from "./job-parts.ts";

/** A name usable in `${{search_space.NAME}}`: a Python identifier. */
const ParameterName = z
  .string()
  .max(250)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

const bounds = { min_value: z.number(), max_value: z.number() };
const bell = { mu: z.number(), sigma: z.number().nonnegative() };
const q = z.number().positive();

/** Numbers are drawn as Azure ML draws them: bounds of `loguniform` are exponents, `q…` is `round(x / q) * q`, `randint` ends before `upper`. */
const NumberParameter = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("uniform"), ...bounds }),
  z.strictObject({ type: z.literal("loguniform"), ...bounds }),
  z.strictObject({ type: z.literal("quniform"), ...bounds, q }),
  z.strictObject({ type: z.literal("qloguniform"), ...bounds, q }),
  z.strictObject({ type: z.literal("normal"), ...bell }),
  z.strictObject({ type: z.literal("lognormal"), ...bell }),
  z.strictObject({ type: z.literal("qnormal"), ...bell, q }),
  z.strictObject({ type: z.literal("qlognormal"), ...bell, q }),
  z.strictObject({ type: z.literal("randint"), upper: z.number().int().positive() }),
]);
export type NumberParameter = z.infer<typeof NumberParameter>;

/** A value as it goes into the command, or parameters that exist where this option is chosen, named `<choice>.<member>`. */
export type ChoiceOption = string | { [member: string]: string | SearchParameter };
export interface ChoiceParameter {
  type: "choice";
  values: ChoiceOption[];
}
export type SearchParameter = NumberParameter | ChoiceParameter;

const Text = z.string().max(10_000);
export const ChoiceOption: z.ZodType<ChoiceOption> = z.lazy(() =>
  z.union([Text, z.record(ParameterName, z.union([Text, SearchParameter]))]),
);
export const SearchParameter: z.ZodType<SearchParameter> = z.lazy(() =>
  z.union([
    NumberParameter,
    z.strictObject({ type: z.literal("choice"), values: z.array(ChoiceOption).min(1).max(10_000) }),
  ]),
);

export const SearchSpace = z.record(ParameterName, SearchParameter);
export type SearchSpace = z.infer<typeof SearchSpace>;

export const SamplingAlgorithm = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("random"),
    rule: z.enum(["random", "sobol"]).optional(),
    seed: z.number().int().optional(),
    /** What logarithmic distributions are powers of; absent: e. */
    logbase: z.number().positive().optional(),
  }),
  z.strictObject({ type: z.literal("grid") }),
  z.strictObject({ type: z.literal("bayesian"), seed: z.number().int().optional() }),
]);
export type SamplingAlgorithm = z.infer<typeof SamplingAlgorithm>;

/** Counted in values of the primary metric that a trial logged. */
const evaluation = {
  evaluation_interval: z.number().int().nonnegative().optional(),
  delay_evaluation: z.number().int().nonnegative().optional(),
};
export const EarlyTermination = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("bandit"),
    ...evaluation,
    slack_factor: z.number().nonnegative().optional(),
    slack_amount: z.number().nonnegative().optional(),
  }),
  z.strictObject({ type: z.literal("median_stopping"), ...evaluation }),
  z.strictObject({
    type: z.literal("truncation_selection"),
    ...evaluation,
    truncation_percentage: z.number().int().min(1).max(99),
    exclude_finished_jobs: z.boolean().optional(),
  }),
]);
export type EarlyTermination = z.infer<typeof EarlyTermination>;

export const Objective = z.strictObject({
  goal: z.enum(["minimize", "maximize"]),
  primary_metric: z.string().min(1).max(250),
});
export type Objective = z.infer<typeof Objective>;

export const SweepLimits = z.strictObject({
  max_total_trials: z.number().int().min(1).max(100_000),
  /** Absent: as many as there are trials. */
  max_concurrent_trials: z.number().int().min(1).optional(),
  /** Seconds, of the whole sweep. */
  timeout: z.number().int().min(1).max(31_536_000).optional(),
  /** Seconds, of each trial. */
  trial_timeout: z.number().int().min(1).max(31_536_000).optional(),
});
export type SweepLimits = z.infer<typeof SweepLimits>;

/** What a sweep says of its search, as a job and as a step. */
export const SWEEP_FIELDS = {
  /** A command component: its reference, or itself with everything local taken in. Without `inputs` it is a command that takes the sweep's. */
  trial: z.union([z.string().min(1).max(2000), z.record(z.string(), z.unknown())]),
  search_space: SearchSpace,
  /** @default random */
  sampling_algorithm: SamplingAlgorithm.optional(),
  objective: Objective,
  limits: SweepLimits,
  early_termination: EarlyTermination.optional(),
};

/** A search for the parameters with which a command does best. Its outputs are those of the best trial. */
export const SweepJobSpec = z.strictObject({
  type: z.literal("sweep"),
  ...SWEEP_FIELDS,
  inputs: z.record(PortName, JobInput).optional(),
  outputs: z.record(PortName, JobOutput).optional(),
  /** Of the trials, as are resources and queue settings. */
  compute: z.string().max(300).optional(),
  resources: Resources.optional(),
  queue_settings: z
    .strictObject({ job_tier: z.string().nullable().optional(), priority: z.string().optional() })
    .optional(),
  ...JOB_WORDS,
});
export type SweepJobSpec = z.infer<typeof SweepJobSpec>;
