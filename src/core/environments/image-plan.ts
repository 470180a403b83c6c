import type { EnvironmentSpec } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { type Digest, sha256Hex } from "../ports/digest.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import { requirementName } from "./packages.ts";

/** Where nothing says which Python is wanted. */
export const DEFAULT_PYTHON = "3.11";
/** Docker's official images without Docker Hub's limits on unknown pullers. */
const LIBRARY = "public.ecr.aws/docker/library";
/** Under a conda file that names no image: a small Linux with certificates, curl and git. */
export const CONDA_BASE = `${LIBRARY}/buildpack-deps:bookworm-scm`;
const MICROMAMBA = "https://github.com/mamba-org/micromamba-releases/releases/download/2.3.0-1/micromamba-linux-64";
/** Scripts and packages of the last years import `distutils` and `pkg_resources`; both are in setuptools. */
const SEED = "setuptools<81";

/** Raised when images of equal specs must be built anew for another reason than their Dockerfile. */
const LAYOUT = 1;
const PLATFORM = "linux/amd64";

/** A job's command is given to the image as it is, by root, through a shell; the last line proves that there is one. */
const FINISH = `USER root
ENTRYPOINT []
RUN ["/bin/sh", "-c", "exit 0"]
`;

/** What an image is built from. */
export interface ImagePlan {
  /** Absent where the build context brings its own. */
  readonly dockerfile?: string;
  /** Files of the build context by path, in UTF-8. */
  readonly files: Readonly<Record<string, string>>;
  /** A person's own build context: a folder of the workspace's trees, and its Dockerfile there. */
  readonly context?: { readonly path: string; readonly dockerfile: string };
}

export function planImage(spec: EnvironmentSpec): ImagePlan {
  if (spec.kind === "python") return planPython(spec);
  if (spec.build !== undefined) return { files: {}, context: spec.build };
  if (spec.image === undefined) {
    throw new AppError("NotSupported", `environment \`${spec.label}\` (kind \`${spec.kind}\`) has no image`);
  }
  const image = mirrored(spec.image);
  if (spec.conda === undefined) return { dockerfile: `FROM ${image}\n${FINISH}`, files: {} };
  return {
    dockerfile: condaDockerfile(image),
    // JSON is YAML too.
    files: { "environment.yml": `${JSON.stringify(spec.conda, undefined, 2)}\n` },
  };
}

/** Identity of an image: equal content, equal hash, whatever it is called. */
export function imageHash(digest: Digest, plan: ImagePlan): string {
  return sha256Hex(digest, canonicalJson({ layout: LAYOUT, platform: PLATFORM, finish: FINISH, plan }));
}

/** A person's Dockerfile with what a job's image needs at its end. */
export function finishDockerfile(text: string): string {
  return `${text.trimEnd()}\n\n${FINISH}`;
}

/** Official images of Docker Hub by their address in the public registry that has them too; others as they are. */
export function mirrored(image: string): string {
  const name = image.replace(/^(?:docker\.io\/)?(?:library\/)?(?=[^/]+$)/, "");
  return name.includes("/") ? image : `${LIBRARY}/${name}`;
}

function planPython(spec: EnvironmentSpec): ImagePlan {
  const python = spec.python ?? DEFAULT_PYTHON;
  const wanted = spec.requirements ?? [];
  const lines = wanted.some((line) => requirementName(line) === "setuptools") ? wanted : [...wanted, SEED];
  return { dockerfile: pythonDockerfile(python), files: { "requirements.txt": `${lines.join("\n")}\n` } };
}

/** What has to be compiled is compiled where there are compilers; the image itself has none. */
function pythonDockerfile(python: string): string {
  return `FROM ${LIBRARY}/python:${python} AS build
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/env \\
 && ${pythonInstall(python)} -r /tmp/requirements.txt

FROM ${LIBRARY}/python:${python}-slim
RUN apt-get update \\
 && apt-get install --yes --no-install-recommends git libgomp1 \\
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/env /opt/env
ENV PATH=/opt/env/bin:$PATH VIRTUAL_ENV=/opt/env
`;
}

/** uv, which is quicker and says better what does not fit, knows Pythons from 3.8 on. */
function pythonInstall(python: string): string {
  const [major = 3, minor = 0] = python.split(".").map(Number);
  if (major < 3 || minor < 8) return "/opt/env/bin/python -m pip install --no-cache-dir";
  return "python -m pip install --no-cache-dir uv \\\n && uv pip install --no-cache --python /opt/env/bin/python";
}

function condaDockerfile(image: string): string {
  return `FROM ${image}
USER root
ADD ${MICROMAMBA} /usr/local/bin/micromamba
COPY environment.yml /opt/trainyard/environment.yml
RUN chmod 755 /usr/local/bin/micromamba \\
 && micromamba create --yes --root-prefix /opt/mamba --prefix /opt/env --file /opt/trainyard/environment.yml \\
 && micromamba clean --all --yes --root-prefix /opt/mamba
ENV PATH=/opt/env/bin:$PATH CONDA_PREFIX=/opt/env CONDA_DEFAULT_ENV=/opt/env
${FINISH}`;
}
