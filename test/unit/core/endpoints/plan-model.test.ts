import { describe, expect, it } from "vitest";
import { planModel } from "../../../../src/core/endpoints/plan-model.ts";
import { makeFakeFiles } from "../../../helpers/endpoint-frame.ts";
import { expectCode } from "../../../helpers/ports.ts";

const TREE = `azureml://trees/${"a".repeat(64)}`;
const files = makeFakeFiles({
  [`${TREE}/my-model/w.bin`]: "w",
  [`${TREE}/one.pkl`]: "p",
  [`${TREE}/flow/MLmodel`]: "flavors: {}",
  "mlflow-artifacts:/1/r/artifacts/clf/MLmodel": "flavors: {}",
  "mlflow-artifacts:/1/models/m-1/artifacts/MLmodel": "flavors: {}",
  "azureml://datastores/d/paths/a/b/x.bin": "x",
});
const plan = async (value: Parameters<typeof planModel>[2]) => (await planModel({ files }, "default", value)).model;

describe("a model's base name is the last name of its path", () => {
  it.each([
    [`${TREE}/my-model`, "my-model"],
    [`${TREE}/my-model/`, "my-model"],
    [`${TREE}/one.pkl`, "one.pkl"],
    [TREE, "model"],
    ["mlflow-artifacts:/1/r/artifacts/clf", "clf"],
    ["mlflow-artifacts:/1/models/m-1/artifacts", "model"],
    ["azureml://datastores/d/paths/a/b/", "b"],
  ])("%s", async (path, name) => {
    expect((await plan({ path })).base_name).toBe(name);
  });
});

describe("a model's type", () => {
  it("is what the spec says, else MLflow where there is an MLmodel file", async () => {
    expect((await plan({ path: `${TREE}/flow` })).type).toBe("mlflow_model");
    expect((await plan({ path: `${TREE}/flow`, type: "custom_model" })).type).toBe("custom_model");
    expect((await plan(`${TREE}/my-model`)).type).toBe("custom_model");
  });

  it("is refused for Triton, which needs a server of its own", async () => {
    await expectCode(plan({ path: `${TREE}/my-model`, type: "triton_model" }), "NotSupported");
  });
});

it("refuses what is not there", async () => {
  await expectCode(plan(`${TREE}/nothing`), "NotFound");
  await expectCode(plan("azureml:missing:1"), "NotFound");
});
