import { describe, expect, it } from "vitest";
import { mlflowEnvironment, withMlflow } from "../../../../src/core/endpoints/mlflow-environment.ts";
import { makeFakeFiles } from "../../../helpers/endpoint-frame.ts";
import { expectCode } from "../../../helpers/ports.ts";

const MODEL = { uri: "azureml://models/m", base_name: "m" };
const CONDA =
  "channels:\n- conda-forge\ndependencies:\n- python=3.9.18\n- pip<=23\n- pip:\n  - mlflow==2.9.2\n  - xgboost==1.4.2\nname: mlflow-env\n";

async function of(more: Readonly<Record<string, string>>) {
  const content = Object.fromEntries(
    Object.entries({ MLmodel: "flavors: {}", ...more }).map(([name, text]) => [`${MODEL.uri}/${name}`, text]),
  );
  return mlflowEnvironment({ files: makeFakeFiles(content) }, "default", MODEL);
}

describe("the environment of an MLflow model", () => {
  it("is its requirements.txt, with the Python of python_env.yaml", async () => {
    const { spec } = await of({
      "requirements.txt": "mlflow==3.1.0\n# a comment\n\npandas==2.2.3\nnumpy==1.26.4\n",
      "python_env.yaml": 'python: "3.11.7"\nbuild_dependencies:\n- pip==24\n',
      "conda.yaml": CONDA,
    });

    expect(spec).toMatchObject({
      kind: "python",
      python: "3.11",
      relax_pins: true,
      requirements: ["mlflow==3.1.0", "pandas==2.2.3", "numpy==1.26.4"],
    });
  });

  it("is its conda.yaml where there are no requirements", async () => {
    const { spec } = await of({ "conda.yaml": CONDA });

    expect(spec.python).toBe("3.9");
    expect(spec.requirements).toEqual(expect.arrayContaining(["mlflow==2.9.2", "xgboost==1.4.2", "pandas", "numpy"]));
  });

  it("gets what serving needs and the model does not name", async () => {
    const { spec } = await of({ "requirements.txt": "scikit_learn==1.5\n" });

    expect(spec.requirements).toEqual(["scikit_learn==1.5", "mlflow-skinny", "pandas", "numpy"]);
  });

  it("is refused for what is no MLflow model", async () => {
    await expectCode(
      mlflowEnvironment({ files: makeFakeFiles({ [`${MODEL.uri}/w.bin`]: "w" }) }, "default", MODEL),
      "InvalidSpec",
    );
  });
});

describe("withMlflow", () => {
  it("adds nothing to an environment that has it", () => {
    const spec = { kind: "python" as const, requirements: ["MLflow>=2", "pandas", "numpy"], label: "x" };

    expect(withMlflow(spec)).toEqual(spec);
  });

  it("leaves interpreters and images alone", () => {
    const spec = { kind: "interpreter" as const, interpreter: "/usr/bin/python3", label: "x" };

    expect(withMlflow(spec)).toBe(spec);
  });
});
