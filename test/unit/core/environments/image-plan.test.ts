import { describe, expect, it } from "vitest";
import { makeDigest } from "../../../../src/adapters/node/digest.ts";
import type { EnvironmentDefinition } from "../../../../src/contract/environments.ts";
import { AppError } from "../../../../src/contract/errors.ts";
import { curatedFor } from "../../../../src/core/environments/curated.ts";
import { finishDockerfile, imageHash, mirrored, planImage } from "../../../../src/core/environments/image-plan.ts";
import { resolveEnvironment } from "../../../../src/core/environments/resolve.ts";

const TREE = `azureml://trees/${"a".repeat(64)}`;
const resolve = (value: EnvironmentDefinition, files?: Record<string, string>) =>
  resolveEnvironment({ value, hasContainerEngine: true, ...(files === undefined ? {} : { files }) });
const planned = (value: EnvironmentDefinition, files?: Record<string, string>) => planImage(resolve(value, files).spec);
const hashed = (value: EnvironmentDefinition) => imageHash(makeDigest(), planned(value));

describe("what an image is built from", () => {
  it("a curated environment: packages put together where there are compilers, on Python and little else", () => {
    const spec = curatedFor("minimal-py310-inference");
    const plan = planImage(spec ?? { kind: "interpreter", label: "missing" });

    expect(plan).toEqual({
      dockerfile: `FROM public.ecr.aws/docker/library/python:3.10 AS build
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/env \\
 && python -m pip install --no-cache-dir uv \\
 && uv pip install --no-cache --python /opt/env/bin/python -r /tmp/requirements.txt

FROM public.ecr.aws/docker/library/python:3.10-slim
RUN apt-get update \\
 && apt-get install --yes --no-install-recommends git libgomp1 \\
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/env /opt/env
ENV PATH=/opt/env/bin:$PATH VIRTUAL_ENV=/opt/env
`,
      files: { "requirements.txt": "azureml-inference-server-http\nsetuptools<81\n" },
    });
  });

  it("an old Python, which uv does not know: pip", () => {
    const plan = planImage({ kind: "python", python: "3.7", requirements: ["numpy"], label: "old" });

    expect(plan.dockerfile).toContain("RUN python -m venv /opt/env \\\n && /opt/env/bin/python -m pip install");
    expect(plan.files["requirements.txt"]).toBe("numpy\nsetuptools<81\n");
  });

  it("an image and a conda file: the environment on top of the image", () => {
    const plan = planned({
      image: "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest",
      conda_file: {
        name: "mine",
        channels: ["conda-forge", "pytorch"],
        dependencies: [
          "python=3.8 # as ever",
          "cudatoolkit=11.3",
          "pip",
          { pip: ["azureml-mlflow", "scikit-learn==0.24.2"] },
        ],
      },
    });

    expect(plan.dockerfile).toBe(`FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest
USER root
ADD https://github.com/mamba-org/micromamba-releases/releases/download/2.3.0-1/micromamba-linux-64 /usr/local/bin/micromamba
COPY environment.yml /opt/trainyard/environment.yml
RUN chmod 755 /usr/local/bin/micromamba \\
 && micromamba create --yes --root-prefix /opt/mamba --prefix /opt/env --file /opt/trainyard/environment.yml \\
 && micromamba clean --all --yes --root-prefix /opt/mamba
ENV PATH=/opt/env/bin:$PATH CONDA_PREFIX=/opt/env CONDA_DEFAULT_ENV=/opt/env
USER root
ENTRYPOINT []
RUN ["/bin/sh", "-c", "exit 0"]
`);
    expect(JSON.parse(plan.files["environment.yml"] ?? "")).toEqual({
      channels: ["conda-forge", "pytorch"],
      dependencies: ["python=3.8", "cudatoolkit=11.3", "pip", { pip: ["mlflow", "scikit-learn==0.24.2"] }],
    });
  });

  it("a conda file alone: a small Linux below, Python and pip where they are not named", () => {
    const plan = planned({ conda_file: { dependencies: ["numpy", "pip-tools"] } });

    expect(plan.dockerfile).toMatch(/^FROM public\.ecr\.aws\/docker\/library\/buildpack-deps:bookworm-scm\n/);
    expect(JSON.parse(plan.files["environment.yml"] ?? "")).toEqual({
      channels: ["conda-forge"],
      dependencies: ["python=3.11", "numpy", "pip-tools", "pip"],
    });
  });

  it("a build context: the person's own Dockerfile, with an end that lets a command through", () => {
    const files = { "docker/Dockerfile": 'FROM ubuntu\nENTRYPOINT ["serve"]' };
    const plan = planned({ build: { path: `${TREE}/`, dockerfile_path: "./docker/Dockerfile" } }, files);

    expect(plan).toEqual({ files: {}, context: { path: TREE, dockerfile: "docker/Dockerfile" } });
    expect(finishDockerfile(files["docker/Dockerfile"])).toBe(`FROM ubuntu
ENTRYPOINT ["serve"]

USER root
ENTRYPOINT []
RUN ["/bin/sh", "-c", "exit 0"]
`);
  });

  it("an image that can't take a command as it is: the same without what stands in the way", () => {
    expect(planned({ image: "quay.io/some/tool:1" })).toEqual({
      dockerfile: 'FROM quay.io/some/tool:1\nUSER root\nENTRYPOINT []\nRUN ["/bin/sh", "-c", "exit 0"]\n',
      files: {},
    });
  });
});

