import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  type Node,
  parseAllDocuments,
  type YAMLError,
} from "yaml";
import type { Findings } from "./diagnostics.ts";
import { type Entry, type MapNode, makeSource, placeAt, type Source, type SpecNode } from "./nodes.ts";
import { type FileReader, kindOfPath, shownPath } from "./paths.ts";
import { resolvePlainScalar } from "./yaml-scalars.ts";

export const MAX_FILE_BYTES = 5 * 1024 * 1024;
/** Nodes a file may unfold to once aliases are followed: far above any real spec, far below a memory problem. */
const MAX_NODES = 200_000;
const MAX_DEPTH = 200;

/** Reads and parses one file. Whatever is wrong becomes an error in `findings` and the answer is undefined; nothing is thrown. */
export function loadYamlFile(reader: FileReader, path: string, findings: Findings): SpecNode | undefined {
  const start = { file: path, line: 1, column: 1 };
  const kind = kindOfPath(reader, path);
  if (kind !== "file") {
    const shown = shownPath(reader, path);
    findings.error(start, "", kind === "dir" ? `\`${shown}\` is a folder, not a file` : `file not found: \`${shown}\``);
    return undefined;
  }
  const size = reader.sizeBytes?.(path) ?? 0;
  if (size > MAX_FILE_BYTES) return tooLarge(start, size, findings);
  const text = reader.readText(path);
  if (text === undefined) {
    findings.error(start, "", "the file cannot be read as UTF-8 text", "is it a YAML file, and readable for you?");
    return undefined;
  }
  return parseYaml(path, text, findings);
}

function tooLarge(place: { file: string; line: number; column: number }, size: number, findings: Findings): undefined {
  const hint = "data belongs next to a spec, not inside it";
  findings.error(place, "", `the file is too large for a spec: ${size} bytes, at most ${MAX_FILE_BYTES}`, hint);
  return undefined;
}

export function parseYaml(file: string, input: string, findings: Findings): SpecNode | undefined {
  const text = input.charCodeAt(0) === 0xfeff ? input.slice(1) : input;
  const src = makeSource(file, text);
  if (text.length > MAX_FILE_BYTES) return tooLarge(placeAt(src, 0), text.length, findings);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what makes a file binary.
  const junk = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.exec(text);
  if (junk) {
    const code = junk[0].charCodeAt(0).toString(16).padStart(4, "0");
    findings.error(
      placeAt(src, junk.index),
      "",
      `not a YAML text file: character U+${code.toUpperCase()} is not allowed`,
    );
    return undefined;
  }
  const deep = deepestFlow(text);
  if (deep !== undefined) {
    findings.error(placeAt(src, deep), "", `nested deeper than ${MAX_DEPTH} levels`);
    return undefined;
  }
  try {
    const documents = parse(text);
    const errors = documents[0]?.errors ?? [];
    if (errors.length === 0) return compose(src, documents, findings);
    if (errors.some((error) => error.message.includes("call stack"))) {
      findings.error(placeAt(src, 0), "", `nested deeper than ${MAX_DEPTH} levels`);
      return undefined;
    }
    const repaired = parseReindented(text, errors);
    if (repaired) return compose(makeSource(file, repaired.text), repaired.documents, findings);
    reportSyntax(src, errors, findings);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    findings.error(placeAt(src, 0), "", `the YAML cannot be read: ${message}`);
  }
  return undefined;
}

type Documents = readonly (Document.Parsed | undefined)[];

function parse(text: string): Documents {
  const documents = parseAllDocuments(text, {
    schema: "failsafe",
    version: "1.1",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  return Array.isArray(documents) ? documents : [];
}

/**
 * Azure's loader takes a quoted text whose later lines are not indented beyond their key; YAML says they must be.
 * Indentation inside quotes has no meaning, so those lines are pushed to the right and everything keeps its line number.
 */
function parseReindented(
  text: string,
  errors: readonly YAMLError[],
): { text: string; documents: Documents } | undefined {
  let failed = errors;
  let patched = text;
  for (let round = 0; round < 200; round++) {
    const missing = failed.find((error) => error.code === "MISSING_CHAR" && /quote$/.test(error.message));
    if (!missing) return undefined;
    const quote = missing.message.includes('"') ? '"' : "'";
    const from = patched.indexOf("\n", missing.pos[0] - 1);
    let end = from;
    do {
      end = patched.indexOf(quote, end + 1);
    } while (end > 0 && quote === '"' && patched[end - 1] === "\\" && patched[end - 2] !== "\\");
    if (from < 0 || end < 0) return undefined;
    const lineStart = patched.lastIndexOf("\n", from - 1) + 1;
    const indent = " ".repeat((/^[ -]*/.exec(patched.slice(lineStart))?.[0].length ?? 0) + 2);
    patched = patched.slice(0, from) + patched.slice(from, end).replaceAll("\n", `\n${indent}`) + patched.slice(end);
    const documents = parse(patched);
    failed = documents[0]?.errors ?? [];
    if (failed.length === 0) return { text: patched, documents };
  }
  return undefined;
}

/** Offset where brackets nest beyond the limit: the parser is recursive and would run out of stack. */
function deepestFlow(text: string): number | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x5b || char === 0x7b) {
      if (++depth > MAX_DEPTH * 5) return i;
    } else if ((char === 0x5d || char === 0x7d) && depth > 0) depth--;
  }
  return undefined;
}

