import { check } from "./check.ts";
import { detectKind, kindOfWord } from "./detect.ts";
import { type Diagnostic, Findings } from "./diagnostics.ts";
import { factsOf, type Kind } from "./kinds/table.ts";
import { child, isNull, keysOf, placeAt, type SpecNode, textOf } from "./nodes.ts";
import { type FileReader, kindOfPath, normalizePath, parentPath, resolvePath } from "./paths.ts";
import { mentionsOf } from "./refs.ts";
import type { CheckContext, LoadedSpec, SpecSource } from "./schema.ts";
import { applyChanges } from "./set.ts";
import { loadYamlFile } from "./yaml-load.ts";

/** What `yard validate` says about one file. Names are in file order; `refs` and `uris` as written. */
export interface FileReport {
  readonly file: string;
  readonly valid: boolean;
  /** As in `kinds/table.ts`; empty when it could not be told. */
  readonly kind: string;
  readonly name: string | undefined;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly steps: readonly string[];
  readonly search_space: readonly string[];
  readonly refs: readonly string[];
  readonly uris: readonly string[];
  readonly warnings: readonly Diagnostic[];
  readonly errors: readonly Diagnostic[];
}

export interface ValidateOptions {
  /** The noun of the command line (`job`, `component`, `online-deployment`), or an exact kind. */
  readonly kind?: string;
  /** Changes before the check, as `--set` gives them: `limits.timeout=60`. */
  readonly set?: readonly string[];
  /** Same, by field path, with values that are taken as they are. */
  readonly overrides?: Readonly<Record<string, string | number | boolean>>;
  /** Paths named in the file are looked up; off for a spec that came without its folder. */
  readonly files?: boolean;
}

/** One file, checked: its tree, its kind, its value as data, and what was found. */
export interface CheckedFile {
  readonly file: string;
  readonly root: SpecNode | undefined;
  readonly kind: Kind | undefined;
  readonly value: unknown;
  readonly ctx: CheckContext;
  readonly findings: Findings;
}

/** Remembers spec files of one validation, so that a component used by ten steps is read and reported once. */
class Specs implements SpecSource {
  readonly #known = new Map<string, LoadedSpec | undefined>();
  readonly #open: string[] = [];

  load(family: string, local: string, at: SpecNode, field: string, ctx: CheckContext): LoadedSpec | undefined {
    const file = resolvePath(ctx.dir, local);
    const key = `${family}\0${ctx.anonymous}\0${file}`;
    if (this.#open.includes(key)) {
      const ring = [...this.#open.slice(this.#open.indexOf(key)), key].map(
        (part) => `\`${part.slice(part.lastIndexOf("\0") + 1)}\``,
      );
      ctx.findings.error(at, field, `files use each other in a circle: ${ring.join(" -> ")}`);
      return undefined;
    }
    if (this.#known.has(key)) return this.#known.get(key);
    if (kindOfPath(ctx.reader, file) !== "file") return undefined;
    this.#open.push(key);
    const loaded = this.#read(family, file, at, field, ctx);
    this.#open.pop();
    this.#known.set(key, loaded);
    return loaded;
  }

  #read(family: string, file: string, at: SpecNode, field: string, outer: CheckContext): LoadedSpec | undefined {
    const before = outer.findings.errors.length;
    const root = loadYamlFile(outer.reader, file, outer.findings);
    if (!root) return undefined;
    const kind = family === "component" && isFlow(root) ? "promptflow" : detectKind(root, family, outer.findings);
    if (kind === undefined) return undefined;
    const ctx = { ...outer, dir: parentPath(file), bindings: false };
    const value = check(factsOf(kind).type, root, "", ctx);
    if (outer.findings.errors.length > before && outer.findings.errors[before]?.file === file) {
      outer.findings.warn(at, field, `\`${file}\` has errors`);
    }
    // A flow used as a component has ports Azure makes up while it converts it.
    return kind === "promptflow" ? undefined : { kind, root, value, file, ctx };
  }
}

/** Azure takes a prompt flow folder's file where a component is expected. */
function isFlow(root: SpecNode): boolean {
  return (
    /promptflow/i.test(textOf(child(root, "$schema")) ?? "") ||
    child(root, "nodes") !== undefined ||
    child(root, "flow") !== undefined
  );
}

export function makeContext(reader: FileReader, dir: string, findings: Findings, files = true): CheckContext {
  return { reader, findings, dir, files, bindings: false, anonymous: false, specs: new Specs() };
}

/** Reads and checks one file, changed as the options say. */
export function checkFile(reader: FileReader, path: string, options: ValidateOptions = {}): CheckedFile {
  const file = normalizePath(path);
  const findings = new Findings();
  const ctx = makeContext(reader, parentPath(file), findings, options.files ?? true);
  const root = loadYamlFile(reader, file, findings);
  if (root) applyChanges(root, options.set ?? [], options.overrides ?? {}, findings);
  const kind = root ? detectKind(root, options.kind, findings) : undefined;
  const value = root && kind ? check(factsOf(kind).type, root, "", ctx) : undefined;
  if (root && kind && factsOf(kind).azureOnly) {
    findings.warn(
      placeAt(root.src, 0),
      "",
      `${factsOf(kind).noun} is understood but not supported on this platform: it can be validated, not created`,
    );
  }
  return { file, root, kind, value, ctx, findings };
}

/** Never throws: whatever is wrong with the file is in `errors`. */
export function validateFile(reader: FileReader, path: string, options: ValidateOptions = {}): FileReport {
  return reportOf(checkFile(reader, path, options), options.kind);
}

export function reportOf(checked: CheckedFile, hint?: string): FileReport {
  const { root, kind, findings } = checked;
  const mentions = root ? mentionsOf(root) : { refs: [], uris: [] };
  const mapKeys = (name: string) => (child(root, name)?.form === "map" ? keysOf(child(root, name)) : []);
  const name = child(root, "name");
  return {
    file: checked.file,
    valid: findings.errors.length === 0,
    kind:
      kind === "deployment.batch.model"
        ? "deployment.batch"
        : (kind ?? (hint === undefined ? "" : (kindOfWord(hint) ?? hint))),
    name: isNull(name) ? undefined : textOf(name),
    inputs: mapKeys("inputs"),
    outputs: mapKeys("outputs"),
    steps: mapKeys("jobs"),
    search_space: mapKeys("search_space"),
    ...mentions,
    warnings: inFileOrder(checked.file, findings.warnings),
    errors: inFileOrder(checked.file, findings.errors),
  };
}

/** The file itself first, each file from top to bottom. */
function inFileOrder(file: string, found: readonly Diagnostic[]): Diagnostic[] {
  const rank = (diagnostic: Diagnostic) => (diagnostic.file === file ? "" : diagnostic.file);
  return [...found].sort((a, b) => rank(a).localeCompare(rank(b)) || a.line - b.line || a.column - b.column);
}
