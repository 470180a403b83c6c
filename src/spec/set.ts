import type { Findings } from "./diagnostics.ts";
import { child, keysOf, type MapNode, makeSource, placeAt, type ScalarNode, type SpecNode, textOf } from "./nodes.ts";
import { nearest } from "./suggest.ts";
import { parseYaml } from "./yaml-load.ts";
import { resolvePlainScalar } from "./yaml-scalars.ts";

/**
 * Changes a tree in place, as `--set key.path=value` asks. Missing maps are made, `items[0]` and `items.0` name a list entry,
 * a key with dots is quoted (`tags."a.b"=x`). Values are YAML scalars (`3` is a number, `"3"` text), `{...}` and `[...]` are data.
 * What cannot be applied becomes an error whose place is the argument itself.
 */
export function applyChanges(
  root: SpecNode,
  sets: readonly string[],
  overrides: Readonly<Record<string, string | number | boolean>>,
  findings: Findings,
): void {
  for (const argument of sets) {
    const at = splitAssignment(argument);
    if (at === undefined) {
      findings.error(
        { file: `--set ${argument}`, line: 1, column: 1 },
        "",
        `\`${argument}\` is no assignment`,
        "write `--set key.path=value`",
      );
      continue;
    }
    const value = valueNode(`--set ${argument}`, argument.slice(at + 1), findings);
    if (value) assign(root, valuePath(root, argument.slice(0, at), value, findings), value, findings);
  }
  for (const [path, value] of Object.entries(overrides)) assign(root, path, literalNode(`--${path}`, value), findings);
}

const LITERALS = ["string", "number", "integer", "boolean"];

/**
 * A value for an input that declares what it takes goes into the declaration, so that its type and bounds still hold; the first of `value`
 * and `default` counts. A new input is said to be one when its name is nearly that of another.
 */
function valuePath(root: SpecNode, path: string, value: SpecNode, findings: Findings): string {
  const [holder, name, ...rest] = splitPath(path);
  const inputs = child(root, "inputs");
  if (holder !== "inputs" || name === undefined || inputs?.form !== "map") return path;
  const known = child(inputs, name);
  if (known === undefined) {
    const near = nearest(name, keysOf(inputs));
    if (near !== undefined)
      findings.warn(value, path, `there was no input \`${name}\`; it is added`, `did you mean \`${near}\`?`);
  }
  if (rest.length > 0 || value.form !== "scalar" || !LITERALS.includes(textOf(child(known, "type")) ?? "")) return path;
  return `${path}.${child(known, "value") === undefined ? "default" : "value"}`;
}

/** Offset of the `=` that ends the path. */
function splitAssignment(argument: string): number | undefined {
  let quoted = false;
  for (let i = 0; i < argument.length; i++) {
    if (argument[i] === '"') quoted = !quoted;
    else if (argument[i] === "=" && !quoted) return i > 0 ? i : undefined;
  }
  return undefined;
}

function literalNode(file: string, value: string | number | boolean): ScalarNode {
  const text = String(value);
  const kind =
    typeof value === "string" ? "str" : typeof value === "boolean" ? "bool" : Number.isInteger(value) ? "int" : "float";
  return { form: "scalar", src: makeSource(file, text), start: 0, end: text.length, kind, text, value };
}

function valueNode(file: string, text: string, findings: Findings): SpecNode | undefined {
  if (/^\s*[[{"']/.test(text)) {
    const parsed = parseYaml(file, text, findings);
    return parsed;
  }
  const resolved = resolvePlainScalar(text);
  return { form: "scalar", src: makeSource(file, text), start: 0, end: text.length, text, ...resolved };
}

/** `a.b[0]."c.d"` -> `a`, `b`, `0`, `c.d`. */
export function splitPath(path: string): string[] {
  return [...path.matchAll(/"([^"]*)"|\[(\d+)\]|([^.[\]"]+)/g)].map((found) => found[1] ?? found[2] ?? found[3] ?? "");
}

function assign(root: SpecNode, path: string, value: SpecNode, findings: Findings): void {
  const keys = splitPath(path);
  let holder = root;
  for (const [i, key] of keys.entries()) {
    const last = i === keys.length - 1;
    if (holder.form === "list") {
      const index = Number(key);
      if (!/^\d+$/.test(key) || index > holder.items.length) {
        const hint = `it has ${holder.items.length} entries, counted from 0`;
        findings.error(value, path, `\`${keys.slice(0, i).join(".")}\` is a list and has no entry \`${key}\``, hint);
        return;
      }
      const next = last ? value : container(holder.items[index], value);
      holder.items[index] = next;
      holder = next;
    } else if (holder.form === "map") {
      const next = last ? value : container(holder.entries.get(key)?.node, value);
      const known = holder.entries.get(key);
      if (known) known.node = next;
      else holder.entries.set(key, { key, keyStart: 0, keyEnd: 0, src: value.src, node: next });
      holder = next;
    } else return;
  }
  if (keys.length === 0) findings.error(placeAt(value.src, 0), "", `\`${path}\` names no field`);
}

/** What is there when it can hold keys, else a new map in its place. */
function container(node: SpecNode | undefined, like: SpecNode): SpecNode {
  if (node !== undefined && node.form !== "scalar") return node;
  const made: MapNode = { form: "map", src: like.src, start: 0, end: like.end, entries: new Map() };
  return made;
}
