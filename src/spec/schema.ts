import type { Findings } from "./diagnostics.ts";
import type { SpecNode } from "./nodes.ts";
import type { FileReader } from "./paths.ts";
import type { AssetKind } from "./refs.ts";

/**
 * The schema language of spec files. It exists because a union must be decided before it is checked: a wrong field is then
 * reported once, against the branch that was meant, with its place in the file.
 */
export type Type =
  | TextType
  | NumberType
  | { readonly t: "boolean" }
  | EnumType
  /** Any YAML value, kept as data. */
  | { readonly t: "any" }
  /** Text, number or boolean. */
  | { readonly t: "scalar" }
  | ListType
  | MapType
  | ObjectType
  | VariantType
  | ShapeType
  | RefType
  | PathType
  | CustomType
  | { readonly t: "lazy"; readonly get: () => Type };

export interface TextType {
  readonly t: "text";
  readonly pattern?: RegExp;
  /** What the pattern means, for the message: "must be ...". */
  readonly says?: string;
  /** Numbers and booleans are taken as they are written: tags, descriptions, versions. */
  readonly lenient?: boolean;
  readonly maxLength?: number;
  /** A placeholder such as `<NAME>` does not excuse a mismatch. */
  readonly strict?: boolean;
  /** May be empty. */
  readonly empty?: boolean;
}
export interface NumberType {
  readonly t: "integer" | "number";
  readonly min?: number;
  readonly max?: number;
}
export interface EnumType {
  readonly t: "enum";
  readonly values: readonly string[];
  /** Other spellings, lower case, and the value each stands for. */
  readonly also?: Readonly<Record<string, string>>;
  /** `WordEmbedding` is taken for `word_embedding`. */
  readonly camel?: boolean;
}
export interface ListType {
  readonly t: "list";
  readonly of: Type;
  /** A single value stands for a list of one. */
  readonly orOne?: boolean;
  readonly atLeast?: number;
}
export interface MapType {
  readonly t: "map";
  readonly of: Type;
  readonly key?: RegExp;
  /** What a key is, for messages: "input name". */
  readonly keyNoun?: string;
  readonly keySays?: string;
  readonly atLeast?: number;
}
export interface Field {
  readonly type: Type;
  readonly required?: boolean;
  readonly doc?: string;
  /** Said as a warning when the field is used. */
  readonly warning?: string;
  /** Server-filled: accepted and ignored. */
  readonly readOnly?: boolean;
  readonly default?: string | number | boolean;
}
export interface ObjectType {
  readonly t: "object";
  /** With its article, as a person says it: "a command job". */
  readonly noun: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Unknown fields are kept and only warned about. */
  readonly loose?: boolean;
  /** Of each group at least one field must be there. */
  readonly oneOf?: readonly (readonly string[])[];
  /** Of each group at most one field may be there. */
  readonly notTogether?: readonly (readonly string[])[];
  /** Runs when every field on its own is right. */
  readonly check?: (node: SpecNode, path: string, ctx: CheckContext) => void;
}
/** An object whose field `by` decides which fields it has. */
export interface VariantType {
  readonly t: "variant";
  readonly noun: string;
  readonly by: string;
  readonly cases: Readonly<Record<string, Type>>;
  readonly also?: Readonly<Record<string, string>>;
  /** Case when the field is absent; without it the field is required. May look at the node. */
  readonly absent?: string | ((node: SpecNode) => string);
}
/** Decided by the form of the YAML value. */
export interface ShapeType {
  readonly t: "shape";
  readonly text?: Type;
  readonly list?: Type;
  readonly map?: Type;
  readonly null?: Type;
}
/** A reference to something named, or to a file. */
export interface RefType {
  readonly t: "ref";
  readonly kind: AssetKind;
  /** A bare name without `azureml:` is taken. */
  readonly bare?: boolean;
  /** Needs a version or a label; `lax`: the default version is taken, with a warning. */
  readonly versioned?: boolean | "lax";
  /** Words that are no names: `serverless`, `local`. */
  readonly words?: readonly string[];
  /** A local file of this sort is taken. */
  readonly local?: "file" | "dir" | "any";
  /** What a local file that is not there is: an error, unless said otherwise. Data is often made by a script before the job is sent. */
  readonly absent?: "error" | "warning";
  /** Kinds of assets taken beside `kind`. */
  readonly also?: readonly AssetKind[];
  /** Addresses (datastore, job output, run, https ...) are taken. */
  readonly uri?: boolean;
}
export interface PathType {
  readonly t: "path";
  readonly want: "file" | "dir" | "any";
  /** What is looked for, when messages should not say "file or directory". */
  readonly noun?: string;
  /** Other forms than a local path are taken as well. */
  readonly remote?: boolean;
  /** A missing path is an error, a warning, or nobody's business here. */
  readonly missing: "error" | "warning" | "ignore";
}
export interface CustomType {
  readonly t: "custom";
  readonly noun: string;
  /** Reports what is wrong and answers the value as data. */
  readonly check: (node: SpecNode, path: string, ctx: CheckContext) => unknown;
  readonly json: Readonly<Record<string, unknown>>;
  /** Types the value is like, for the JSON Schema, where they say more than `json`. */
  readonly like?: () => readonly Type[];
}

