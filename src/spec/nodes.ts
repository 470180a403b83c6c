/** A text that nodes point into; `lineStarts[i]` is the offset of line i+1. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly lineStarts: readonly number[];
}

/** What YAML 1.1 (as Azure's loader reads it) takes a scalar for. `date` keeps its text. */
export type ScalarKind = "null" | "bool" | "int" | "float" | "date" | "str";

interface NodeBase {
  readonly src: Source;
  /** Offsets into `src.text`, end exclusive. */
  readonly start: number;
  readonly end: number;
}
export interface ScalarNode extends NodeBase {
  readonly form: "scalar";
  readonly kind: ScalarKind;
  /** As written, without quotes. */
  readonly text: string;
  readonly value: string | number | boolean | null;
}
export interface ListNode extends NodeBase {
  readonly form: "list";
  readonly items: SpecNode[];
}
export interface Entry {
  readonly key: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Where the key stands: an override given on the command line has another source than the map it was put in. */
  readonly src: Source;
  node: SpecNode;
}
export interface MapNode extends NodeBase {
  readonly form: "map";
  readonly entries: Map<string, Entry>;
}
export type SpecNode = ScalarNode | ListNode | MapNode;

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export function makeSource(file: string, text: string): Source {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

/** Line and column count from 1; columns are UTF-16 units, as editors count them. */
export function placeAt(src: Source, offset: number): Place {
  let low = 0;
  let high = src.lineStarts.length - 1;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if ((src.lineStarts[mid] ?? 0) <= offset) low = mid;
    else high = mid - 1;
  }
  return { file: src.file, line: low + 1, column: offset - (src.lineStarts[low] ?? 0) + 1 };
}

/** Place of the nth (from 0) appearance of `needle` inside the node's own text, else the node's start. */
export function placeInside(node: SpecNode, needle: string, nth = 0): Place {
  let at = node.start - 1;
  for (let seen = 0; seen <= nth; seen++) {
    at = node.src.text.indexOf(needle, at + 1);
    if (at < 0 || at >= node.end) return placeAt(node.src, node.start);
  }
  return placeAt(node.src, at);
}

export function child(node: SpecNode | undefined, key: string): SpecNode | undefined {
  return node?.form === "map" ? node.entries.get(key)?.node : undefined;
}

/** Where a field path leads, or as far as the way to it is there; undefined where not even its first word is. */
export function placeOfField(root: SpecNode | undefined, field: string): Place | undefined {
  let node = root;
  for (const key of field.split(".")) {
    const inner = child(node, key);
    if (inner === undefined) break;
    node = inner;
  }
  return node === undefined || node === root ? undefined : placeAt(node.src, node.start);
}

/** Text of a scalar child that is a string, as written; numbers and the like give their text too, null gives undefined. */
export function textOf(node: SpecNode | undefined): string | undefined {
  return node?.form === "scalar" && node.kind !== "null" ? node.text : undefined;
}

export function keysOf(node: SpecNode | undefined): string[] {
  return node?.form === "map" ? [...node.entries.keys()] : [];
}

export function isNull(node: SpecNode | undefined): boolean {
  return node === undefined || (node.form === "scalar" && node.kind === "null");
}

/** Plain data of a node; numbers as numbers, dates as text. */
export function toPlain(node: SpecNode): unknown {
  if (node.form === "scalar") return node.value;
  if (node.form === "list") return node.items.map(toPlain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)]));
}

/** What a person calls this node, for messages. */
export function nounOf(node: SpecNode): string {
  if (node.form === "map") return "a map";
  if (node.form === "list") return "a list";
  switch (node.kind) {
    case "null":
      return "empty";
    case "bool":
      return `the boolean \`${node.text}\``;
    case "int":
    case "float":
      return `the number \`${node.text}\``;
    default:
      return `\`${shorten(node.text)}\``;
  }
}

export function shorten(text: string, most = 60): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
