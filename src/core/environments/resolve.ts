import type { CondaFile, EnvironmentDefinition, EnvironmentSpec } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { nearestPython } from "../../contract/python-versions.ts";
import { type DockerfileFacts, dockerfileOf, readDockerfile } from "./dockerfile.ts";
import { standInFor } from "./images.ts";
import { localRequirement, readCondaLine, requirementName } from "./packages.ts";
import { resolveImage } from "./resolve-image.ts";

export interface ResolveInput {
  readonly value: EnvironmentDefinition;
  /** Jobs and deployments run in container images: nothing needs to be translated. */
  readonly hasContainerEngine?: boolean;
  /** Python versions on the machine, `3.11`; absent: not known, the runner takes the nearest. */
  readonly pythonVersions?: readonly string[];
  /** Files of the build context by relative path: the Dockerfile (`dockerfileOf`) and what it installs from (`filesWanted`). */
  readonly files?: Readonly<Record<string, string>>;
  /** Name a person knows it by; default: the definition's own name and version, else `inline`. */
  readonly label?: string;
}

export interface Resolved {
  readonly spec: EnvironmentSpec;
  /** One sentence each: what was put in place of something this home cannot honour. */
  readonly warnings: readonly string[];
}

interface Gathered {
  python?: string;
  requirements: string[];
  warnings: string[];
}

/** Turns a definition into what a builder makes. Throws InvalidSpec when it says nothing that could be built. */
export function resolveEnvironment(input: ResolveInput): Resolved {
  const { value } = input;
  const label = input.label ?? labelOf(value);
  if (value.os_type === "windows") {
    throw new AppError("NotSupported", `environment \`${label}\` is for Windows; jobs run on Linux`, {
      hint: "remove `os_type: windows`",
    });
  }
  if (input.hasContainerEngine === true) return resolveImage(input, label);
  const gathered: Gathered = { requirements: [], warnings: [] };
  if (value.build !== undefined) gatherBuild(value.build, input.files, label, gathered);
  else if (value.conda_file !== undefined) gatherConda(value.conda_file, input.files ?? {}, gathered);
  else if (value.image !== undefined) return imageOnly(value.image, input, label);
  else {
    throw new AppError("InvalidSpec", `environment \`${label}\` has neither \`image\`, \`conda_file\` nor \`build\``, {
      hint: "name an image, a conda file or a build context",
    });
  }
  return finish(gathered, input, label);
}

/** Files of a build context that say what a Dockerfile of this text installs. */
export function filesWanted(dockerfile: string): string[] {
  const facts = readDockerfile(dockerfile);
  return [...facts.requirementFiles, ...facts.condaFiles].map(contextPath);
}

function labelOf(value: EnvironmentDefinition): string {
  if (value.name === undefined) return "inline";
  return value.version === undefined ? value.name : `azureml:${value.name}:${value.version}`;
}

function imageOnly(image: string, input: ResolveInput, label: string): Resolved {
  const standIn = standInFor(image);
  const warning = `image \`${image}\` needs a container engine; the Python environment \`${standIn.name}\` is used instead`;
  const shown = label === "inline" ? standIn.spec.label : label;
  const { warnings, spec } = checkPython({ ...standIn.spec, label: shown }, input);
  return { spec, warnings: [warning, ...warnings] };
}

function finish(gathered: Gathered, input: ResolveInput, label: string): Resolved {
  const requirements: string[] = [];
  for (const line of gathered.requirements) {
    const local = localRequirement(line);
    if (local.note !== undefined) gathered.warnings.push(`requirement ${local.note}`);
    if (local.text === undefined) continue;
    const name = requirementName(local.text);
    const replaced = local.note !== undefined && name !== undefined;
    if (replaced && [...gathered.requirements, ...requirements].some((other) => requirementName(other) === name))
      continue;
    if (!requirements.includes(local.text)) requirements.push(local.text);
  }
  const spec: EnvironmentSpec = {
    kind: "python",
    ...(gathered.python === undefined ? {} : { python: gathered.python }),
    requirements,
    relax_pins: true,
    label,
  };
  const checked = checkPython(spec, input);
  return { spec: checked.spec, warnings: [...gathered.warnings, ...checked.warnings] };
}

/** Says so when the wanted Python is not there. The spec keeps what was wanted: another compute may have it. */
function checkPython(spec: EnvironmentSpec, input: ResolveInput): Resolved {
  const versions = input.pythonVersions;
  if (spec.python === undefined || versions === undefined || versions.length === 0 || versions.includes(spec.python)) {
    return { spec, warnings: [] };
  }
  const pins = spec.requirements?.length ? ", with pins relaxed where its packages need it" : "";
  const near = nearestPython(spec.python, versions);
  return { spec, warnings: [`Python ${spec.python} is not installed here; Python ${near} is used${pins}`] };
}

