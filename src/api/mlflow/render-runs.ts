import type { DatasetInput, RunView } from "../../core/tracking/ports.ts";
import { double, listed, runInfoJson } from "./render.ts";

/** A run as JSON text, made at once: a page of runs is thousands of small objects otherwise. */
export function runText(run: RunView, datasets: readonly DatasetInput[]): string {
  return `${madeText(run, inputsText(run, datasets))},"outputs":${outputsText(run)}}`;
}

/** A run as it was made has no outputs field yet. */
export function newRunText(run: RunView): string {
  return `${madeText(run, inputsText(run, []))}}`;
}

function madeText(run: RunView, inputs: string): string {
  const data = [
    listText("metrics", metricTexts(run.metrics)),
    listText("params", pairTexts(run.params)),
    listText("tags", pairTexts(run.tags)),
  ];
  return `{"info":${JSON.stringify(runInfoJson(run))},"data":{${data.filter((text) => text !== "").join(",")}},"inputs":${inputs}`;
}

/** Empty for an empty list: its field is left out. */
function listText(name: string, items: string): string {
  return items === "" ? "" : `"${name}":[${items}]`;
}

function metricTexts(metrics: RunView["metrics"]): string {
  let text = "";
  for (const [key, { value, timestamp, step }] of metrics) {
    text += `${text === "" ? "" : ","}{"key":${JSON.stringify(key)},"value":${JSON.stringify(double(value))},"timestamp":${timestamp},"step":${step}}`;
  }
  return text;
}

function pairTexts(pairs: ReadonlyMap<string, string>): string {
  let text = "";
  for (const [key, value] of pairs) {
    text += `${text === "" ? "" : ","}{"key":${JSON.stringify(key)},"value":${JSON.stringify(value)}}`;
  }
  return text;
}

function inputsText(run: RunView, datasets: readonly DatasetInput[]): string {
  if (datasets.length === 0 && run.modelInputs.length === 0) return "{}";
  return JSON.stringify({
    ...listed(
      "dataset_inputs",
      datasets.map(({ dataset, tags }) => ({ ...listed("tags", tags), dataset })),
    ),
    ...listed(
      "model_inputs",
      run.modelInputs.map((model_id) => ({ model_id })),
    ),
  });
}

function outputsText({ modelOutputs }: RunView): string {
  if (modelOutputs.length === 0) return "{}";
  return JSON.stringify({ model_outputs: modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step })) });
}
