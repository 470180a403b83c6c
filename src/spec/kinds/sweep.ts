import { checkTemplate } from "../bindings.ts";
import { check } from "../check.ts";
import { join } from "../complain.ts";
import { child, keysOf, type SpecNode, textOf } from "../nodes.ts";
import {
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
import { jobFields, queueSettings, resources } from "./common.ts";
import { inputs, outputs } from "./inputs.ts";
import { literalText } from "./literals.ts";
import { checkOutputPaths, runFields } from "./run-fields.ts";

const amount = number();
/** As it is written, for that is what goes into the command. */
const literal: Type = {
  t: "custom",
  noun: "a value",
  json: { type: ["string", "number", "boolean"] },
  check(node, at, ctx) {
    const value = check(scalar, node, at, ctx);
    return node.form === "scalar" && value !== undefined ? literalText(node) : value;
  },
};
const choiceValue: Type = shape({
  text: literal,
  map: { t: "lazy", get: () => map(shape({ text: literal, map: searchParameter })) },
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
    { oneOf: [["slack_factor", "slack_amount"]], notTogether: [["slack_factor", "slack_amount"]] },
  ),
  median_stopping: object("a median stopping policy", evaluation),
  truncation_selection: object("a truncation policy", {
    ...evaluation,
    truncation_percentage: need(integer(1, 99)),
    exclude_finished_jobs: boolean,
  }),
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
    // Beyond Azure's: a seed.
    bayesian: object("Bayesian sampling", { type: anything, seed: integer() }),
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

/** What Azure's Bayesian sampling draws from; ours takes everything. */
const AZURE_BAYESIAN = ["choice", "uniform", "quniform"];

/** Rules between the parts of a sweep: what an algorithm can draw from, and who stops trials. */
export function checkSweepPlan(node: SpecNode, at: string, ctx: CheckContext): void {
  const given = child(node, "sampling_algorithm");
  const algorithm = (given?.form === "map" ? textOf(child(given, "type")) : textOf(given))?.toLowerCase();
  const space = child(node, "search_space");
  for (const name of keysOf(space)) {
    const type = child(child(space, name), "type");
    if (type?.form !== "scalar") continue;
    const where = join(join(join(at, "search_space"), name), "type");
    const kind = type.text.toLowerCase();
    if (algorithm === "grid" && kind !== "choice") {
      ctx.findings.error(type, where, `grid sampling draws from \`choice\` only, not from \`${type.text}\``);
    } else if (algorithm === "bayesian" && !AZURE_BAYESIAN.includes(kind)) {
      ctx.findings.warn(type, where, `Azure's Bayesian sampling does not draw from \`${type.text}\``, "it does here");
    }
  }
  const policy = child(node, "early_termination");
  if (algorithm === "bayesian" && policy?.form === "map") {
    const where = join(at, "early_termination");
    ctx.findings.warn(policy, where, "Azure's Bayesian sampling has no early termination", "it has here");
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
  {
    ...jobFields,
    ...sweepFields,
    outputs,
    // Beyond Azure's, which takes a component in a step only.
    trial: need(shape({ text: ref("component", { versioned: "lax", local: "file" }), map: trial })),
  },
  { check: checkSweepJob },
);
