import { check } from "./check.ts";
import { type Data, record, without } from "./data.ts";
import type { Findings } from "./diagnostics.ts";
import { condaSpec } from "./kinds/common.ts";
import type { Kind } from "./kinds/table.ts";
import { child, type SpecNode } from "./nodes.ts";
import { baseName, type FileReader, kindOfPath, parentPath, resolvePath, shownPath } from "./paths.ts";
import { hasPlaceholder, parseRef } from "./refs.ts";
import type { CheckContext } from "./schema.ts";
import type { CheckedFile } from "./validate.ts";
import { loadYamlFile } from "./yaml-load.ts";

/** One local file or folder that has to be stored before the spec is sent. */
export interface Upload {
  /** Where its address goes in the spec: `["inputs", "data", "path"]`. */
  readonly at: readonly string[];
  /** Same as a field path, for messages. */
  readonly field: string;
  /** What it is for; code follows the rules of snapshots (.amlignore), data and models are taken as they are. */
  readonly use: "code" | "data" | "model" | "build";
  /** In the reader's form. */
  readonly path: string;
  readonly form: "file" | "dir";
  /** More files and folders that go beside the code, by their base names. */
  readonly includes: readonly string[];
}

/**
 * Turns a checked spec into one that stands by itself: files that are part of the text (conda files, environment files, component
 * files) are put in, files that are data are listed as uploads and stay in the spec as local paths until they are stored.
 */
export class TakeIn {
  readonly uploads: Upload[] = [];
  readonly #reader: FileReader;
  readonly #findings: Findings;
  readonly #ctx: CheckContext;
  readonly #root: SpecNode | undefined;

  constructor(reader: FileReader, checked: CheckedFile) {
    this.#reader = reader;
    this.#findings = checked.findings;
    this.#ctx = checked.ctx;
    this.#root = checked.root;
  }

