import type { Run } from "../core/tracking/ports.ts";
import type { Edge } from "./lineage.ts";
import type { Draft } from "./run-changes.ts";

/** Edges that a change of a run adds: what it used and made knows of the run; what the run used and made is mostly in its own record. */
export function runEdges(before: Run, draft: Draft): Edge[] {
  const run = { kind: "run", name: before.runId } as const;
  const datasets = draft.newDatasets.flatMap(({ dataset: { dataset, tags } }): Edge[] => {
    const label = tags.find((tag) => tag.key === "mlflow.data.context")?.value;
    const used = { thing: run, role: "input", ...(label === undefined ? {} : { label }) } as const;
    const known = { kind: "dataset", name: dataset.name, version: dataset.digest } as const;
    const data = dataIn(dataset.source);
    return [
      { of: known, direction: "down", step: used },
      ...(data === undefined
        ? []
        : ([
            { of: data, direction: "down", step: used },
            { of: run, direction: "up", step: { ...used, thing: data } },
          ] as const)),
    ];
  });
  if (draft.doc.modelInputs === before.modelInputs && draft.doc.modelOutputs === before.modelOutputs) return datasets;
  const inputs = draft.doc.modelInputs.filter((id) => !before.modelInputs.includes(id));
  const knownOutputs = new Set(before.modelOutputs.map(({ modelId }) => modelId));
  const outputs = draft.doc.modelOutputs.filter(({ modelId }) => !knownOutputs.has(modelId));
  return [
    ...datasets,
    ...inputs.map(
      (name): Edge => ({
        of: { kind: "logged_model", name },
        direction: "down",
        step: { thing: run, role: "input" },
      }),
    ),
    ...outputs.map(
      ({ modelId: name }): Edge => ({
        of: { kind: "logged_model", name },
        direction: "up",
        step: { thing: run, role: "output" },
      }),
    ),
  ];
}

const ASSET = /^azureml:([A-Za-z0-9][A-Za-z0-9_.-]{0,254}):([A-Za-z0-9][A-Za-z0-9._-]{0,99})$/;

/** The data version that a dataset's source names: `azureml:NAME:VERSION`, alone or as `uri`, `url` or `path` of the JSON that MLflow makes of it. */
export function dataIn(source: string): Edge["of"] | undefined {
  const [, name, version] = ASSET.exec(addressIn(source)) ?? [];
  return name === undefined || version === undefined ? undefined : { kind: "data", name, version };
}

function addressIn(source: string): string {
  if (!source.includes("azureml:") || !source.startsWith("{")) return source;
  try {
    const { uri, url, path } = JSON.parse(source) as Readonly<Record<string, unknown>>;
    return [uri, url, path].find((text) => typeof text === "string" && text !== "")?.toString() ?? "";
  } catch {
    return "";
  }
}
