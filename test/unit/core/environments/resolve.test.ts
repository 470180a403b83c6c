import { describe, expect, it } from "vitest";
import { readCondaLine, requirementName } from "../../../../src/core/environments/packages.ts";
import { filesWanted, resolveEnvironment } from "../../../../src/core/environments/resolve.ts";

const IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest";

describe("an image without a container engine", () => {
  it.each([
    [IMAGE, "python-3", undefined],
    ["library/python:3.11.6", "python-3.11", "3.11"],
    ["docker.io/python", "python-3", undefined],
    [
      "mcr.microsoft.com/azureml/minimal-ubuntu22.04-py310-cpu-inference",
      "minimal-ubuntu22.04-py310-cpu-inference",
      "3.10",
    ],
    ["mcr.microsoft.com/azureml/curated/tensorflow-2.12-cuda11:latest", "tensorflow-2.12-cuda11", "3.10"],
    ["pytorch/pytorch:latest", "pytorch-2.8", "3.10"],
    ["nvcr.io/nvidia/tensorflow:22.02-tf2-py3", "tensorflow-2.16", "3.10"],
    ["rocker/tidyverse:4.0.0-ubuntu18.04", "python-3", undefined],
  ])("`%s` becomes `%s` with a warning", (image, name, python) => {
    const { spec, warnings } = resolveEnvironment({ value: { image } });

    expect(spec).toMatchObject({ kind: "python", label: name, ...(python === undefined ? {} : { python }) });
    expect(warnings).toEqual([
      `image \`${image}\` needs a container engine; the Python environment \`${name}\` is used instead`,
    ]);
  });

  it("is taken as it is where there is one", () => {
    expect(resolveEnvironment({ value: { image: IMAGE }, hasContainerEngine: true })).toEqual({
      spec: { kind: "image", image: IMAGE, label: "inline" },
      warnings: [],
    });
  });
});

describe("a conda file", () => {
  it("becomes pip requirements, in order, with conda's names and pins translated", () => {
    const { spec, warnings } = resolveEnvironment({
      value: {
        image: IMAGE,
        conda_file: {
          channels: ["conda-forge", "defaults"],
          dependencies: [
            "python=3.8.5",
            "pip=21.2.4",
            "numpy=1.21.2",
            "pandas>=1.1,<1.2",
            "conda-forge::pytorch=2.1",
            { pip: ["mlflow", "scikit-learn==0.24.2 # old", "inference-schema[numpy-support]==1.3.0"] },
          ],
        },
      },
    });

    expect(spec).toEqual({
      kind: "python",
      python: "3.8",
      requirements: [
        "numpy==1.21.2",
        "pandas>=1.1,<1.2",
        "torch==2.1.*",
        "mlflow",
        "scikit-learn==0.24.2",
        "inference-schema[numpy-support]==1.3.0",
      ],
      relax_pins: true,
      label: "inline",
    });
    expect(warnings).toEqual([]);
  });

  it("warns of what cannot be had: foreign channels, system packages, options, files and local packages", () => {
    const { spec, warnings } = resolveEnvironment({
      value: {
        conda_file: {
          channels: ["conda-forge", "my-channel"],
          dependencies: [
            "cudatoolkit=11.1",
            "r-base",
            {
              pip: ["--extra-index-url=https://user:secret@index.test/simple", "-r requirements.txt", "-e .", "numpy"],
            },
          ],
        },
      },
    });

    expect(spec.requirements).toEqual(["numpy"]);
    expect(warnings).toHaveLength(5);
    expect(warnings.join("\n")).toMatch(
      /`my-channel`.*--extra-index-url=https:\/\/index\.test.*requirements\.txt.*`-e \.`.*`cudatoolkit`, `r-base`/s,
    );
    expect(warnings.join("\n")).not.toContain("secret");
  });

  it("takes in requirement files that came along, nested ones too, and stops at circles", () => {
    const { spec } = resolveEnvironment({
      value: { conda_file: { dependencies: ["-r requirements.txt"] } },
      files: {
        "requirements.txt": "pandas \\\n  >=2\n\n# note\n-r more.txt\n",
        "more.txt": "numpy\n-r requirements.txt\n",
      },
    });

    expect(spec.requirements).toEqual(["pandas >=2", "numpy"]);
  });

  it("puts what works here in the place of Azure's own plugins, once", () => {
    const { spec, warnings } = resolveEnvironment({
      value: {
        conda_file: {
          dependencies: [{ pip: ["mlflow<3", "azureml-mlflow==1.42.0", "azureml-defaults", "azureml-telemetry"] }],
        },
      },
    });

    expect(spec.requirements).toEqual(["mlflow<3", "azureml-inference-server-http"]);
    expect(warnings).toHaveLength(3);
  });

  it("says which Python is used when the wanted one is not installed", () => {
    const value = { conda_file: { dependencies: ["python=3.8", "numpy"] } };

    const { spec, warnings } = resolveEnvironment({ value, pythonVersions: ["3.13", "3.10", "3.11"] });

    expect(spec.python).toBe("3.8");
    expect(warnings).toEqual([
      "Python 3.8 is not installed here; Python 3.10 is used, with pins relaxed where its packages need it",
    ]);
    expect(resolveEnvironment({ value, pythonVersions: ["3.8"] }).warnings).toEqual([]);
  });
});