  any(kind: Kind, value: Data, dir: string): Data {
    if (kind === "environment") return this.#environmentBody(value, dir, []);
    if (kind === "data") return this.#pathField(value, "path", "data", dir, []);
    if (kind === "model") return this.#model(value, dir, []);
    if (kind === "deployment.online" || kind === "deployment.online.k8s") return this.#deployment(value, dir);
    if (kind.startsWith("component.")) return this.#component(value, dir, []);
    if (kind === "datastore" && value.type === "local" && typeof value.path === "string") {
      const folder = resolvePath(dir, value.path);
      return { ...value, path: this.#shown(folder) };
    }
    return value;
  }

  commandJob(value: Data, dir: string): Data {
    return this.#runnable(value, dir, []);
  }

  /** A pipeline with all its components that are files here. */
  pipelineJob(value: Data, dir: string): Data {
    const made = this.#runnable(value, dir, []);
    if (made.jobs !== undefined) made.jobs = this.#steps(record(made.jobs), dir, ["jobs"]);
    if (made.component !== undefined) made.component = this.#componentOf(made.component, dir, ["component"]);
    return made;
  }

  /** A sweep with its trial. */
  sweepJob(value: Data, dir: string): Data {
    const made = this.#runnable(value, dir, []);
    return { ...made, trial: this.#componentOf(made.trial, dir, ["trial"]) };
  }

  /** What jobs, steps and command components have in common. */
  #runnable(value: Data, dir: string, at: readonly string[]): Data {
    let made = this.#code(value, dir, at);
    if (made.environment !== undefined)
      made = { ...made, environment: this.#environment(made.environment, dir, [...at, "environment"]) };
    if (made.inputs !== undefined)
      made = { ...made, inputs: this.#inputs(record(made.inputs), dir, [...at, "inputs"]) };
    if (made.outputs !== undefined) made = { ...made, outputs: outputsOf(record(made.outputs)) };
    return made;
  }

  #code(value: Data, dir: string, at: readonly string[]): Data {
    const includes = Array.isArray(value.additional_includes)
      ? value.additional_includes.map((path) => resolvePath(dir, String(path)))
      : [];
    for (const path of includes) {
      if (kindOfPath(this.#reader, path) === "absent")
        this.#fail([...at, "additional_includes"], `file or directory not found: \`${this.#shown(path)}\``);
    }
    if (typeof value.code !== "string") return value;
    return this.#pathField(value, "code", "code", dir, at, includes);
  }

  /** Replaces a local path by an upload; other forms of references stay. */
  #pathField(
    value: Data,
    key: string,
    use: Upload["use"],
    dir: string,
    at: readonly string[],
    includes: readonly string[] = [],
  ): Data {
    const given = value[key];
    if (typeof given !== "string") return value;
    const where = [...at, key];
    if (hasPlaceholder(given)) {
      this.#fail(where, `\`${given}\` holds a placeholder`, "replace it with a value");
      return value;
    }
    const parsed = parseRef(given);
    if (parsed.form !== "local" || given.includes("${{")) return value;
    const path = resolvePath(dir, parsed.path);
    const form = kindOfPath(this.#reader, path);
    if (form === "absent") {
      this.#fail(
        where,
        `file or directory not found: \`${this.#shown(path)}\``,
        "a path is relative to the file that names it",
      );
      return value;
    }
    this.uploads.push({ at: where, field: where.join("."), use, path, form, includes });
    return { ...value, [key]: path };
  }

  #inputs(inputs: Data, dir: string, at: readonly string[]): Data {
    const made: Data = {};
    for (const [name, given] of Object.entries(inputs)) {
      if (typeof given !== "object" || given === null) {
        put(made, name, given);
        continue;
      }
      const input = record(given);
      const kept =
        "path" in input
          ? { type: input.type, path: input.path, ...(input.mode === undefined ? {} : { mode: input.mode }) }
          : input;
      put(made, name, this.#pathField(kept, "path", "data", dir, [...at, name]));
    }
    return made;
  }

  #environment(value: unknown, dir: string, at: readonly string[]): unknown {
    if (typeof value === "string") {
      const text = value.trim();
      if (!text.startsWith("file:")) {
        if (hasPlaceholder(text)) this.#fail(at, `\`${text}\` holds a placeholder`, "replace it with a value");
        return text;
      }
      const parsed = parseRef(text);
      const node = this.#nodeAt(at);
      if (parsed.form !== "local" || !node) return text;
      const loaded = this.#ctx.specs.load("environment", parsed.path, node, at.join("."), { ...this.#ctx, dir });
      return loaded ? this.#environmentBody(record(loaded.value), loaded.ctx.dir, at) : text;
    }
    return this.#environmentBody(record(value), dir, at);
  }

  #environmentBody(value: Data, dir: string, at: readonly string[]): Data {
    const made: Data = { ...value };
    if (typeof made.conda_file === "string") made.conda_file = this.#condaFile(made.conda_file, dir, at);
    if (made.build !== undefined)
      made.build = this.#pathField(record(made.build), "path", "build", dir, [...at, "build"]);
    return without(made, ["$schema", "datastore", "auto_delete_setting", "id"]);
  }

  #condaFile(given: string, dir: string, at: readonly string[]): unknown {
    const parsed = parseRef(given);
    if (parsed.form !== "local") return given;
    const file = resolvePath(dir, parsed.path);
    const root = loadYamlFile(this.#reader, file, this.#findings);
    if (!root) return undefined;
    const value = check(condaSpec, root, "", { ...this.#ctx, dir: parentPath(file) });
    if (value === undefined) this.#fail([...at, "conda_file"], `\`${baseName(file)}\` is no conda environment file`);
    return value;
  }

  #model(value: Data, dir: string, at: readonly string[]): Data {
    if (value.path === undefined && at.length === 0)
      this.#fail(["path"], "missing required field `path`", "a file, a folder, or `runs:/RUN_ID/path`");
    return this.#pathField(value, "path", "model", dir, at);
  }

  #deployment(value: Data, dir: string): Data {
    const made: Data = { ...value };
    if (typeof made.model === "object") made.model = this.#model(record(made.model), dir, ["model"]);
    if (made.code_configuration !== undefined) {
      made.code_configuration = this.#pathField(record(made.code_configuration), "code", "code", dir, [
        "code_configuration",
      ]);
    }
    if (made.environment !== undefined) made.environment = this.#environment(made.environment, dir, ["environment"]);
    return made;
  }

  /** A component with the files it names; pipeline components hold their steps' components. */
  #component(value: Data, dir: string, at: readonly string[]): Data {
    const made = this.#code(value, dir, at);
    const result: Data = without(made, ["$schema", "id", "creation_context", "latest_version", "additional_includes"]);
    if (result.environment !== undefined)
      result.environment = this.#environment(result.environment, dir, [...at, "environment"]);
    if (result.task !== undefined && typeof result.task === "object")
      result.task = this.#runnable(record(result.task), dir, [...at, "task"]);
    if (result.jobs !== undefined) result.jobs = this.#steps(record(result.jobs), dir, [...at, "jobs"]);
    return result;
  }

  #steps(steps: Data, dir: string, at: readonly string[]): Data {
    const made: Data = {};
    for (const [name, given] of Object.entries(steps)) {
      const where = [...at, name];
      const step = this.#runnable(record(given), dir, where);
      for (const key of ["component", "trial"])
        if (step[key] !== undefined) step[key] = this.#componentOf(step[key], dir, [...where, key]);
      // A step without a type takes that of its component.
      const { type } = record(step.component);
      if (step.type === undefined && type !== undefined) step.type = type;
      if (typeof step.task === "object" && step.task !== null)
        step.task = this.#runnable(record(step.task), dir, [...where, "task"]);
      put(made, name, step);
    }
    return made;
  }

  #componentOf(given: unknown, dir: string, at: readonly string[]): unknown {
    if (typeof given === "string") return this.#componentFile(given, dir, at);
    return typeof given === "object" && given !== null ? this.#component(record(given), dir, at) : given;
  }

  #componentFile(given: string, dir: string, at: readonly string[]): unknown {
    const parsed = parseRef(given);
    const node = this.#root;
    if (parsed.form !== "local" || !node || given.includes("${{")) return given;
    const loaded = this.#ctx.specs.load("component", parsed.path, node, at.join("."), {
      ...this.#ctx,
      dir,
      anonymous: true,
      bindings: false,
    });
    if (!loaded) return given;
    return this.#component(
      { ...record(loaded.value), type: loaded.kind.slice(loaded.kind.indexOf(".") + 1) },
      loaded.ctx.dir,
      at,
    );
  }

  /** Node of a field of the file itself; inside component files only the file's root is known. */
  #nodeAt(at: readonly string[]): SpecNode | undefined {
    let node = this.#root;
    for (const key of at) node = child(node, key) ?? node;
    return node;
  }

  #fail(at: readonly string[], message: string, hint?: string): void {
    const node = this.#nodeAt(at);
    if (node) this.#findings.error(node, at.join("."), message, hint);
  }

  #shown(path: string): string {
    return shownPath(this.#reader, path);
  }
}

function outputsOf(outputs: Data): Data {
  const made: Data = {};
  for (const [name, given] of Object.entries(outputs)) put(made, name, given === null ? {} : given);
  return made;
}

/** Own property whatever its name. */
function put(target: Data, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
