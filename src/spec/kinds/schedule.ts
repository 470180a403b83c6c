import { check } from "../check.ts";
import { join } from "../complain.ts";
import { child, type SpecNode } from "../nodes.ts";
import { parseRef } from "../refs.ts";
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
import { dataImport } from "./assets.ts";
import {
  description,
  distribution,
  environment,
  envVars,
  jobFields,
  queueSettings,
  resources,
  serverFields,
  tags,
} from "./common.ts";
import { inputs, outputs } from "./inputs.ts";
import { commandJob, sparkFields, sparkResources } from "./jobs.ts";
import { pipelineFields, pipelineJob } from "./pipeline.ts";
import { limits } from "./run-fields.ts";
import { trigger } from "./trigger.ts";

/** A job file, or a job of the workspace. */
const jobRef = ref("job", { local: "file", bare: true });

/** What a schedule may say anew about the job it starts. */
const override: Type = object("a scheduled job", {
  ...jobFields,
  job: need(jobRef),
  inputs,
  outputs,
  ...pipelineFields,
  environment,
  environment_variables: envVars,
  resources: shape({ map: object("resources", { ...resources.fields, ...sparkResources.fields }) }),
  distribution,
  limits,
  queue_settings: queueSettings,
  conf: sparkFields.conf ?? anything,
});

/** A job that is named, with what is said anew, or a job that is written out. */
function scheduledJob(): CustomType {
  return {
    t: "custom",
    noun: "a scheduled job",
    json: { type: "object" },
    check(node, at, ctx) {
      const has = (key: string) => child(node, key) !== undefined;
      const inline = has("job") ? undefined : has("command") ? commandJob : has("jobs") ? pipelineJob : undefined;
      return check(inline ?? override, node, at, ctx);
    },
  };
}

const window = object("a data window", {
  lookback_window_size: text(),
  lookback_window_offset: text(),
  window_start: text(),
  window_end: text(),
});
const monitored: Type = object("monitored data", {
  input_data: object("input data", {
    type: oneOf("uri_file", "uri_folder", "mltable"),
    path: need(ref("data", { versioned: true, uri: true, local: "any", absent: "warning" })),
    mode: text(),
    datastore: text(),
  }),
  data_context: oneOf(
    "model_inputs",
    "model_outputs",
    "training",
    "test",
    "validation",
    "ground_truth",
    "model_inputs_outputs",
  ),
  data_window: window,
  pre_processing_component: text(),
  data_column_names: map(anyText),
  target_column_name: text(),
});
const signalFields: Readonly<Record<string, Type | Field>> = {
  type: anything,
  alert_enabled: boolean,
  production_data: shape({ map: monitored, list: list(monitored) }),
  reference_data: monitored,
  features: shape({ text: text(), list: list(text()), map: map(scalar) }),
  feature_type_override: map(text()),
  data_segment: object("a data segment", { feature_name: text(), feature_values: list(text({ lenient: true })) }),
  metric_thresholds: shape({ map: map(anything), list: list(map(anything)) }),
  properties: map(anything),
};
const signal = (noun: string, more: Readonly<Record<string, Type | Field>> = {}): Type =>
  object(noun, { ...signalFields, ...more });
const generation = { connection_id: text(), workspace_connection_id: text(), sampling_rate: number(0, 1) };
const monitor = object("a monitor", {
  compute: object("a monitoring compute", {
    instance_type: text(),
    runtime_version: text({ lenient: true }),
    compute_type: text(),
  }),
  monitoring_target: object("a monitoring target", {
    ml_task: oneOf("classification", "regression", "question_answering", "questionanswering"),
    endpoint_deployment_id: text(),
    model_id: text(),
  }),
  monitoring_signals: map(
    variant("a monitoring signal", "type", {
      data_drift: signal("a data drift signal"),
      data_quality: signal("a data quality signal"),
      prediction_drift: signal("a prediction drift signal"),
      feature_attribution_drift: signal("a feature attribution signal"),
      model_performance: signal("a model performance signal"),
      custom: signal("a custom signal", {
        component_id: ref("component", { versioned: true }),
        connection: map(anything),
        input_data: map(monitored),
        inputs,
      }),
      generation_safety_quality: signal("a generation quality signal", generation),
      generation_token_statistics: signal("a token statistics signal", generation),
    }),
  ),
  alert_notification: shape({
    text: oneOf("azmonitoring"),
    map: object("an alert notification", { emails: list(text()) }),
  }),
});

function checkSchedule(node: SpecNode, at: string, ctx: CheckContext): void {
  const create = child(node, "create_job");
  follow(
    create?.form === "map" ? child(create, "job") : create,
    "job",
    join(at, create?.form === "map" ? "create_job.job" : "create_job"),
    ctx,
  );
  const data = child(node, "import_data");
  if (data?.form === "scalar") follow(data, "data_import", join(at, "import_data"), ctx);
}

/** A file named by the schedule is checked as well: it has to work at night, when nobody looks. */
function follow(node: SpecNode | undefined, family: string, field: string, ctx: CheckContext): void {
  if (node?.form !== "scalar" || node.kind !== "str") return;
  const parsed = parseRef(node.text);
  if (parsed.form === "local" && /[/\\]|\.ya?ml$/i.test(parsed.path))
    ctx.specs.load(family, parsed.path, node, field, ctx);
}

export const schedule = object(
  "a schedule",
  {
    $schema: anything,
    name: need(text({ pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/, says: "letters, digits, `-`, `_`" })),
    display_name: anyText,
    description,
    tags: map(anything),
    properties: tags,
    trigger: need(trigger),
    create_job: shape({ text: jobRef, map: scheduledJob() }),
    create_monitor: monitor,
    import_data: shape({ text: ref("data", { local: "file", bare: true }), map: dataImport }),
    // Beyond Azure's.
    refresh_data: ref("data", { bare: true }),
    missed_runs: oneOf("skip", "once", "all"),
    is_enabled: anything,
    provisioning_state: anything,
    ...serverFields,
  },
  {
    oneOf: [["create_job", "create_monitor", "import_data", "refresh_data"]],
    notTogether: [["create_job", "create_monitor", "import_data", "refresh_data"]],
    check: checkSchedule,
  },
);
