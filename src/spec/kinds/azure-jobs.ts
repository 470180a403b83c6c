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
  shape,
  type Type,
  text,
} from "../schema.ts";
import { jobFields, queueSettings, resources } from "./common.ts";
import { inputs, outputs } from "./inputs.ts";

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
