import { check } from "../check.ts";
import {
  anyText,
  anything,
  boolean,
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
import { environment, envVars, jobFields, queueSettings, resources } from "./common.ts";
import { outputs } from "./inputs.ts";
import { earlyTermination, samplingAlgorithm } from "./sweep.ts";

const words = shape({ text: text({ lenient: true }), list: list(text({ lenient: true })) });
const data: Type = shape({
  text: text(),
  map: object("an MLTable input", {
    type: oneOf("mltable"),
    path: need(ref("data", { versioned: true, uri: true, local: "any", absent: "warning" })),
    mode: oneOf("direct", "download", "ro_mount", "eval_mount", "eval_download"),
  }),
});
/** `auto`, or what `other` takes, or a list of whole numbers. */
const autoOr = (other: Type): Type =>
  shape({
    text: {
      t: "custom",
      noun: "`auto` or a number",
      json: { type: ["string", "integer"] },
      check: (node, at, ctx) =>
        node.form === "scalar" && node.text.toLowerCase() === "auto" ? "auto" : check(other, node, at, ctx),
    },
    list: list(integer(1)),
  });

const CLASSIFICATION_METRICS = [
  "accuracy",
  "auc_weighted",
  "average_precision_score_weighted",
  "norm_macro_recall",
  "precision_score_weighted",
];
const REGRESSION_METRICS = [
  "normalized_root_mean_squared_error",
  "normalized_mean_absolute_error",
  "r2_score",
  "spearman_correlation",
];
const CLASSIFIERS = [
  "logistic_regression",
  "sgd",
  "multinomial_naive_bayes",
  "bernoulli_naive_bayes",
  "svm",
  "linear_svm",
  "knn",
  "decision_tree",
  "random_forest",
  "extreme_random_trees",
  "light_gbm",
  "gradient_boosting",
  "xg_boost_classifier",
];
const REGRESSORS = [
  "elastic_net",
  "gradient_boosting",
  "decision_tree",
  "knn",
  "lasso_lars",
  "sgd",
  "random_forest",
  "extreme_random_trees",
  "light_gbm",
  "xg_boost_regressor",
];
const FORECASTERS = [
  ...REGRESSORS,
  "tcn_forecaster",
  "auto_arima",
  "prophet",
  "naive",
  "seasonal_naive",
  "average",
  "seasonal_average",
  "exponential_smoothing",
  "arimax",
];
const TRANSFORMERS = [
  "text_target_encoder",
  "one_hot_encoder",
  "cat_target_encoder",
  "tf_idf",
  "wo_e_target_encoder",
  "label_encoder",
  "word_embedding",
  "naive_bayes",
  "count_vectorizer",
  "hash_one_hot_encoder",
];

const named = (...values: string[]): Type => ({ t: "enum", values, camel: true });

const common: Readonly<Record<string, Type | Field>> = {
  ...jobFields,
  task: anything,
  target_column_name: need(text()),
  training_data: need(data),
  validation_data: data,
  log_verbosity: oneOf("not_set", "debug", "info", "warning", "error", "critical"),
  environment_variables: envVars,
  environment_id: text(),
  environment,
  outputs,
  inputs: map(anything),
  resources,
  queue_settings: queueSettings,
  comment: anyText,
};

const featurization = object("featurization settings", {
  mode: oneOf("auto", "custom", "off"),
  blocked_transformers: list(named(...TRANSFORMERS)),
  column_name_and_types: map(text()),
  transformer_params: map(list(object("transformer parameters", { fields: list(text()), parameters: map(scalar) }))),
  dataset_language: text(),
  enable_dnn_featurization: boolean,
});
const tableLimits = object("AutoML limits", {
  timeout_minutes: integer(1),
  trial_timeout_minutes: integer(1),
  max_trials: integer(1),
  max_concurrent_trials: integer(1),
  max_cores_per_trial: integer(-1),
  max_nodes: integer(1),
  enable_early_termination: boolean,
  exit_score: number(),
});
const training = (algorithms: string[]): Type =>
  object("training settings", {
    allowed_training_algorithms: list(named(...algorithms)),
    blocked_training_algorithms: list(named(...algorithms)),
    enable_stack_ensemble: boolean,
    enable_vote_ensemble: boolean,
    enable_model_explainability: boolean,
    enable_onnx_compatible_models: boolean,
    enable_dnn_training: boolean,
    ensemble_model_download_timeout_minutes: integer(1),
    stack_ensemble_settings: object("stack ensemble settings", {
      stack_meta_learner_kwargs: map(anything),
      stack_meta_learner_train_percentage: number(0, 1),
      stack_meta_learner_type: text(),
    }),
    training_mode: oneOf("auto", "distributed", "non_distributed"),
  });

const share = number(0, 1);
const table = (metrics: string[], algorithms: string[]): Readonly<Record<string, Type | Field>> => ({
  ...common,
  primary_metric: named(...metrics),
  test_data: data,
  validation_data_size: share,
  test_data_size: share,
  n_cross_validations: autoOr(integer(2)),
  cv_split_column_names: list(text()),
  weight_column_name: text(),
  featurization,
  limits: tableLimits,
  training: training(algorithms),
});

const forecasting = object("forecasting settings", {
  time_column_name: text(),
  forecast_horizon: autoOr(integer(1)),
  time_series_id_column_names: words,
  frequency: text({ lenient: true }),
  target_lags: autoOr(integer(1)),
  target_rolling_window_size: autoOr(integer(1)),
  seasonality: autoOr(integer(1)),
  feature_lags: oneOf("none", "auto"),
  use_stl: oneOf("none", "season", "seasontrend"),
  country_or_region_for_holidays: text({ lenient: true }),
  short_series_handling_config: oneOf("auto", "pad", "drop", "none"),
  target_aggregate_function: oneOf("none", "sum", "max", "min", "mean"),
  cv_step_size: integer(1),
  features_unknown_at_forecast_time: words,
});

const learnLimits = object("AutoML limits", {
  timeout_minutes: integer(1),
  trial_timeout_minutes: integer(1),
  max_trials: integer(1),
  max_concurrent_trials: integer(1),
  max_nodes: integer(1),
});
/** Parameters of the networks are many and grow with the service: names are kept, values are numbers, text or distributions. */
const parameters = map(shape({ text: scalar, map: map(anything) }));
const deep = (metrics: string[]): Readonly<Record<string, Type | Field>> => ({
  ...common,
  primary_metric: named(...metrics),
  test_data: data,
  test_data_size: share,
  validation_data_size: share,
  limits: learnLimits,
  sweep: object("AutoML sweep settings", {
    sampling_algorithm: samplingAlgorithm,
    early_termination: earlyTermination,
  }),
  training_parameters: parameters,
  search_space: list(parameters),
});
const featurizationText = object("featurization settings", { dataset_language: text() });
const language = (metrics: string[]) => ({ ...deep(metrics), featurization: featurizationText });

export const automlJob = variant(
  "an AutoML job",
  "task",
  {
    classification: object("an AutoML classification job", {
      ...table(CLASSIFICATION_METRICS, CLASSIFIERS),
      positive_label: text({ lenient: true }),
    }),
    regression: object("an AutoML regression job", table(REGRESSION_METRICS, REGRESSORS)),
    forecasting: object("an AutoML forecasting job", { ...table(REGRESSION_METRICS, FORECASTERS), forecasting }),
    text_classification: object("an AutoML text classification job", language(CLASSIFICATION_METRICS)),
    text_classification_multilabel: object(
      "an AutoML multilabel text job",
      language(["accuracy", ...CLASSIFICATION_METRICS]),
    ),
    text_ner: object("an AutoML entity recognition job", { ...language(["accuracy"]), target_column_name: text() }),
    image_classification: object("an AutoML image classification job", deep(CLASSIFICATION_METRICS)),
    image_classification_multilabel: object("an AutoML multilabel image job", deep(["iou", ...CLASSIFICATION_METRICS])),
    image_object_detection: object("an AutoML object detection job", deep(["mean_average_precision"])),
    image_instance_segmentation: object("an AutoML instance segmentation job", deep(["mean_average_precision"])),
  },
  { also: { image_classification_multiclass: "image_classification" } },
);