describe("an image's hash", () => {
  const image = "quay.io/some/tool:1";

  it("is of what is built, not of what it is called", () => {
    const named = { name: "a", version: "1", description: "first", image };

    expect(hashed(named)).toBe(hashed({ ...named, name: "b", version: "2", tags: { x: "y" } }));
    expect(hashed(named)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is another for another image, package, order of packages or context", () => {
    const conda = (...dependencies: string[]) => ({ image, conda_file: { dependencies } });
    const hashes = [
      hashed({ image }),
      hashed({ image: `${image}1` }),
      hashed(conda("numpy")),
      hashed(conda("numpy=1")),
      hashed(conda("numpy", "scipy")),
      hashed(conda("scipy", "numpy")),
      imageHash(makeDigest(), planned({ build: { path: TREE } }, { Dockerfile: "" })),
      imageHash(makeDigest(), planned({ build: { path: TREE.replace("aa", "bb") } }, { Dockerfile: "" })),
    ];

    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe("Docker's official images", () => {
  it.each([
    ["python:3.10", "public.ecr.aws/docker/library/python:3.10"],
    ["docker.io/library/python", "public.ecr.aws/docker/library/python"],
    ["library/ubuntu@sha256:1", "public.ecr.aws/docker/library/ubuntu@sha256:1"],
    ["pytorch/pytorch:2", "pytorch/pytorch:2"],
    ["docker.io/pytorch/pytorch:2", "docker.io/pytorch/pytorch:2"],
    ["localhost:5000/mine", "localhost:5000/mine"],
  ])("%s is %s", (image, address) => {
    expect(mirrored(image)).toBe(address);
  });
});

describe("what can't be an image is refused", () => {
  const refusal = (value: EnvironmentDefinition, files?: Record<string, string>) => {
    try {
      return resolve(value, files).spec;
    } catch (error) {
      return error instanceof AppError ? `${error.code}: ${error.message}` : error;
    }
  };

  it.each([
    ["a name that would write into the Dockerfile", { image: "python\nRUN evil" }, "is not the name of an image"],
    ["a context that is no snapshot", { build: { path: "./docker" } }, "is not a snapshot of this workspace"],
    ["a context without its Dockerfile", { build: { path: TREE } }, "has no `Dockerfile`"],
    ["nothing", {}, "has neither `image`, `conda_file` nor `build`"],
  ])("%s", (_what, value, words) => {
    expect(refusal(value)).toMatch(/^InvalidSpec: environment `inline`/);
    expect(refusal(value)).toContain(words);
  });

  it("lines of a conda file that need files beside it are left out with a warning", () => {
    const { spec, warnings } = resolve({
      conda_file: {
        dependencies: ["python=3.9", { pip: ["-r requirements.txt", "-e .", "--extra-index-url https://x", "a"] }],
      },
    });

    expect(spec.conda?.dependencies?.at(-1)).toEqual({ pip: ["--extra-index-url https://x", "a"] });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain("`-r requirements.txt` needs files");
  });
});
