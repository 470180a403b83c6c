import type { CondaFile, EnvironmentDefinition } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { dockerfileOf } from "./dockerfile.ts";
import { CONDA_BASE, DEFAULT_PYTHON } from "./image-plan.ts";
import { localRequirement, readCondaLine } from "./packages.ts";
import type { Resolved, ResolveInput } from "./resolve.ts";

const IMAGE = /^[a-zA-Z0-9][\w.:/@-]*$/;
const TREE = /^azureml:\/\/trees\/[0-9a-f]{64}(?:\/|$)/;
/** Lines of a pip list that need files beside the conda file: it travels alone. */
const NEEDS_FILES = /^(?:-e\b|--editable|-r\b|--requirement|-c\b|--constraint|\.{0,2}\/|\.$|file:)/;

/** A definition for a home that runs containers: image, conda file and build context stay what they are. */
export function resolveImage(input: ResolveInput, label: string): Resolved {
  const { value } = input;
  if (value.build !== undefined) {
    const build = checkContext(value.build, input.files ?? {}, label);
    return { spec: { kind: "image", build, label }, warnings: [] };
  }
  const { image = CONDA_BASE, conda_file: written } = value;
  if (written === undefined && value.image === undefined) {
    throw new AppError("InvalidSpec", `environment \`${label}\` has neither \`image\`, \`conda_file\` nor \`build\``, {
      hint: "name an image, a conda file or a build context",
    });
  }
  if (!IMAGE.test(image)) {
    throw new AppError("InvalidSpec", `environment \`${label}\`: \`${image}\` is not the name of an image`, {
      hint: "write it as `registry/name:tag` or `registry/name@sha256:…`",
    });
  }
  if (written === undefined) return { spec: { kind: "image", image, label }, warnings: [] };
  const { conda, warnings } = readConda(written);
  return { spec: { kind: "image", image, conda, label }, warnings };
}

function checkContext(
  build: NonNullable<EnvironmentDefinition["build"]>,
  files: Readonly<Record<string, string>>,
  label: string,
): { path: string; dockerfile: string } {
  const dockerfile = dockerfileOf(build);
  if (!TREE.test(build.path)) {
    throw new AppError(
      "InvalidSpec",
      `environment \`${label}\`: \`${build.path}\` is not a snapshot of this workspace`,
      {
        hint: "register it with `yard environment create`, which uploads the folder of `build.path`",
      },
    );
  }
  if (files[dockerfile] === undefined) {
    throw new AppError("InvalidSpec", `environment \`${label}\`: its build context has no \`${dockerfile}\``, {
      hint: "name the file with `build.dockerfile_path`",
    });
  }
  return { path: build.path.replace(/\/+$/, ""), dockerfile };
}

/** What is installed of a conda file: channels and dependencies, with Python and pip among them. */
function readConda(written: CondaFile): { readonly conda: CondaFile; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const own: string[] = [];
  const pip: string[] = [];
  for (const dependency of written.dependencies ?? []) {
    if (typeof dependency === "string") {
      const text = dependency.replace(/(^|\s)#.*$/, "").trim();
      if (text !== "") own.push(text);
      continue;
    }
    for (const line of dependency.pip ?? []) addPip(line, pip, warnings);
  }
  const kinds = own.map((line) => readCondaLine(line)?.kind);
  if (!kinds.includes("python")) own.unshift(`python=${DEFAULT_PYTHON}`);
  if (!own.some((line) => /^(?:[\w.-]+::)?pip\b(?!-)/.test(line))) own.push("pip");
  return {
    conda: {
      channels: written.channels?.length ? written.channels : ["conda-forge"],
      dependencies: [...own, ...(pip.length > 0 ? [{ pip }] : [])],
    },
    warnings,
  };
}

function addPip(line: string, pip: string[], warnings: string[]): void {
  const text = line.replace(/(^|\s)#.*$/, "").trim();
  if (text === "") return;
  if (NEEDS_FILES.test(text)) {
    warnings.push(`\`${text}\` needs files that a conda file does not bring; use a build context for it`);
    return;
  }
  const { text: replaced, note } = localRequirement(text);
  if (note !== undefined) warnings.push(`requirement ${note}`);
  if (replaced !== undefined && !pip.includes(replaced)) pip.push(replaced);
}