function compose(src: Source, documents: Documents, findings: Findings): SpecNode | undefined {
  const [first, second] = documents;
  if (!first?.contents) {
    findings.error(placeAt(src, 0), "", "the file is empty");
    return undefined;
  }
  if (second && (second.contents !== null || second.errors.length > 0)) {
    const at = src.text.indexOf("\n---", first.range[1] - 1);
    findings.error(
      placeAt(src, at < 0 ? 0 : at + 1),
      "",
      "the file holds more than one YAML document",
      "put each spec in a file of its own",
    );
    return undefined;
  }
  const before = findings.errors.length;
  const root = new Converter(src, findings, (alias) => alias.resolve(first)).convert(first.contents, 0);
  return findings.errors.length > before ? undefined : root;
}

/** Says the first error only: a parser that has lost its way reports the same cause many times. */
function reportSyntax(src: Source, errors: readonly YAMLError[], findings: Findings): void {
  const error = [...errors].sort((a, b) => a.pos[0] - b.pos[0])[0];
  if (!error) return;
  // The end of the file is no place to look at: point at the last thing written.
  const offset = src.text.slice(error.pos[0]).trim() === "" ? src.text.trimEnd().length : error.pos[0];
  const place = placeAt(src, offset);
  const lineText = src.text.slice(src.lineStarts[place.line - 1] ?? 0, error.pos[1]);
  const token = /\{\{\s*([\w.-]+)\s*\}\}/.exec(lineText);
  if (token && !/\$\{\{/.test(lineText)) {
    const at = (src.lineStarts[place.line - 1] ?? 0) + token.index;
    findings.error(
      placeAt(src, at),
      "",
      `YAML syntax: \`${token[0]}\` is a template token, not YAML`,
      "replace it with a value before the file is used",
    );
    return;
  }
  if (error.code === "TAB_AS_INDENT") {
    findings.error(place, "", "YAML syntax: a tab is used for indentation", "indent with spaces");
    return;
  }
  findings.error(place, "", `YAML syntax: ${sentence(error.message)}`, SYNTAX_HINTS[error.code]);
}

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: "put the value in quotes if it contains `: `",
  BAD_SCALAR_START: "put the value in quotes",
  BAD_INDENT: "check the indentation of this line",
  MISSING_CHAR: "close the quote or bracket",
  UNEXPECTED_TOKEN: "check quotes, brackets and indentation around this place",
};

const sentence = (message: string) => message.charAt(0).toLowerCase() + message.slice(1);

class Converter {
  readonly #src: Source;
  readonly #findings: Findings;
  readonly #resolve: (alias: Alias) => Node | undefined;
  readonly #done = new Map<Node, SpecNode>();
  readonly #open = new Set<Node>();
  readonly #sizes = new Map<SpecNode, number>();
  #total = 0;

  constructor(src: Source, findings: Findings, resolve: (alias: Alias) => Node | undefined) {
    this.#src = src;
    this.#findings = findings;
    this.#resolve = resolve;
  }

  convert(node: Node | null, depth: number): SpecNode {
    if (node === null) return this.#nothing(0);
    const [start, end] = [node.range?.[0] ?? 0, node.range?.[1] ?? 0];
    if (depth > MAX_DEPTH) return this.#fail(start, `nested deeper than ${MAX_DEPTH} levels`);
    if (isAlias(node)) return this.#alias(node, start, depth);
    const known = this.#done.get(node);
    if (known) return known;
    let made: SpecNode;
    this.#open.add(node);
    if (isScalar(node)) {
      const text = String(node.value ?? "");
      const plain = node.type === "PLAIN" || node.type === undefined;
      const resolved = plain && node.tag === undefined ? resolvePlainScalar(text) : tagged(text, node.tag);
      made = { form: "scalar", src: this.#src, start, end, text, ...resolved };
    } else if (isMap(node)) {
      made = this.#map(node.items, start, end, depth);
    } else if (isCollection(node)) {
      const items: SpecNode[] = [];
      for (const item of node.items) {
        // `[a: 1]` is a one-pair map in a list.
        if (isPair(item)) items.push(this.#map([item], start, end, depth));
        else items.push(this.convert(item as Node | null, depth + 1));
      }
      made = { form: "list", src: this.#src, start, end, items };
    } else {
      made = this.#nothing(start);
    }
    this.#open.delete(node);
    this.#done.set(node, made);
    this.#count(made, start);
    return made;
  }

  #alias(node: Alias, start: number, depth: number): SpecNode {
    const target = this.#resolve(node);
    if (!target) return this.#fail(start, `alias \`*${node.source}\` has no anchor \`&${node.source}\` before it`);
    if (this.#open.has(target)) return this.#fail(start, `alias \`*${node.source}\` contains itself`);
    const made = this.convert(target, depth + 1);
    const before = this.#total;
    this.#total += this.#sizes.get(made) ?? 1;
    if (this.#total <= MAX_NODES) return made;
    return before > MAX_NODES
      ? this.#nothing(start)
      : this.#fail(start, `aliases unfold to more than ${MAX_NODES} values`);
  }

  #map(pairs: readonly unknown[], start: number, end: number, depth: number): MapNode {
    const entries = new Map<string, Entry>();
    const map: MapNode = { form: "map", src: this.#src, start, end, entries };
    const merged: SpecNode[] = [];
    for (const pair of pairs) {
      if (!isPair<Node, Node>(pair)) continue;
      const key = isAlias(pair.key) ? this.#resolve(pair.key) : pair.key;
      const keyStart = pair.key?.range?.[0] ?? start;
      const keyEnd = pair.key?.range?.[1] ?? keyStart;
      if (!isScalar(key)) {
        const written = this.#src.text.slice(keyStart, keyEnd + 1);
        const token = /^\{[^{}]*\}+/.test(written);
        const what = token
          ? `\`{${written.trim()}\` is a template token, not YAML`
          : "a key must be text, not a map or list";
        this.#fail(keyStart, what, token ? "replace it with a value before the file is used" : undefined);
        continue;
      }
      const name = String(key.value ?? "");
      const value = pair.value ? this.convert(pair.value, depth + 1) : this.#nothing(keyEnd);
      if (name === "<<" && key.type === "PLAIN") {
        merged.push(value);
        continue;
      }
      const earlier = entries.get(name);
      if (earlier) {
        const line = placeAt(this.#src, earlier.keyStart).line;
        this.#findings.error(
          placeAt(this.#src, keyStart),
          name,
          `key \`${name}\` is given twice, first in line ${line}`,
          "keep one of them",
        );
      }
      entries.set(name, { key: name, keyStart, keyEnd, src: this.#src, node: value });
    }
    for (const source of merged) this.#merge(map, source);
    return map;
  }

  /** `<<: *base` and `<<: [*a, *b]`: keys already there win, then earlier sources. */
  #merge(map: MapNode, source: SpecNode): void {
    if (source.form === "list") for (const item of source.items) this.#merge(map, item);
    else if (source.form === "map") {
      for (const [key, entry] of source.entries) if (!map.entries.has(key)) map.entries.set(key, { ...entry });
    } else this.#fail(source.start, "`<<` merges maps only");
  }

  #count(node: SpecNode, at: number): void {
    let size = 1;
    const add = (part: SpecNode) => {
      size += this.#sizes.get(part) ?? 1;
    };
    if (node.form === "list") node.items.forEach(add);
    if (node.form === "map") for (const entry of node.entries.values()) add(entry.node);
    this.#sizes.set(node, size);
    if (size > MAX_NODES && this.#total <= MAX_NODES) {
      this.#total = MAX_NODES + 1;
      this.#fail(at, `the file holds more than ${MAX_NODES} values`);
    }
  }

  #nothing(at: number): SpecNode {
    return { form: "scalar", src: this.#src, start: at, end: at, kind: "null", text: "", value: null };
  }

  #fail(at: number, message: string, hint?: string): SpecNode {
    this.#findings.error(placeAt(this.#src, at), "", `YAML: ${message}`, hint);
    return this.#nothing(at);
  }
}

function tagged(text: string, tag: string | undefined): ReturnType<typeof resolvePlainScalar> {
  const number =
    tag === "tag:yaml.org,2002:int" || tag === "tag:yaml.org,2002:float" || tag === "tag:yaml.org,2002:bool";
  return number ? resolvePlainScalar(text) : { kind: "str", value: text };
}