export interface CheckContext {
  readonly reader: FileReader;
  readonly findings: Findings;
  /** Folder that relative paths start from: that of the file, not of the caller. */
  readonly dir: string;
  /** `${{parent...}}` may stand for any scalar, as in the steps of a pipeline. */
  readonly bindings: boolean;
  /** Whether paths in the spec are looked up. */
  readonly files: boolean;
  /** A component that is part of a job: its own name does not matter. */
  readonly anonymous: boolean;
  /** Reads, checks and remembers spec files that this one names; what is wrong in them is reported there. */
  readonly specs: SpecSource;
}

/** A spec file that another one names. `kind` as in `kinds/table.ts`: `component.command`. */
export interface LoadedSpec {
  readonly kind: string;
  readonly root: SpecNode;
  /** The checked file as data. */
  readonly value: unknown;
  readonly file: string;
  readonly ctx: CheckContext;
}

export interface SpecSource {
  /**
   * `family` is `component`, `job`, ...: the noun that decides the kind. Undefined when the file cannot be used, which has been reported.
   */
  load(family: string, local: string, at: SpecNode, field: string, ctx: CheckContext): LoadedSpec | undefined;
}

export const text = (options: Omit<TextType, "t"> = {}): TextType => ({ t: "text", ...options });
export const anyText = text({ lenient: true, empty: true });
export const integer = (min?: number, max?: number): NumberType => ({ t: "integer", ...bounds(min, max) });
export const number = (min?: number, max?: number): NumberType => ({ t: "number", ...bounds(min, max) });
export const boolean: Type = { t: "boolean" };
export const anything: Type = { t: "any" };
export const scalar: Type = { t: "scalar" };
export const oneOf = (...values: string[]): EnumType => ({ t: "enum", values });
export const list = (of: Type, options: { orOne?: boolean; atLeast?: number } = {}): ListType => ({
  t: "list",
  of,
  ...options,
});
export const map = (of: Type, options: Omit<MapType, "t" | "of"> = {}): MapType => ({ t: "map", of, ...options });
export const lazy = (get: () => Type): Type => ({ t: "lazy", get });
export const ref = (kind: AssetKind, options: Omit<RefType, "t" | "kind"> = {}): RefType => ({
  t: "ref",
  kind,
  ...options,
});
export const path = (want: PathType["want"], missing: PathType["missing"], remote = false): PathType => ({
  t: "path",
  want,
  missing,
  remote,
});
export const shape = (forms: Omit<ShapeType, "t">): ShapeType => ({ t: "shape", ...forms });
export const variant = (
  noun: string,
  by: string,
  cases: Readonly<Record<string, Type>>,
  more: Pick<VariantType, "absent" | "also"> = {},
): VariantType => ({
  t: "variant",
  noun,
  by,
  cases,
  ...more,
});

/** `need(type)` and `field(type, {...})` where a plain type is not enough. */
export const need = (type: Type, more: Omit<Field, "type" | "required"> = {}): Field => ({
  type,
  required: true,
  ...more,
});
export const field = (type: Type, more: Omit<Field, "type"> = {}): Field => ({ type, ...more });
export const readOnly: Field = { type: anything, readOnly: true };

export function object(
  noun: string,
  fields: Readonly<Record<string, Type | Field>>,
  more: Omit<ObjectType, "t" | "noun" | "fields"> = {},
): ObjectType {
  const made = Object.fromEntries(
    Object.entries(fields).map(([name, given]) => [name, "type" in given ? given : { type: given }]),
  );
  return { t: "object", noun, fields: made, ...more };
}

function bounds(min: number | undefined, max: number | undefined): { min?: number; max?: number } {
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}