describe("a build context", () => {
  const dockerfile = [
    "ARG TAG=20230620.v1",
    "FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:${TAG}",
    "# comment",
    "RUN apt-get update && apt-get install -y git \\",
    "    curl",
    "COPY requirements.txt conda.yml ./",
    "RUN conda install -y python=3.9 scikit-learn=1.0 && pip install --no-cache-dir 'pandas>=1.3' \"mlflow<3\" -r ./requirements.txt",
    'RUN ["python", "-m", "pip", "install", "joblib==1.2.0"]',
    "RUN conda env create -n x -f conda.yml",
    'ENTRYPOINT ["python"]',
  ].join("\n");

  it.each(["docker/Dockerfile", "./docker/Dockerfile"])("has its Dockerfile where `%s` says", (dockerfile_path) => {
    const { spec } = resolveEnvironment({
      value: { build: { path: "azureml://trees/x", dockerfile_path } },
      files: { "docker/Dockerfile": "FROM python:3.12\nRUN pip install numpy\n" },
    });

    expect(spec).toMatchObject({ python: "3.12", requirements: ["numpy"] });
  });

  it("gives the packages its Dockerfile installs, with a warning", () => {
    expect(filesWanted(dockerfile)).toEqual(["requirements.txt", "conda.yml"]);

    const { spec, warnings } = resolveEnvironment({
      value: { build: { path: "azureml://trees/x" } },
      files: {
        Dockerfile: dockerfile,
        "requirements.txt": "xgboost\n",
        "conda.yml": "name: x\ndependencies:\n  - python=3.9\n  - numpy=1.21\n  - pip:\n    - 'lightgbm'\n  - scipy\n",
      },
    });

    expect(spec.python).toBe("3.9");
    expect(spec.requirements).toEqual([
      "scikit-learn==1.0.*",
      "pandas>=1.3",
      "mlflow<3",
      "joblib==1.2.0",
      "xgboost",
      "numpy==1.21.*",
      "scipy",
      "lightgbm",
    ]);
    expect(warnings[0]).toMatch(/^`Dockerfile` is not built/);
    expect(warnings.join("\n")).toContain("apt-get install -y git curl");
  });

  it("keeps the last stage only, and the packages of a framework's base image", () => {
    const { spec } = resolveEnvironment({
      value: { build: { path: "azureml://trees/x", dockerfile_path: "docker/Dockerfile" } },
      files: {
        "docker/Dockerfile":
          "FROM python:3.9 AS one\nRUN pip install flask\nFROM pytorch/pytorch:2.4.0\nRUN pip install timm\n",
      },
    });

    expect(spec.requirements?.[0]).toBe("torch>=2.4,<2.5");
    expect(spec.requirements).toContain("timm");
    expect(spec.requirements).not.toContain("flask");
  });

  it("is refused without its Dockerfile", () => {
    expect(() => resolveEnvironment({ value: { build: { path: "azureml://trees/x" } }, files: {} })).toThrow(
      /no `Dockerfile`/,
    );
  });
});

describe("definitions that cannot be built", () => {
  it("are refused with what is missing", () => {
    expect(() => resolveEnvironment({ value: { name: "empty" } })).toThrow(/`empty` has neither/);
    expect(() => resolveEnvironment({ value: { image: "x", os_type: "windows" } })).toThrow(/for Windows/);
  });
});

describe("readCondaLine", () => {
  it.each([
    ["numpy", "numpy"],
    ["numpy=1.21.2=py38_0", "numpy==1.21.2"],
    ["numpy =1.21", "numpy==1.21.*"],
    ["scikit-learn >=1,<2", "scikit-learn>=1,<2"],
    ["xgboost==3.0.2", "xgboost==3.0.2"],
    ["pip<=23", undefined],
    ["matplotlib-base=3.5.*", "matplotlib==3.5.*"],
    ["pytables", "tables"],
    ["librosa", "librosa"],
  ])("reads `%s`", (line, requirement) => {
    const found = readCondaLine(line);

    expect(found?.kind === "requirement" ? found.text : undefined).toBe(requirement);
  });
});

describe("requirementName", () => {
  it("normalizes as the index does, and knows what has no name", () => {
    expect(requirementName("Scikit_Learn[x] >=1 ; python_version>'3'")).toBe("scikit-learn");
    expect(requirementName("pkg @ https://example.test/p.whl")).toBe("pkg");
    expect(requirementName("https://example.test/p.whl")).toBeUndefined();
    expect(requirementName("./local")).toBeUndefined();
  });
});
