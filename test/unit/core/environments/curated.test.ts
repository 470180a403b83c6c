import { describe, expect, it } from "vitest";
import {
  CURATED_ENVIRONMENTS,
  curatedDefinition,
  curatedFor,
  unknownEnvironment,
} from "../../../../src/core/environments/curated.ts";
import { resolveEnvironment } from "../../../../src/core/environments/resolve.ts";

describe("curatedFor", () => {
  it.each([
    "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
    "azureml://registries/azureml/environments/sklearn-1.5/versions/22",
    "azureml:AzureML-sklearn-1.5@latest",
    "azureml:AzureML-sklearn-1.5:3",
    "AzureML-sklearn-1.5@latest",
    "sklearn-1.5",
  ])("understands `%s`", (ref) => {
    const spec = curatedFor(ref);

    expect(spec?.label).toBe("sklearn-1.5");
    expect(spec?.requirements).toContain("pandas==1.5.3");
  });

  it.each([
    ["azureml:AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu@latest", /^lightgbm/],
    ["azureml:AzureML-sklearn-0.24-ubuntu18.04-py37-cpu:22", /^scikit-learn>=1\.0\.2/],
    ["azureml:AzureML-acpt-pytorch-2.8-cuda12.6@latest", /^torch>=2\.8,<2\.9$/],
    ["azureml:AzureML-tensorflow-2.12-cuda11@latest", /^tensorflow-cpu>=2\.12,<2\.13 /],
    ["azureml:AzureML-AutoML@prod", /^xgboost/],
    ["azureml://registries/azureml/environments/responsibleai-tabular/versions/28", /^responsibleai$/],
    ["azureml://registries/azureml/environments/model-evaluation/versions/6", /^scikit-learn/],
    ["azureml:AzureML-minimal-ubuntu22.04-py310-cpu-inference@latest", /^azureml-inference-server-http$/],
  ])("maps `%s` of the examples onto what can be installed here", (ref, requirement) => {
    expect(curatedFor(ref)?.requirements?.some((line) => requirement.test(line))).toBe(true);
  });

  it.each([
    "azureml://registries/nvidia-ai/environments/nemo-inference/labels/latest",
    "azureml:my-env:1",
    "sklearn-9.9",
  ])("knows nothing of `%s`", (ref) => {
    expect(curatedFor(ref)).toBeUndefined();
  });

  it("names the nearest in a refusal", () => {
    const error = unknownEnvironment("azureml:AzureML-sklaern-1.5@latest", ["mine"]);

    expect(error.code).toBe("NotFound");
    expect(error.details).toMatchObject({ nearest: "sklearn-1.5" });
  });

  it("ships environments whose asset form resolves to their own requirements", () => {
    for (const curated of CURATED_ENVIRONMENTS) {
      const { spec, warnings } = resolveEnvironment({ value: curatedDefinition(curated) });

      expect(spec.requirements).toEqual(curated.spec.requirements);
      expect(warnings).toEqual([]);
    }
  });
});
