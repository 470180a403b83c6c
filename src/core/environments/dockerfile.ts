import type { EnvironmentDefinition } from "../../contract/environments.ts";
import { readCondaLine } from "./packages.ts";

/** What a Dockerfile says about Python, as far as its text tells. */
export interface DockerfileFacts {
  /** Image of the last stage. */
  readonly image?: string;
  readonly python?: string;
  /** Requirement lines of `pip install`, and of `conda install` translated. */
  readonly requirements: readonly string[];
  /** Files it installs from, as written: requirement files and conda files of the build context. */
  readonly requirementFiles: readonly string[];
  readonly condaFiles: readonly string[];
  /** Steps that have no meaning without a container. */
  readonly ignored: readonly string[];
}

/** Options of pip and conda that take a value. */
const VALUED = new Set([
  "-i",
  "--index-url",
  "--extra-index-url",
  "-f",
  "--find-links",
  "--trusted-host",
  "--timeout",
  "--target",
  "-t",
  "--prefix",
  "-p",
  "-n",
  "--name",
  "-c",
  "--channel",
  "--constraint",
  "--retries",
  "--progress-bar",
  "--platform",
]);

/** Path of a build context's Dockerfile in it. */
export function dockerfileOf(build: NonNullable<EnvironmentDefinition["build"]>): string {
  return (build.dockerfile_path ?? "Dockerfile").trim().replace(/^(?:\.\/)+/, "");
}

/** Reads the instructions that install Python packages; nothing is run. */
export function readDockerfile(text: string): DockerfileFacts {
  const facts = {
    requirements: [] as string[],
    requirementFiles: [] as string[],
    condaFiles: [] as string[],
    ignored: [] as string[],
  };
  const variables = new Map<string, string>();
  let image: string | undefined;
  let python: string | undefined;
  for (const { name, rest } of instructions(text)) {
    const value = expand(rest, variables);
    if (name === "FROM") {
      image = value.replace(/^--\S+\s+/, "").split(/\s+/)[0];
      facts.requirements.length = 0;
      facts.requirementFiles.length = 0;
      facts.condaFiles.length = 0;
    } else if (name === "ARG" || name === "ENV") {
      const found = /^([A-Za-z_]\w*)[=\s]\s*"?([^"]*)"?$/.exec(value);
      if (found?.[1] !== undefined) variables.set(found[1], found[2] ?? "");
    } else if (name === "RUN") {
      for (const command of commandsOf(value)) python = readCommand(command, facts) ?? python;
    } else if (name === "ENTRYPOINT" || name === "CMD") {
      facts.ignored.push(`${name} ${rest}`.slice(0, 120));
    }
  }
  return { ...(image === undefined ? {} : { image }), ...(python === undefined ? {} : { python }), ...facts };
}

function* instructions(text: string): Generator<{ name: string; rest: string }> {
  const lines = text.replace(/\r/g, "").split("\n");
  let joined = "";
  for (const line of lines) {
    if (/^\s*#/.test(line) || (joined !== "" && line.trim() === "")) continue;
    joined += line.replace(/\\\s*$/, " ");
    if (/\\\s*$/.test(line)) continue;
    const found = /^\s*([A-Za-z]+)\s+(.*)$/s.exec(joined);
    joined = "";
    if (found !== null) yield { name: (found[1] ?? "").toUpperCase(), rest: (found[2] ?? "").trim() };
  }
}

function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:\{([A-Za-z_]\w*)(?::-([^}]*))?\}|([A-Za-z_]\w*))/g,
    (whole, braced: string | undefined, fallback: string | undefined, plain: string | undefined) =>
      variables.get(braced ?? plain ?? "") ?? fallback ?? whole,
  );
}

/** Splits a RUN line at `&&`, `;` and `||`; the exec form is one command. */
function commandsOf(text: string): string[][] {
  const line = text.replace(/^(?:--\S+\s+)+/, "");
  if (line.startsWith("[")) {
    try {
      return [(JSON.parse(line) as unknown[]).map(String)];
    } catch {
      return [];
    }
  }
  return line
    .split(/&&|\|\||;/)
    .map((part) => [...part.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((word) => word[1] ?? word[2] ?? word[3] ?? ""));
}

interface Sink {
  readonly requirements: string[];
  readonly requirementFiles: string[];
  readonly condaFiles: string[];
  readonly ignored: string[];
}

/** Answers the Python version a command asks for. */
function readCommand(words: readonly string[], into: Sink): string | undefined {
  const at = words.findIndex(
    (word, i) => word === "install" && /(^|\/)(pip3?|conda|mamba|micromamba|uv)$/.test(words[i - 1] ?? ""),
  );
  const create = words.findIndex(
    (word, i) => /^(create|update)$/.test(word) && /(env|conda|mamba)$/.test(words[i - 1] ?? ""),
  );
  if (at < 0 && create < 0) {
    if (/^(apt|apt-get|yum|apk)$/.test(words[0] ?? "") && words.includes("install"))
      into.ignored.push(words.join(" ").slice(0, 120));
    return undefined;
  }
  const conda = at < 0 || /(conda|mamba)$/.test(words[at - 1] ?? "");
  let python: string | undefined;
  const rest = words.slice((at < 0 ? create : at) + 1);
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? "";
    if (word === "-r" || word === "--requirement") into.requirementFiles.push(rest[++i] ?? "");
    else if (word.startsWith("--requirement=")) into.requirementFiles.push(word.slice(14));
    else if (word === "-f" && conda) into.condaFiles.push(rest[++i] ?? "");
    else if (word === "--file")
      (/\.ya?ml$/.test(rest[i + 1] ?? "") ? into.condaFiles : into.requirementFiles).push(rest[++i] ?? "");
    else if (word.startsWith("--file=")) into.condaFiles.push(word.slice(7));
    else if (VALUED.has(word)) i++;
    else if (word.startsWith("-") || word === "." || /[<>]?\/dev\/null|^\d?>/.test(word) || word.includes("/"))
      continue;
    else if (!conda) {
      if (!/^(pip|setuptools|wheel)([=<>~].*)?$/.test(word)) into.requirements.push(word);
    } else {
      const line = readCondaLine(word);
      if (line?.kind === "python") python = line.version ?? python;
      else if (line?.kind === "requirement") into.requirements.push(line.text);
      else if (line?.kind === "foreign") into.ignored.push(`conda package ${line.name}`);
    }
  }
  return python;
}