function gatherConda(conda: CondaFile, files: Readonly<Record<string, string>>, into: Gathered): void {
  const channels = (conda.channels ?? []).filter(
    (channel) => !/^(conda-forge|defaults|anaconda|nodefaults)$/.test(channel),
  );
  if (channels.length > 0) {
    into.warnings.push(`conda channels ${quoted(channels)} are not used; packages come from the Python package index`);
  }
  const foreign: string[] = [];
  for (const dependency of conda.dependencies ?? []) {
    if (typeof dependency !== "string") {
      for (const line of dependency.pip ?? []) gatherPip(line, files, into);
      continue;
    }
    // `-r file` belongs under `pip:`, but is met here too, and then means the same.
    if (/^-/.test(dependency)) {
      gatherPip(dependency, files, into);
      continue;
    }
    const line = readCondaLine(dependency);
    if (line?.kind === "python" && line.version !== undefined) into.python = line.version;
    else if (line?.kind === "requirement") into.requirements.push(line.text);
    else if (line?.kind === "foreign") foreign.push(line.name);
  }
  if (foreign.length > 0) {
    into.warnings.push(`conda packages ${quoted(foreign)} are not Python packages and are left out`);
  }
}

function gatherPip(
  line: string,
  files: Readonly<Record<string, string>>,
  into: Gathered,
  above: readonly string[] = [],
): void {
  const text = line.replace(/(^|\s)#.*$/, "").trim();
  if (text === "") return;
  const file = /^(?:-r|--requirement)[\s=]*(.+)$/.exec(text)?.[1];
  if (file !== undefined) {
    const path = contextPath(file);
    if (above.includes(path)) return;
    const content = files[path];
    if (content === undefined) {
      into.warnings.push(`\`${text}\` names a file that did not come along; its packages are not installed`);
      return;
    }
    for (const part of content.replace(/\s*\\\r?\n\s*/g, " ").split(/\r?\n/))
      gatherPip(part, files, into, [...above, path]);
    return;
  }
  if (/^(-e\s|--editable|\.{0,2}\/|\.$)/.test(text)) {
    into.warnings.push(`\`${text}\` is a local package; install it in the job's command instead`);
    return;
  }
  if (
    /^(-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host|--pre|--no-index)\b/.test(text) ||
    text.startsWith("-")
  ) {
    into.warnings.push(`pip option \`${withoutUserInfo(text)}\` is not used; the machine's own pip settings are`);
    return;
  }
  into.requirements.push(text);
}

function gatherBuild(
  build: NonNullable<EnvironmentDefinition["build"]>,
  files: ResolveInput["files"],
  label: string,
  into: Gathered,
): void {
  const path = dockerfileOf(build);
  const text = files?.[path];
  if (files === undefined || text === undefined) {
    throw new AppError("InvalidSpec", `environment \`${label}\`: its build context has no \`${path}\``, {
      hint: "name the file with `build.dockerfile_path`",
    });
  }
  const facts = readDockerfile(text);
  const base = gatherBase(facts, into);
  into.requirements.push(...facts.requirements);
  for (const file of facts.requirementFiles) gatherPip(`-r ${file}`, files, into);
  for (const file of facts.condaFiles) {
    const content = files[contextPath(file)];
    if (content === undefined)
      into.warnings.push(`conda file \`${file}\` of the Dockerfile is not in the build context`);
    else gatherConda(condaOfText(content), files, into);
  }
  into.warnings.unshift(
    `\`${path}\` is not built: there is no container engine; a Python environment with the packages found in it is used${base}`,
  );
  if (facts.ignored.length > 0) into.warnings.push(`left out of \`${path}\`: ${quoted(facts.ignored.slice(0, 5))}`);
}

function gatherBase(facts: DockerfileFacts, into: Gathered): string {
  if (facts.python !== undefined) into.python = facts.python;
  if (facts.image === undefined) return "";
  const base = standInFor(facts.image);
  into.python ??= base.spec.python ?? into.python ?? "";
  if (into.python === "") delete into.python;
  into.requirements.push(...(base.spec.requirements ?? []));
  return base.spec.requirements?.length ? `, on top of \`${base.name}\`` : "";
}

/** Just enough of a conda file to find its dependencies: the lists of strings under `dependencies` and `pip`. */
function condaOfText(text: string): CondaFile {
  const own: string[] = [];
  const pip: string[] = [];
  let section = "";
  let pipIndent = -1;
  for (const line of text.split(/\r?\n/)) {
    const key = /^([A-Za-z_]+):/.exec(line)?.[1];
    if (key !== undefined) {
      section = key;
      pipIndent = -1;
      continue;
    }
    const item = /^(\s*)-\s+(.*?)\s*$/.exec(line);
    if (section !== "dependencies" || item === null) continue;
    const indent = (item[1] ?? "").length;
    const value = (item[2] ?? "").replace(/^(["'])(.*)\1$/, "$2");
    if (pipIndent >= 0 && indent > pipIndent) pip.push(value);
    else if (value === "pip:") pipIndent = indent;
    else {
      pipIndent = -1;
      own.push(value);
    }
  }
  return { dependencies: [...own, ...(pip.length > 0 ? [{ pip }] : [])] };
}

/** A path of a Dockerfile as one of the build context: `./requirements.txt` and `/tmp/requirements.txt` are both `requirements.txt` of it. */
function contextPath(path: string): string {
  const clean = path.trim().replace(/^\.\//, "");
  return clean.startsWith("/") ? (clean.split("/").at(-1) ?? clean) : clean;
}

function withoutUserInfo(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/, "//");
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(", ");
}
